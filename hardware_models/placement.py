"""Placement: which core each neuron lives on, checked against every limit of the chip."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from eventsim.arrays import content_hash
from eventsim.counts import HOST
from eventsim.errors import CapacityError, ConfigError, ProvenanceError
from hardware_models.chip import Chip
from hardware_models.mesh import chip_of
from hardware_models.resources import REMEDIES, RESOURCES, allowed, demand

__all__ = ["Placement"]


@dataclass(frozen=True, eq=False)
class Placement:
    """Neurons on cores. Made by `place`, or by hand with `Placement.of`; the constructor checks nothing.

    Parameters
    ----------
    core_of : (n_neurons,) int32
        The core of each neuron; -1 for spike sources, which stay on the host.
    network_hash : str
        Hash of the CompiledNetwork that was placed.
    chip : Chip
    used : (n_cores, n_resources) int64, optional
        What each core holds of each of `hardware_models.resources.RESOURCES`.
    """

    core_of: np.ndarray
    network_hash: str
    chip: Chip
    used: np.ndarray | None = field(default=None, repr=False)

    def __post_init__(self):
        core_of = np.array(self.core_of, dtype=np.int32)
        core_of.flags.writeable = False
        object.__setattr__(self, "core_of", core_of)

    @classmethod
    def of(cls, network, core_of, chip):
        """A placement by hand, checked; raises what `validate` raises."""
        core_of = np.asarray(core_of, dtype=np.int32)
        used = cls(core_of, network.hash, chip).validate(network)
        return cls(core_of, network.hash, chip, used)

    @property
    def hash(self):
        identity = f"{self.network_hash} {self.chip.hash}".encode()
        return content_hash({"core_of": self.core_of, "identity": np.frombuffer(identity, dtype=np.uint8)})

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
        if self.network_hash != network.hash:
            raise ProvenanceError(f"the placement is of network {self.network_hash[:12]}, not of {network.hash[:12]}; "
                                  "place this network anew")  # fmt: skip
        if self.core_of.shape != (network.n_neurons,):
            raise ConfigError(f"the placement has {self.core_of.size} neurons, the network {network.n_neurons}")
        wrong = np.flatnonzero((self.core_of < HOST) | ((self.core_of == HOST) != network.is_source))
        if wrong.size:
            raise ConfigError(f"neuron {wrong[0]} is on core {self.core_of[wrong[0]]}; spike sources, and only they, "
                              f"are on the host ({HOST}), all others on cores from 0")  # fmt: skip
        longest, limit = int(network.delay.max(initial=0)), self.chip.limits.delay_ticks.value
        if longest > limit:
            synapse = int(network.delay.argmax())
            raise CapacityError("delay_ticks", f"core {self.core_of[network.post[synapse]]} (synapse {synapse})",
                                longest, limit, "shorten the delay, or insert a relay neuron")  # fmt: skip
        used, limits = demand(network, self.core_of), allowed(self.chip)
        over = np.argwhere(used > limits)
        if over.size:
            core, k = over[0]
            name = RESOURCES[k]
            raise CapacityError(name, f"core {core}", int(used[core, k]), int(limits[k]), REMEDIES[name])
        return used

    def __repr__(self):
        return (f"<Placement of network {self.network_hash[:12]} on {self.chip.name}: "
                f"{self.n_cores} cores, {self.n_chips} chips>")  # fmt: skip
