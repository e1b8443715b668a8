"""Experiments: a configuration type and a function that turns a configuration into files and a summary."""

from runs.experiments import digits_attention

__all__ = ["EXPERIMENTS"]

#: Every experiment by name. Each module has `Config` (msgspec.Struct) and
#: `run(config, folder, progress) -> summary`, which writes into `folder` and returns what `summary.json` holds,
#: and `lines(summary)`, which puts that summary into words for a terminal.
EXPERIMENTS = {"digits-attention": digits_attention}
