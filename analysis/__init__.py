"""What a run means: audit, bounds, information, energy, plots and reports."""

__all__ = ["design", "why"]


def __getattr__(name):
    """`analysis.why` and `analysis.design`, imported when they are first asked for: both take a while."""
    if name == "why":
        from analysis.audit import why

        return why
    if name == "design":
        from analysis.calibration import design

        return design
    raise AttributeError(f"module 'analysis' has no attribute '{name}'")
