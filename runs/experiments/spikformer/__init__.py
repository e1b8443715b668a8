"""spikformer: a user's trained spiking transformer on a user's images, as a circuit, spike by spike."""

from runs.experiments.spikformer.experiment import Config, lines, run

__all__ = ["Config", "lines", "run"]
