"""Functions of time that are constant over steps (TimedArrays): their value in a tick, and when they change."""

import numpy as np

__all__ = ["changes_of", "row_at", "tables_of"]


def tables_of(network, k):
    """Mapping name -> Table of the functions of time that population k's equations and threshold read."""
    return {
        name: network.tables[index]
        for operation in network.schedule
        if operation.index == k and operation.kind in ("update", "threshold")
        for name, index in operation.tables.items()
    }


def row_at(table, tick, tick_s):
    """The rows in force in ticks, as the grid reads them at their start.

    Parameters
    ----------
    table : Table
    tick : (n,) int64
    tick_s : float

    Returns
    -------
    (n,) int64
    """
    part = np.round(tick * tick_s / (table.step_s / table.refine))
    return np.clip(np.floor(part / table.refine).astype(np.int64), 0, table.values.size // table.n_columns - 1)


def changes_of(network, k):
    """(n,) int64: ticks from which on a function of time that population k reads has another value, ascending."""
    tick_s, ticks = network.dt_ms * 1e-3, [np.empty(0, np.int64)]
    for table in tables_of(network, k).values():
        values = table.values.reshape(-1, table.n_columns)
        rows = 1 + np.flatnonzero((values[1:] != values[:-1]).any(axis=1))
        near = np.floor(rows * (table.step_s / tick_s)).astype(np.int64)
        # The first tick whose row is that one or a later one; times are rounded, so that it is looked for.
        candidates = near[:, None] + np.arange(-2, 4)
        reached = row_at(table, candidates, tick_s) >= rows[:, None]
        ticks.append(candidates[np.arange(rows.size), reached.argmax(axis=1)])
    return np.unique(np.concatenate(ticks))
