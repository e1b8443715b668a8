"""Table: what operations cost in energy and in time, from one origin, at one process and voltage."""

from typing import Literal

import msgspec

from hardware_models.chips.figures import Figure

__all__ = ["Energy", "OperatingPoint", "Scope", "Static", "Table", "Time", "voltage_in_words"]

#: Whether figures are summed over operations, or one figure holds everything.
Scope = Literal["per_operation", "all_in"]


class Static(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Power that flows whatever the chip does; of a table, at the table's process and voltage.

    `voltage_v` is None where the chip file lists it as unpublished.
    """

    power_mw_per_chip: Figure
    process: str | None = None
    voltage_v: Figure | None = None


class Energy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Energy of one operation each; a table gives those that it knows. `hardware_models.cost` says what is counted."""

    synaptic_event_pj: Figure | None = None
    neuron_update_idle_pj: Figure | None = None
    neuron_update_active_pj: Figure | None = None
    core_tick_pj: Figure | None = None
    spike_pj: Figure | None = None
    message_out_pj: Figure | None = None
    message_in_pj: Figure | None = None
    hop_east_west_pj: Figure | None = None
    hop_north_south_pj: Figure | None = None

    def given(self):
        """Mapping key -> Figure of those that the table gives."""
        figures = {key: getattr(self, key) for key in self.__struct_fields__}
        return {key: figure for key, figure in figures.items() if figure is not None}


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Time of one operation on a core, and of the barrier that ends a tick on one tile or on all."""

    synaptic_event_ns: Figure
    neuron_update_idle_ns: Figure
    neuron_update_active_ns: Figure
    barrier_one_tile_ns: Figure
    barrier_all_tiles_ns: Figure
    spike_ns: Figure | None = None
    message_out_ns: Figure | None = None
    message_in_ns: Figure | None = None


class OperatingPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an all-in figure was taken; it says nothing elsewhere."""

    rate_hz: Figure
    synapses_per_spike_count: Figure


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What operations cost.

    Parameters
    ----------
    scope : str
        "per_operation": the sum over operations is the dynamic energy, and static power comes on top. "all_in": one
        figure that holds everything, at its operating point.
    origin : str
        Whose measurement or simulation it is; tables of different origin are not mixed.
    process : str
    energy : Energy
    voltage_v : Figure, optional
        None where the chip file lists it as unpublished.
    time : Time, optional
        Without it the tick length has to be given.
    static : Static, optional
        In place of the chip's.
    operating_point : OperatingPoint, optional
        Of an all-in table.
    caution : str, optional
        Why no result of this table may be quoted without a word of warning.
    """

    scope: Scope
    origin: str
    process: str
    energy: Energy
    voltage_v: Figure | None = None
    time: Time | None = None
    static: Static | None = None
    operating_point: OperatingPoint | None = None
    caution: str | None = None

    @property
    def voltage(self):
        return voltage_in_words(self.voltage_v)


def voltage_in_words(figure):
    return "voltage not stated" if figure is None else f"{figure.value} V"
