"""Synaptic pathways: Brian2's synapses into sorted flat tables."""

import numpy as np

from eventsim.compile.effects import deliveries_of
from eventsim.compile.synaptic_code import EFFECTS
from eventsim.compiled_network import Pathway
from eventsim.errors import CompileError
from eventsim.memory import require_memory

__all__ = ["check_synapses", "read_pathway"]

_LONGEST_DELAY = 2**31 - 1  # ticks

_FEW = 2**20

#: Bytes for each synapse while it is sorted: delay, row, order; and for target and weight, before and behind.
_SORTED, _KEPT = 40, 28


def check_synapses(synapses):
    """Refuse what a Synapses object does besides its pathways."""
    equations = [synapses.equations, *([synapses.event_driven] if synapses.event_driven is not None else [])]
    names = ", ".join(sorted(name for found in equations for name in found.diff_eq_names))
    if names:
        raise CompileError(
            synapses.name, f"differential equations of the synapse, {names}; its state changes (plasticity, dynamics)",
            f"synapses that only carry spikes: {EFFECTS}",
        )  # fmt: skip
    if synapses.summed_updaters:
        names = ", ".join(sorted(synapses.summed_updaters))
        raise CompileError(synapses.name, f"a summed variable ({names})", f"spikes that change the target: {EFFECTS}")


def read_pathway(pathway, readers, changing, first, every, late, max_bytes=None):
    """List of (Pathway, post ids, weights): what one Brian2 pathway does, in order.

    Parameters
    ----------
    pathway : SynapticPathway
    readers : mapping of str to GroupReader
    changing : frozenset of (str, str)
        See `eventsim.compile.changes`.
    first : int
        Id of its first synapse.
    every : int
        Length of its clock's step, in ticks.
    late : bool
        It runs before the thresholds of its source in a step, and so meets the spikes of the step before.
    max_bytes : int, optional
        See `eventsim.memory.require_memory`.
    """
    if pathway.event != "spike":
        raise CompileError(pathway.name, f"a pathway triggered by {pathway.event} events", "pathways of spikes")
    source, target = (_reader_of(end, pathway, readers) for end in (pathway.source, pathway.target))
    ends = ("_presynaptic_idx", "_postsynaptic_idx")[:: 1 if pathway.prepost == "pre" else -1]
    deliveries = deliveries_of(pathway, dict(zip(ends, (source, target))), changing)
    spiking, others = (indices.get_value() for indices in (pathway.synapse_sources, pathway.synapse_targets))
    delays, delay_index = _delays(pathway, spiking.size, every, late)
    require_memory(
        {f"the synapses of '{pathway.name}'": (_SORTED + _KEPT * len(deliveries)) * spiking.size,
         f"its rows, {delays.size} for each sender": 16 * len(source.group) * delays.size},
        max_bytes, "use fewer synapses or fewer distinct delays, or a larger max_bytes",
    )  # fmt: skip
    row_of = spiking.astype(np.int64) * delays.size + delay_index
    filled = np.bincount(row_of, minlength=len(source.group) * delays.size)
    rows = np.concatenate([[0], np.cumsum(filled, dtype=np.int64)])
    is_sorted = (row_of[1:] >= row_of[:-1]).all()
    order = slice(None) if is_sorted else np.argsort(row_of, kind="stable")  # by sender, delay, creation
    made = []
    for k, found in enumerate(deliveries):
        end, received_by = (source, spiking) if found.receiver == ends[0] else (target, others)
        name = pathway.name if k == 0 else f"{pathway.name}_{k + 1}"
        path = Pathway(
            name, source.index, end.index, found.effects, found.constants, first, delays, rows, found.senders
        )  # fmt: skip
        post = received_by[order].astype(np.int32) + np.int32(end.start)
        made.append((path, post, found.weight[order]))
        first += path.size
    return made


def _reader_of(end, pathway, readers):
    """The reader of a group, or of the group behind a Subgroup; synapse indices already refer to it."""
    group = end.source if type(end).__name__ == "Subgroup" else end
    if group.name not in readers:
        raise CompileError(pathway.name, f"'{group.name}' is not in the network", "add it to the Network")
    return readers[group.name]


def _delays(pathway, n, every, late):
    """The delays that occur, (n_delays,) int32 ticks, and the place of each synapse's own among them.

    Refuses delays that are negative or lie between two steps of the pathway's clock.
    """
    dt = float(pathway.clock.dt_)
    steps = np.asarray(pathway.variables["delay"].get_value(), dtype=np.float64) / dt
    whole = np.round(steps)
    wrong = ~(np.isfinite(steps) & (whole >= 0) & (np.abs(steps - whole) <= 1e-6) & (whole < _LONGEST_DELAY / every))
    if wrong.any() and n:
        bad = int(np.flatnonzero(wrong)[0])
        raise CompileError(pathway.name, f"synapse {bad} has a delay of {steps[bad]:g} ticks of {dt * 1e3:g} ms",
                           "delays that are whole multiples of dt, 0 included; Brian2 rounds all others")  # fmt: skip
    if n == 0:
        return np.zeros(1, dtype=np.int32), np.zeros(0, dtype=np.int64)
    ticks, index = _distinct((whole.astype(np.int64) + late) * every)
    return ticks.astype(np.int32), np.broadcast_to(index, (n,))


def _distinct(numbers):
    """np.unique with the inverse, of whole numbers from 0 on; without sorting where they are small."""
    if numbers.max() > _FEW + numbers.size:
        return np.unique(numbers, return_inverse=True)
    occurs = np.bincount(numbers) > 0
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[numbers]
