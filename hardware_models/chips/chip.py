"""Chip: what a chip offers and what its operations cost, as published, each number with its source.

Figures are kept as the decimals that were printed, so that counts times table is exact. What the publications do not
say is listed under `unpublished`, and whatever needs it refuses by name.
"""

import msgspec
import numpy as np

from eventsim.arguments import require_kind
from eventsim.arrays import content_hash
from eventsim.compiled_network import CompiledNetwork
from eventsim.errors import ConfigError, ProvenanceError
from hardware_models.chips.cost_table import Static, Table
from hardware_models.chips.features import missing_features
from hardware_models.chips.figures import Claim, Count, Figure
from hardware_models.chips.synapse_memory import SynapseMemory
from hardware_models.integers.loihi import form as loihi_form
from hardware_models.integers.truenorth import form as truenorth_form

__all__ = ["Chip", "Limits", "Mesh"]

#: Chip -> the module that knows a network in its own integers.
_FORMS = {"loihi": loihi_form, "truenorth": truenorth_form}


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one core holds, and what one synapse can express. A number that is not published is None.

    `targets_per_neuron` is how many axons a neuron can send to; None where only `output_axons_per_core` limits it.
    """

    neurons_per_core: Count | None = None
    synapse_words_per_core: Count | None = None
    input_axons_per_core: Count | None = None
    output_axons_per_core: Count | None = None
    delay_slots_per_core: Count | None = None
    delay_ticks: Count | None = None
    weight_bits: Count | None = None
    targets_per_neuron: Count | None = None


class Mesh(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tiles of cores in a rectangle. Tiles are numbered down each column, then column by column."""

    cores_per_chip: Count | None = None
    cores_per_tile: Count | None = None
    width_tiles: Count | None = None
    height_tiles: Count | None = None


class Chip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A chip as its publications describe it.

    Parameters
    ----------
    name, title : str
    limits : Limits
    mesh : Mesh
    synapse_memory : SynapseMemory, optional
        How lists of synapses are packed; None where each synapse takes a word of its own.
    static : Static, optional
    lacks : mapping of str to Claim, optional
        Names of `hardware_models.chips.features.FEATURES` that the chip does not offer.
    tables : mapping of str to Table
        Cost tables by name.
    facts : mapping of str to Figure
        Published numbers to compare with, and how long ticks are that were shown; no cost rests on them. The key ends
        in the unit.
    unpublished : mapping of str to Claim
        Key in this file -> what was looked for, and where it is not.
    """

    name: str
    title: str
    limits: Limits
    mesh: Mesh
    synapse_memory: SynapseMemory | None = None
    static: Static | None = None
    lacks: dict[str, Claim] | None = None
    tables: dict[str, Table] = {}
    facts: dict[str, Figure] = {}
    unpublished: dict[str, Claim] = {}

    @property
    def first_table(self):
        """Name of the first cost table; raises ProvenanceError when there is none."""
        if not self.tables:
            raise ProvenanceError(f"no cost table of {self.name}: {self.why_no_table}")
        return next(iter(self.tables))

    @property
    def why_no_table(self):
        """Why there is no cost table, and what to do."""
        why = self.unpublished.get("tables")
        return f"there is none{f' ({why.source})' if why else ''}; add one in a chip file of your own"

    @property
    def hash(self):
        document = msgspec.json.encode(self, order="sorted")
        return content_hash({"chip": np.frombuffer(document, dtype=np.uint8)})

    def require(self, *keys):
        """What stands under these dotted keys; raises ConfigError for one that is not published."""
        found = []
        for key in keys:
            part = self
            for name in key.split("."):
                part = getattr(part, name)
            if part is None:
                why = f": {self.unpublished[key].source}" if key in self.unpublished else ""
                raise ConfigError(f"chip '{self.name}' does not say `{key}`{why}; write a chip file of your own")
            found.append(part)
        return found

    def check(self, network):
        """What `network` needs and the chip does not offer.

        Returns
        -------
        list of str
            One sentence each, naming the population or pathway; empty when the network runs as it is. A feature
            that cannot be recognised counts as missing.

        Raises
        ------
        ConfigError
            No CompiledNetwork, or what the chip lacks is not published.
        """
        require_kind("network", network, CompiledNetwork)
        form = _FORMS.get(self.name)
        in_its_own_integers = form is not None and not form.departures(network, self)
        return [] if in_its_own_integers else missing_features(network, self)

    def __repr__(self):
        cores = "an unpublished number of" if self.mesh.cores_per_chip is None else self.mesh.cores_per_chip.value
        tables = f"tables {', '.join(self.tables)}" if self.tables else "no published table"
        return f"<Chip {self.name}: {self.title}, {cores} cores, {tables}>"
