"""A compiled network with its stimulus in one file, so that it can be simulated in a fresh process."""

import numpy as np

from eventsim.compiled_network import CompiledNetwork
from eventsim.stimulus import Stimulus

__all__ = ["load_network", "save_network"]

_PARTS = ("network", "stimulus")


def save_network(path, compiled):
    """Write a CompiledNetwork and its default stimulus."""
    arrays = {
        f"{part}/{name}": values
        for part, artefact in zip(_PARTS, (compiled, compiled.stimulus))
        for name, values in artefact.to_arrays().items()
    }
    np.savez(path, **arrays)


def load_network(path):
    """The CompiledNetwork in such a file, with its stimulus."""
    with np.load(path, allow_pickle=False) as stored:
        network, stimulus = (
            {name.removeprefix(f"{part}/"): stored[name] for name in stored.files if name.startswith(f"{part}/")}
            for part in _PARTS
        )
    return CompiledNetwork.from_arrays(network, Stimulus.from_arrays(stimulus))
