"""on-chip: which circuits run on Loihi and on TrueNorth, what they lose there, and what a query costs."""

from runs.experiments.on_chip.experiment import Config, lines, run

__all__ = ["Config", "lines", "run"]
