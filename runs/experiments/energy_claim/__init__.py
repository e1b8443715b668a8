"""energy-claim: under which accounting a spiking transformer takes 38 to 57 times less energy."""

from runs.experiments.energy_claim.experiment import Config, lines, run

__all__ = ["Config", "lines", "run"]
