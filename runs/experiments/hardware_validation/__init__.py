"""hardware-validation: counts and costs of networks that are built and run, beside what others published."""

from runs.experiments.hardware_validation.experiment import Config, lines, run

__all__ = ["Config", "lines", "run"]
