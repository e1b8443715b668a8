"""Chip: what a chip offers and what its operations cost, as published, each number with its source.

Figures are kept as the decimals that were printed, so that counts times table is exact.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Literal

import msgspec
import numpy as np

from eventsim.arrays import content_hash
from hardware_models.features import missing_features

__all__ = ["Chip", "Claim", "Count", "Energy", "Figure", "Limits", "Mesh", "Static", "Table", "Time"]

How = Literal["simulated", "measured", "fitted", "derived", "unverified"]


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement without a number, and where it is published."""

    source: str
    how: How


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published whole number."""

    value: int
    source: str
    how: How


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published number, as printed; its unit ends the key it is found under."""

    value: Decimal
    source: str
    how: How

    @property
    def exact(self):
        """The number as a Fraction."""
        return Fraction(self.value)


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one core holds, and what one synapse can express."""

    neurons_per_core: Count
    synapse_words_per_core: Count
    input_axons_per_core: Count
    output_axons_per_core: Count
    delay_slots_per_core: Count
    delay_ticks: Count
    weight_bits: Count


class Mesh(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tiles of cores in a rectangle. Tiles are numbered down each column, then column by column."""

    cores_per_chip: Count
    cores_per_tile: Count
    width_tiles: Count
    height_tiles: Count


class Static(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Power that flows whatever the chip does."""

    power_mw_per_chip: Figure


class Energy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Energy of one operation each; a table gives those that it knows. `hardware_models.cost` says what is counted."""

    synaptic_event_pj: Figure | None = None
    neuron_update_idle_pj: Figure | None = None
    neuron_update_active_pj: Figure | None = None
    message_in_pj: Figure | None = None
    hop_east_west_pj: Figure | None = None
    hop_north_south_pj: Figure | None = None


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Time of one operation on a core, and of the barrier that ends a tick on one tile or on all."""

    synaptic_event_ns: Figure
    neuron_update_idle_ns: Figure
    neuron_update_active_ns: Figure
    barrier_one_tile_ns: Figure
    barrier_all_tiles_ns: Figure


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What operations cost.

    Parameters
    ----------
    scope : str
        "per_operation": the sum over operations is the dynamic energy, and static power comes on top. "all_in": one
        figure that holds everything, at its operating point.
    process : str
    voltage_v : Figure
    energy : Energy
    time : Time, optional
        Without it the tick length has to be given.
    """

    scope: Literal["per_operation", "all_in"]
    process: str
    voltage_v: Figure
    energy: Energy
    time: Time | None = None


class Chip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A chip as its publications describe it.

    Parameters
    ----------
    name, title : str
    limits : Limits
    mesh : Mesh
    static : Static
    lacks : mapping of str to Claim
        Names of `hardware_models.features.FEATURES` that the chip does not offer.
    tables : mapping of str to Table
        Cost tables by name.
    """

    name: str
    title: str
    limits: Limits
    mesh: Mesh
    static: Static
    lacks: dict[str, Claim]
    tables: dict[str, Table]

    @property
    def hash(self):
        document = msgspec.json.encode(self, order="sorted")
        return content_hash({"chip": np.frombuffer(document, dtype=np.uint8)})

    def check(self, network):
        """What `network` needs and the chip does not offer.

        Returns
        -------
        list of str
            One sentence each, naming the population or pathway; empty when the network runs as it is. A feature
            that cannot be recognised counts as missing.
        """
        return missing_features(network, self)

    def __repr__(self):
        return (f"<Chip {self.name}: {self.title}, {self.mesh.cores_per_chip.value} cores, "
                f"tables {', '.join(self.tables)}>")  # fmt: skip
