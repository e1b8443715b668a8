"""place: neurons on cores, by one of three placers.

"in_order" fills core after core in the order of the neurons' ids. "greedy" gathers on a core neurons that the same
axons reach. "partition" cuts the network with METIS. The last two then choose places on the mesh for their cores. All
are deterministic, and respect every limit of the chip.
"""

import importlib.util
import warnings

import numpy as np

from eventsim.arguments import require_kind
from eventsim.compiled_network import CompiledNetwork
from eventsim.counts import HOST
from eventsim.errors import ConfigError
from hardware_models.chips.file import the_chip
from hardware_models.placing.placement import Placement
from hardware_models.placing.placers.fill import fill
from hardware_models.placing.placers.greedy import greedy_order
from hardware_models.placing.placers.partition import partition
from hardware_models.placing.placers.positions import arranged
from hardware_models.placing.placers.wires import Wires

__all__ = ["PLACERS", "place"]


def _in_order(wires):
    return fill(wires, np.arange(wires.n), np.zeros(wires.n, dtype=np.int64))


def _greedy(wires):
    return _on_the_mesh(wires, fill(wires, *greedy_order(wires)))


def _partition(wires):
    return _on_the_mesh(wires, partition(wires))


#: Name of each placer -> a function of the Wires that returns the core of each position.
PLACERS = {"in_order": _in_order, "greedy": _greedy, "partition": _partition}


def place(network, chip, placer="in_order"):
    """Assign every neuron to a core; spike sources stay on the host.

    Parameters
    ----------
    network : CompiledNetwork
    chip : Chip, str or Path
        Itself, or its name or file, as `load_chip` takes them.
    placer : str
        One of PLACERS. Without the package pymetis, "partition" warns and places greedily.

    Returns
    -------
    Placement
        Checked against every limit of the chip; on as many chips as it takes. Its `placer` is who made it.

    Raises
    ------
    CapacityError
        One neuron alone exceeds a limit; says which, and what to do.
    ConfigError
        There is no such placer or chip, or a limit of the chip is not published.
    """
    require_kind("network", network, CompiledNetwork)
    require_kind("placer", placer, str)
    chip = the_chip(chip)
    if placer not in PLACERS:
        raise ConfigError(f"there is no placer {placer!r}; choose one of {', '.join(PLACERS)}")
    if placer == "partition" and importlib.util.find_spec("pymetis") is None:
        warnings.warn("placer 'partition' needs the package pymetis, so 'greedy' places; to partition, pip install "
                      "'eventsim-spiking[partition]'", stacklevel=2)  # fmt: skip
        placer = "greedy"
    wires = Wires(network, chip)
    core_of = np.full(network.n_neurons, HOST, dtype=np.int32)
    core_of[wires.ids] = PLACERS[placer](wires)
    return Placement.of(network, core_of, chip, placer=placer)


def _on_the_mesh(wires, cores):
    """The same cores, each at the place on the mesh that shortens the ways of messages."""
    wires.chip.require(*(f"mesh.{size}" for size in wires.chip.mesh.__struct_fields__))
    axon, destination = wires.pairs(cores)
    sender = wires.sender[axon]
    n = int(cores.max(initial=0)) + 1
    keys, messages = np.unique(cores[sender[sender >= 0]] * np.int64(n) + destination[sender >= 0], return_counts=True)
    return arranged((keys // n, keys % n, messages), n, wires.chip.mesh)[cores]
