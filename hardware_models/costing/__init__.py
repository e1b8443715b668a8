"""Counts times published figures: joules and seconds, with their sources."""
