"""How much memory a run on the grid needs, told from sizes alone, before any of it is taken."""

import numpy as np

from eventsim.counts import KINDS
from eventsim.grid.aside import windows_kept
from eventsim.grid.lists import bits_of_cells, size_of_numbers
from eventsim.grid.phases import history_ticks, ticks_ahead
from eventsim.grid.spread import MOST_BYTES

__all__ = ["grid_memory"]

#: Bytes for each synapse of a table of its own (target, weight); while it is divided among parts, and its cores found.
_TABLE, _DIVIDED, _WORK = 12, 8, 20
#: Bytes for each neuron of counters, cores, and what the parts share the work by; of a spike and a row of counts; of a
#: neuron and a core that it reaches.
_NEURON, _SPIKE, _ROW, _REACHED = 51, 12, 8, 4
#: For each byte of a number of a list: bytes of a row, the most that three cells take with where they begin and what
#: fills up fours and lines; and of each synapse, a cell with what fills up a line.
_LISTED, _ENTRY = 18, 1.5
#: Synapses, and pairs of a neuron and a core, that are worked on at once, at most.
_SOME, _PAIRS = 1 << 20, 1 << 22


def grid_memory(network, core_of, n_parts, buffers, n_recorded=0, records_events=False, goes_back=False):
    """Mapping from a purpose to the bytes that `eventsim.grid.allocate` takes for it, at its peak.

    Parameters
    ----------
    network : CompiledNetwork
    core_of : (n_neurons,) int
    n_parts : int
    buffers : BufferSizes
    n_recorded : int
        Values in a sample.
    records_events : bool
        Whether deliveries are recorded.
    goes_back : bool
        Whether the run may have to go back to where all bits were known (see `eventsim.grid.decay`).
    """
    n, m, populations = network.n_neurons, network.n_synapses, network.populations
    windows = windows_kept(network, core_of, n_parts)
    depth = history_ticks(network, n_parts, windows)
    n_cores = int(core_of.max(initial=0)) + 2  # and the host
    variables = sum(p.size * (len(p.state) + len(p.parameters)) for p in populations)
    rows, longest = (of(p.rows.size for p in network.pathways) for of in (sum, lambda sizes: max(sizes, default=0)))
    longest_row = max((int(np.diff(p.rows).max(initial=0)) for p in network.pathways), default=0)
    number = size_of_numbers(n_cores, [(bits_of_cells(2 * n_cores), longest_row)])().itemsize
    spread = min(rows * 2 * n_cores * n_parts, max(MOST_BYTES, int(_ENTRY * number)) * m)
    later = {
        f"spikes in flight for up to {depth - 1} ticks": 4 * depth * n + 8 * depth * n_parts * len(populations),
        f"counters of {n_cores} cores": 8 * n_cores * len(KINDS) * ticks_ahead(network, n_parts) * n_parts
        + 8 * min(m, depth * n_cores * sum(p.delays.size for p in network.pathways)),
        "buffers of spikes, counts and samples": _SPIKE * (buffers.spikes + n)
        + _ROW * (buffers.rows + len(KINDS) * n_cores + 1) + 8 * (1 + n_recorded) * buffers.samples * bool(n_recorded),
        "rows that land in a tick": 8 * longest * max(n_parts, windows),
        "recorded deliveries": 8 * buffers.deliveries * records_events,
    }  # fmt: skip
    # and given back before `later` is taken
    passing = _WORK * min(m, _SOME) + min(n * n_cores, _PAIRS) + (n_parts > 1) * (_DIVIDED * m + 8 * rows)
    return later | {
        "the state of neurons": 16 * variables + _NEURON * n,
        "what the run goes back to when a threshold is in doubt": (8 * variables + (_NEURON + 4 * depth) * n)
        * goes_back,
        "rows of the synapse table, and how often each was delivered": 8 * rows * n_parts,
        "the synapse table of each part": _TABLE * m,
        "the cores that each neuron reaches": _REACHED * min(m, n * n_cores),
        "deliveries of each row to each core": (n_cores > 2) * (spread + _LISTED * number * rows * n_parts),
        "work on the synapse table": max(0, passing - sum(later.values())),
        "tables of time": 16 * sum(table.values.size for table in network.tables),
    }
