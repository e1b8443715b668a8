"""What a run means: audit, bounds, information, energy, plots and reports."""
