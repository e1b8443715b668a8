"""softmax-convergence: how fast the spike shares of each softmax circuit approach softmax, and what stops them."""

from runs.experiments.softmax_convergence.experiment import Config, lines, run

__all__ = ["Config", "lines", "run"]
