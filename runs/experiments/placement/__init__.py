"""placement: what the choice of cores saves in messages, on planted clusters and on attention circuits."""

from runs.experiments.placement.experiment import Config, lines, run

__all__ = ["Config", "lines", "run"]
