"""digits-attention: real handwritten digits through a spiking attention circuit, from synapses to joules."""

from runs.experiments.digits_attention.experiment import Config, lines, n_tokens, permuted, run

__all__ = ["Config", "lines", "n_tokens", "permuted", "run"]
