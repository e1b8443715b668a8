"""Placement: which core each neuron lives on, checked against every limit of the chip."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from eventsim.arguments import require_kind, whole_numbers
from eventsim.arrays import content_hash
from eventsim.collected import MOST_CORES
from eventsim.compiled_network import CompiledNetwork
from eventsim.counts import HOST
from eventsim.errors import CapacityError, ConfigError, ProvenanceError
from hardware_models.chips.chip import Chip
from hardware_models.chips.file import the_chip
from hardware_models.mesh import chip_of
from hardware_models.placing.resources import REMEDIES, RESOURCES, allowed, demand

__all__ = ["Placement"]


@dataclass(frozen=True, eq=False)
class Placement:
    """Neurons on cores. Made by `place`, or by hand with `Placement.of`; the constructor checks only that
    cores are whole numbers that a run can number.

    Parameters
    ----------
    core_of : (n_neurons,) int32
        The core of each neuron; -1 for spike sources, which stay on the host.
    network_hash : str
        Hash of the CompiledNetwork that was placed.
    chip : Chip
    used : (n_cores, n_resources) int64, optional
        What each core holds of each of `hardware_models.placing.resources.RESOURCES`.
    enters_at : (n_neurons,) int32, optional
        For each spike source the core where its spikes enter the mesh, -1 when that is not said; -1 for all others.
    placer : str
        Who made it: one of `hardware_models.placing.placers.PLACERS`, or "hand".
    """

    core_of: np.ndarray
    network_hash: str
    chip: Chip
    used: np.ndarray | None = field(default=None, repr=False)
    enters_at: np.ndarray | None = None
    placer: str = "hand"

    def __post_init__(self):
        given = {"core_of": self.core_of} | ({} if self.enters_at is None else {"enters_at": self.enters_at})
        for name, values in given.items():
            cores = whole_numbers(name, values, HOST, MOST_CORES - 1).astype(np.int32)
            cores.flags.writeable = False
            object.__setattr__(self, name, cores)

    @classmethod
    def of(cls, network, core_of, chip, enters_at=None, placer="hand"):
        """A placement by hand, checked; `chip` as `place` takes it. Raises what `validate` raises."""
        require_kind("network", network, CompiledNetwork)
        chip = the_chip(chip)
        used = cls(core_of, network.hash, chip, enters_at=enters_at).validate(network)
        return cls(core_of, network.hash, chip, used, enters_at, placer)

    @property
    def hash(self):
        identity = f"{self.network_hash} {self.chip.hash}".encode()
        columns = {"core_of": self.core_of, "identity": np.frombuffer(identity, dtype=np.uint8)}
        return content_hash(columns if self.enters_at is None else columns | {"enters_at": self.enters_at})

    @property
    def sent_from(self):
        """(n_neurons,) int32: the core that sends the messages of each neuron; -1 for a source without an entry."""
        return self.core_of if self.enters_at is None else np.maximum(self.core_of, self.enters_at)

    @property
    def cores(self):
        """(n_cores,) int32: the cores that hold a neuron, ascending."""
        return np.unique(self.core_of[self.core_of != HOST])

    @property
    def n_cores(self):
        return self.cores.size

    @property
    def n_chips(self):
        return np.unique(chip_of(self.cores, self.chip.mesh)).size

    def utilization(self):
        """DataFrame, one row per (core, resource): used, allowed, and share, which is used / allowed.

        Raises ConfigError when the placement was made by the bare constructor, which knows no network.
        """
        if self.used is None:
            raise ConfigError("this placement does not know what its cores hold; make it with Placement.of(...)")
        cores = self.cores
        index = pd.MultiIndex.from_product([cores, RESOURCES], names=["core", "resource"])
        columns = {"used": self.used[cores].ravel(), "allowed": np.tile(allowed(self.chip), cores.size)}
        table = pd.DataFrame(columns, index)
        table["share"] = table["used"] / table["allowed"]
        return table

    def require_network(self, network):
        """Raise ProvenanceError when the placement is of another network than this one."""
        require_kind("network", network, CompiledNetwork)
        if self.network_hash != network.hash:
            raise ProvenanceError(f"the placement is of network {self.network_hash[:12]}, not of {network.hash[:12]}; "
                                  "place this network anew")  # fmt: skip

    def validate(self, network):
        """Recount what every core holds, from the synapses alone, and compare with every limit.

        Returns
        -------
        (n_cores, n_resources) int64
            What each core holds of each of RESOURCES.

        Raises
        ------
        ProvenanceError
            The placement is of another network.
        ConfigError
            It has another number of neurons, a spike source on a core, or another neuron on the host.
        CapacityError
            A limit of the chip is exceeded.
        """
        self.require_network(network)
        if self.core_of.shape != (network.n_neurons,):
            raise ConfigError(f"the placement has {self.core_of.size} neurons, the network {network.n_neurons}")
        wrong = np.flatnonzero((self.core_of == HOST) != network.is_source)
        if wrong.size:
            raise ConfigError(f"neuron {wrong[0]} is on core {self.core_of[wrong[0]]}; spike sources, and only they, "
                              f"are on the host ({HOST}), all others on cores from 0")  # fmt: skip
        self._check_entries(network)
        longest, limit = int(network.delay.max(initial=0)), self.chip.require("limits.delay_ticks")[0].value
        if longest > limit:
            synapse = int(network.delay.argmax())
            raise CapacityError("delay_ticks", f"core {self.core_of[network.post[synapse]]} (synapse {synapse})",
                                longest, limit, "shorten the delay, or insert a relay neuron")  # fmt: skip
        used, limits = demand(network, self.core_of, self.chip), allowed(self.chip)
        over = np.argwhere(used > limits)
        if over.size:
            core, k = over[0]
            name = RESOURCES[k]
            raise CapacityError(name, f"core {core}", int(used[core, k]), int(limits[k]), REMEDIES[name])
        return used

    def _check_entries(self, network):
        """Spikes of sources, and of nothing else, enter at cores that hold a neuron."""
        if self.enters_at is None:
            return
        if self.enters_at.shape != self.core_of.shape or (self.enters_at[~network.is_source] != HOST).any():
            raise ConfigError(f"enters_at must hold a core for each spike source, and {HOST} for all other neurons")
        empty = np.setdiff1d(self.enters_at, [HOST, *self.cores])
        if empty.size:
            raise ConfigError(f"spikes of a source enter at core {empty[0]}, which holds no neuron; let them enter at "
                              "a core that does")  # fmt: skip

    def __repr__(self):
        return (f"<Placement of network {self.network_hash[:12]} on {self.chip.name} by {self.placer}: "
                f"{self.n_cores} cores, {self.n_chips} chips>")  # fmt: skip
