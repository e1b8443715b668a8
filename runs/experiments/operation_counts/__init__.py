"""operation-counts: the operations of one attention block, exact to the synapse and by every published counter."""

from runs.experiments.operation_counts.experiment import Config, lines, run

__all__ = ["Config", "lines", "run"]
