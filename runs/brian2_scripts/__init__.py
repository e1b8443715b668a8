"""Scripts written for Brian2, run as they are, with eventsim in place of Brian2's own loop over time."""

from runs.brian2_scripts.script import Settings, run_script

__all__ = ["Settings", "run_script"]
