"""Counting aside: on a processor of its own, a thread counts what the kernel did some ticks ago, while that runs on.

What is counted of a tick follows from who fired and which rows landed, not from the state. A kernel of one part leaves
both for it: the spikes in `history`, kept for twice the ticks that it runs ahead, and in `came` how many deliveries
each pathway made. The counter calls the very functions that a kernel without one calls in between
(`eventsim.grid.announcing`, `eventsim.grid.counting`), so the counts are the same; the caches next to the kernel hold
the network alone.

In meeting[0, 0] the kernel tells up to where it ran, twice the tick, and 1 more when that was the last; in
meeting[1, 0] the counter tells up to where it counted. The kernel waits where the counter is a whole window behind.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from numba.np.ufunc.parallel import get_thread_count

from eventsim.engine import NO_LIMIT

__all__ = ["MODULE", "CountedAside", "is_counted_aside", "windows_kept"]

#: Pairs of a neuron and a core that it reaches, from which on. Whole runs of `counter_bench`: with 800,000 (B3, this at
#: 0) no less time, with 1,600,000 (B1x10) 2 % less, 2,000,000 to 10,000,000 (planted20, clusters, planted) 8 to 15.
FROM_PAIRS = 1 << 20

MODULE = '''"""Written by eventsim.grid.aside; safe to delete."""
import numpy as np
from eventsim.code_cache import cached_njit

from {announcing} import announce, count_announced
from {collecting} import collect_counts
from {counting} import count_rows
from {ticks} import land
from eventsim.machine import sleep_until, tell
from eventsim.sums import ON_ONE_CORE


@cached_njit(error_model="numpy", no_cfunc_wrapper=True)
def count(first_tick, a):
    tick = first_tick
    while True:
        told = sleep_until(a.meeting, 0, 2 * tick + 1)
        while tick < told >> 1:
            count_tick(a, tick)
            tick += 1
        tell(a.meeting, 1, tick)
        if told & 1:
            return


@cached_njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
def count_tick(a, tick):
    slot, now, spikes, is_busy = tick % a.history_count.shape[2], tick % a.tally.shape[1], np.int64(0), False
    here = now * a.tally.shape[2] * a.tally.shape[3]
    for k in range(a.population_size.size):
        fired = a.history_count[0, k, slot]
        if fired:
            announce(a, np.int64(0), k, a.history_at[k] + slot * a.population_size[k], fired, here)
            spikes += fired
    for p in range(a.source_of.size):
        done = a.came[slot, p]
        if done:
            is_told = a.spread[0, p, 0] == ON_ONE_CORE or (a.coming_at[p] >= 0 and a.alike_of[p] < 0)
            n_landed = np.int64(0) if is_told else land(a, np.int64(0), p, a.source_of[p], tick)
            count_rows(a, np.int64(0), p, n_landed, done, tick, here)
            is_busy = True
    if a.announced[0, now]:
        count_announced(a, np.int64(0), slot, here)
    if spikes or is_busy:
        collect_counts(a, tick, now, spikes)
'''


def windows_kept(network, core_of, n_parts):
    """For how many times the ticks that parts run ahead spikes are kept: 2 where they may be counted aside, else 1.

    On each machine the same, since a checkpoint goes from one to another.
    """
    pairs = min(network.n_neurons * int(core_of.max(initial=0)), network.n_synapses)
    return 2 if n_parts == 1 and pairs >= FROM_PAIRS else 1


def is_counted_aside(network, core_of, n_parts):
    """Whether a run is: a large network on several cores, in one thread, where there is a second processor for it."""
    return windows_kept(network, core_of, n_parts) > 1 and get_thread_count() > 1


class CountedAside:
    """A kernel of one part with a counter beside it.

    Parameters
    ----------
    part : function (part, first_tick, last_tick, Lent) -> first tick not run
    count : function (first_tick, Lent)
        That of MODULE.
    """

    def __init__(self, part: Callable[..., Any], count: Callable[..., Any]):
        self._part, self._count = part, count

    def __call__(self, first_tick, last_tick, lent):
        """As the kernel of `eventsim.grid.kernel.kernel_for`, of arrays that are lent to it."""
        lent.meeting[:2, 0] = 2 * first_tick, first_tick
        with ThreadPoolExecutor(1) as beside:
            try:
                counting = beside.submit(self._count_beside, first_tick, lent)
                reached = self._part(0, first_tick, last_tick, lent)
            finally:
                lent.meeting[0, 0] |= 1  # said already, unless something went wrong
            counting.result()
        return reached

    def _count_beside(self, first_tick, lent):
        try:
            self._count(first_tick, lent.with_other("landed", lent.landed[1:]))  # both look up rows that land
        except BaseException:
            lent.meeting[1, 0] = NO_LIMIT  # nobody is to wait for what will not come
            raise
