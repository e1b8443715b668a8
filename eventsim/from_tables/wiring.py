"""A table of synapses becomes pathways, one for each pair of populations that it joins, and each receptor."""

import numpy as np

from eventsim.compiled_network import Pathway
from eventsim.from_tables.columns import floats, integers, refuse
from eventsim.memory import require_memory

__all__ = ["LONGEST_DELAY", "SYNAPSE_COLUMNS", "wire"]

SYNAPSE_COLUMNS = ("pre", "post", "weight", "delay_ms")

#: In ticks: spikes are remembered for as long.
LONGEST_DELAY = 2**20


#: Bytes for each synapse while the table is sorted: eight numbers of 8 bytes, and what is kept.
_SORTED = 76


def wire(synapses, groups, n_neurons, dt_ms, max_bytes=None):
    """(pathways, post, weight): synapses sorted by (pathway, sending neuron, delay, row).

    Raises CapacityError when that takes more memory than there is, see `eventsim.memory.require_memory`.
    """
    n_synapses = max((column.size for column in synapses.values()), default=0)
    require_memory({f"{n_synapses:,} synapses": _SORTED * n_synapses}, max_bytes)
    pre, post = (_ids(synapses, name, n_neurons) for name in ("pre", "post"))
    weight = floats(synapses, "synapses", "weight")
    delay = _delay_ticks(floats(synapses, "synapses", "delay_ms"), dt_ms)
    starts = np.array([g.start for g in groups])
    source, target = (np.searchsorted(starts, ids, side="right") - 1 for ids in (pre, post))
    is_source = np.array([g.model == "source" for g in groups])
    refuse(is_source[target], "synapses", "post", post, "no spike source")
    present = np.flatnonzero(np.bincount(delay)) if delay.size else np.zeros(1, np.int64)
    slot = np.zeros(int(present[-1]) + 1, dtype=np.int64)
    slot[present] = np.arange(present.size)
    receptor = (weight < 0) & np.array([len(g.receptors) > 1 for g in groups])[target]
    by_pathway = (source * len(groups) + target) * 2 + receptor
    order = np.argsort((by_pathway * n_neurons + pre) * present.size + slot[delay], kind="stable")
    ends = np.cumsum(np.bincount(by_pathway, minlength=2 * len(groups) ** 2))
    require_memory({f"rows for {present.size} delays of each sender": 16 * n_neurons * present.size}, max_bytes,
                   "use fewer distinct delays, or a larger max_bytes")  # fmt: skip
    pathways = []
    for pathway, (start, stop) in enumerate(zip([0, *ends.tolist()], ends.tolist())):
        if stop > start:
            rows, (pair, second) = order[start:stop], divmod(pathway, 2)
            pathways.append(_pathway(divmod(pair, len(groups)), second, groups, pre[rows], delay[rows], start))
    return tuple(pathways), post[order].astype(np.int32), weight[order]


def _pathway(ends, receptor, groups, pre, delay, first):
    """One pathway, of the synapses between two populations and onto one receptor in their order."""
    k, m = ends
    source, target = groups[k], groups[m]
    delays = np.flatnonzero(np.bincount(delay))
    place = np.zeros(int(delays[-1]) + 1, dtype=np.int64)
    place[delays] = np.arange(delays.size)
    filled = np.bincount((pre - source.start) * delays.size + place[delay], minlength=source.size * delays.size)
    rows = np.concatenate([[0], np.cumsum(filled, dtype=np.int64)])
    variable, suffix = target.receptors[receptor], "_below_zero" if receptor else ""
    name = f"{source.name}_to_{target.name}{suffix}"
    return Pathway(name, k, m, ((variable, "add", "weight"),), {}, first, delays.astype(np.int32), rows)


def _ids(synapses, name, n_neurons):
    ids = integers(synapses, "synapses", name)
    refuse((ids < 0) | (ids >= n_neurons), "synapses", name, ids, f"a row of neurons, 0 to {n_neurons - 1}")
    return ids


def _delay_ticks(delay_ms, dt_ms):
    steps = delay_ms / dt_ms
    ticks = np.round(steps)
    wrong = (ticks < 0) | (np.abs(steps - ticks) > 1e-6) | (ticks >= LONGEST_DELAY)
    refuse(wrong, "synapses", "delay_ms", delay_ms,
           f"0 or a multiple of dt, {dt_ms:g} ms, below {LONGEST_DELAY} ticks")  # fmt: skip
    return ticks.astype(np.int64)
