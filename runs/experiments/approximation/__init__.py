"""approximation: spiking transformers fitted to permutation-equivariant functions; error against width and spikes."""

from runs.experiments.approximation.experiment import Config, lines, run

__all__ = ["Config", "lines", "run"]
