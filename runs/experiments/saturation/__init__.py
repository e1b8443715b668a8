"""saturation: how many times the spikes of a lower bound do the softmax circuits and the attention heads use?"""

from runs.experiments.saturation.experiment import Config, lines, run

__all__ = ["Config", "lines", "run"]
