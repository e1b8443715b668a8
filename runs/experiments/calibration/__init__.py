"""calibration: spikes by effective dimension, fitted to some circuits, frozen, and tested on others."""

from runs.experiments.calibration.experiment import Config, lines, run

__all__ = ["Config", "lines", "run"]
