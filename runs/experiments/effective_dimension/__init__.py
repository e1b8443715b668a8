"""effective-dimension: how many dimensions data have, definition by definition, and what too few samples make of it."""

from runs.experiments.effective_dimension.experiment import Config, lines, run

__all__ = ["Config", "lines", "run"]
