"""Experiments: a configuration type and a function that turns a configuration into files and a summary."""

from collections.abc import Mapping
from importlib import import_module

__all__ = ["EXPERIMENTS"]

_NAMES = (
    "approximation",
    "calibration",
    "digits-attention",
    "digits-heads",
    "energy-claim",
    "effective-dimension",
    "hardware-validation",
    "on-chip",
    "operation-counts",
    "paper-claims",
    "placement",
    "saturation",
    "softmax-convergence",
    "spikformer",
    "spikformer-digits",
)


class _OnDemand(Mapping):
    """Modules of this folder by name: digits-attention is digits_attention, imported when it is first asked for."""

    def __iter__(self):
        return iter(_NAMES)

    def __len__(self):
        return len(_NAMES)

    def __contains__(self, name):
        return name in _NAMES

    def __getitem__(self, name):
        if name not in _NAMES:
            raise KeyError(name)
        return import_module(f"{__name__}.{name.replace('-', '_')}")


#: Every experiment by name. Each is a module or a package with `Config` (msgspec.Struct) and
#: `run(config, folder, progress) -> summary`, which writes into `folder` and returns what `summary.json` holds,
#: and `lines(summary)`, which puts that summary into words for a terminal. Where tokens can be permuted it has
#: `n_tokens(config)` and `permuted(config, order, keyed_by) -> (circuit, stimulus)` too, for `runs.permutation`.
EXPERIMENTS = _OnDemand()
