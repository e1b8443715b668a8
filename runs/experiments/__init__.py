"""Experiments: a configuration type and a function that turns a configuration into files and a summary."""

from runs.experiments import (
    approximation,
    digits_attention,
    digits_heads,
    hardware_validation,
    operation_counts,
    softmax_convergence,
)

__all__ = ["EXPERIMENTS"]

#: Every experiment by name. Each module has `Config` (msgspec.Struct) and
#: `run(config, folder, progress) -> summary`, which writes into `folder` and returns what `summary.json` holds,
#: and `lines(summary)`, which puts that summary into words for a terminal. Where tokens can be permuted it has
#: `n_tokens(config)` and `permuted(config, order, keyed_by) -> (circuit, stimulus)` too, for `runs.permutation`.
EXPERIMENTS = {
    "approximation": approximation,
    "digits-attention": digits_attention,
    "digits-heads": digits_heads,
    "hardware-validation": hardware_validation,
    "operation-counts": operation_counts,
    "softmax-convergence": softmax_convergence,
}
