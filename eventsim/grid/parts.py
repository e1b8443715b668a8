"""Neurons and synapses divided among parts, one for each thread.

A part owns a stretch of each population, and the synapses onto it. It keeps the order of its synapses (pathway, sender,
delay, creation), so every neuron adds up its deliveries in the same order whatever the number of parts.
"""

import numpy as np

from eventsim.grid.stretches import cut

__all__ = ["apart", "bounds_of_parts", "divide", "flat", "from_a_line"]

_LINE = 64  # bytes


def from_a_line(size, dtype):
    """An array of `size` elements, not filled, from the beginning of a cache line on.

    What lies in two lines, a vector or a row that would fit in one, is read twice as long.
    """
    size = int(size) * np.dtype(dtype).itemsize
    room = np.empty(size + _LINE, dtype=np.uint8)
    first = -room.ctypes.data % _LINE
    return room[first : first + size].view(dtype)


def flat(arrays, dtype):
    """Arrays end to end, from the beginning of a cache line on.

    Returns
    -------
    (array, at) : and where each begins, one entry more than there are arrays
    """
    at = np.concatenate([[0], np.cumsum([a.size for a in arrays], dtype=np.int64)]).astype(np.int64)
    whole = from_a_line(at[-1], dtype)
    return np.concatenate([np.empty(0, dtype), *arrays], out=whole, casting="unsafe"), at


def apart(n_parts, shape, dtype):
    """Zeros, an array of that shape, or a larger one, for each part, so that no two parts write to the same line.

    A line that two threads write to goes to and fro between their caches at each of their writes.
    """
    first, *others = shape
    line = -(-_LINE // (np.dtype(dtype).itemsize * max(1, int(np.prod(others)))))
    return np.zeros((n_parts, first + line, *others), dtype=dtype)


def bounds_of_parts(network, n_parts):
    """(n_parts + 1, n_populations) int64: each population cut where the work, neurons and synapses, is even."""
    bounds = np.zeros((n_parts + 1, len(network.populations)), dtype=np.int64)
    bounds[-1] = [p.size for p in network.populations]
    if n_parts == 1:
        return bounds
    work = 1 + np.bincount(network.post, minlength=network.n_neurons)
    for k, p in enumerate(network.populations):
        done = np.cumsum(work[p.start : p.stop])
        bounds[1:-1, k] = np.searchsorted(done, done[-1] * np.arange(1, n_parts) / n_parts)
    return bounds


def divide(network, bounds, storage, keep_ids=False):
    """Synapses by (part, pathway, sender, delay, creation).

    Parameters
    ----------
    network : CompiledNetwork
    bounds : (n_parts + 1, n_populations) int64
    storage : eventsim.grid.storage.Storage
    keep_ids : bool
        Whether to tell the id of each synapse, where that is not its place.

    Returns
    -------
    dict : first_synapse, rows, rows_at, target, weight, code, row_code, stretch_at, stretch, shared, synapse_of, as in
        GridArrays
    """
    n_parts, pathways, n = len(bounds) - 1, network.pathways, network.n_synapses
    target = from_a_line(n, np.uint16 if np.diff(bounds, axis=0).max(initial=0) <= 1 << 16 else np.uint32)
    weight = from_a_line(n if "full" in storage.ways else 0, np.float64)
    code = from_a_line(storage.codes.size, np.uint8)
    synapse_of = np.empty(n if keep_ids and n_parts > 1 else 0, dtype=np.uint32)
    rows, row_code, stretches, first = [], [], [], 0
    first_synapse = np.zeros((n_parts, len(pathways)), dtype=np.int64)
    for part in range(n_parts):
        for k, p in enumerate(pathways):
            post = network.post[p.first : p.first + p.size]
            lowest, highest = network.populations[p.target].start + bounds[part : part + 2, p.target]
            mine, own_rows = slice(None), p.rows
            if n_parts > 1:
                mine = np.flatnonzero((lowest <= post) & (post < highest))
                own_rows = np.searchsorted(mine, p.rows)
            size = int(own_rows[-1])
            here = slice(first, first + size)
            np.subtract(post[mine], lowest, out=target[here], casting="unsafe")
            if storage.ways[k] == "full":
                weight[here] = network.weight[p.first : p.first + p.size][mine]
            if storage.ways[k] == "code":
                code[here] = storage.codes[p.first : p.first + p.size][mine]
            of_way = network.weight[p.first : p.first + p.size][mine] if storage.ways[k] == "shared" else None
            stretches.append(cut(target[here], own_rows, of_way) if k in storage.stretched else None)
            if synapse_of.size:
                synapse_of[here] = mine + p.first
            rows.append((own_rows + first).astype(np.int64 if n >= 1 << 31 else np.int32))
            row_code.append(storage.row_codes.get(k, np.empty(0, np.uint8)) if part == 0 else np.empty(0, np.uint8))
            first_synapse[part, k] = first
            first += size
    all_rows, rows_at = flat(rows, rows[0].dtype if rows else np.int32)
    all_row_code, row_code_at = flat(row_code[: len(pathways)], np.uint8)
    return {
        "first_synapse": first_synapse, "rows": all_rows, "rows_at": rows_at[:-1].reshape(first_synapse.shape),
        "target": target, "weight": weight, "code": code, "row_code": all_row_code, "row_code_at": row_code_at,
        "synapse_of": synapse_of, **_flat_stretches(stretches, rows),
    }  # fmt: skip


def _flat_stretches(stretches, rows):
    """The stretches of all parts and pathways end to end; nothing where there are none."""
    at, table, shared, n_stretches, n_shared = [], [np.empty((0, 3), np.int64)], [np.empty(0)], 0, 0
    for made, of_rows in zip(stretches, rows):
        if made is None:
            at.append(np.zeros(of_rows.size, dtype=np.int64))
            continue
        at.append(made.at + n_stretches)
        table.append(np.column_stack([made.target, made.size, made.place + n_shared]))
        shared.append(made.weights)
        n_stretches, n_shared = n_stretches + made.size.size, n_shared + made.weights.size
    narrow = np.int32 if max(n_shared, n_stretches) < 1 << 31 else np.int64
    used = at if n_stretches else []
    return {"stretch_at": flat(used, narrow)[0], "stretch": np.concatenate(table).astype(narrow),
            "shared": np.concatenate(shared)}  # fmt: skip
