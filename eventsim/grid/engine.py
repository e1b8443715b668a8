"""GridEngine: a network on Brian2's grid, as `eventsim.simulation` drives it."""

from dataclasses import replace

import numba

from eventsim.errors import ConfigError
from eventsim.grid.allocate import allocate
from eventsim.grid.arrays import CHANGING, START
from eventsim.grid.events import take_events
from eventsim.grid.kernel import kernel_for
from eventsim.grid.layout import Layout
from eventsim.grid.memory import grid_memory
from eventsim.grid.plan import plan_for
from eventsim.grid.quiet import quiet_populations
from eventsim.grid.totals import totals
from eventsim.memory import require_memory

__all__ = ["UPDATES", "GridEngine"]

#: How neurons of quiet populations (`eventsim.grid.quiet`) are looked at: all of them in each tick, only those that
#: something touched, or whichever suits the activity that is measured.
UPDATES = ("measured", "dense", "touched")

#: A touched neuron costs some ten times what a look at an idle one does, and another kernel seconds to compile: by
#: touch, when fewer than one neuron in fifty is touched per tick and there are so many looks to save.
_TOUCHED_AT_MOST, _LOOKS_TO_SAVE, _TRIAL_TICKS = 0.02, 1e10, 200

_SPIKE_COLUMNS = {"tick": "spike_tick", "neuron": "spike_neuron"}
_ROW_COLUMNS = {f"counts_{name}": f"row_{name}" for name in ("tick", "core", "kind", "count")}


class GridEngine:
    """A network on the grid; see `eventsim.engine.Engine` for what it offers.

    Parameters
    ----------
    network, stimulus, core_of, recorded, record_every, buffers
        As `eventsim.engine.Engine` has them.
    threads : int
        Spikes, counts and states are the same, bit for bit, for any number.
    updates : str
        One of UPDATES; changes the time a run takes and nothing else.
    events : EventChoice, optional
        Which deliveries are recorded; none if left out.
    max_bytes : int, optional
        See `eventsim.memory.require_memory`.
    """

    clock = "grid"

    def __init__(self, network, stimulus, core_of, recorded, record_every, buffers, *, threads, updates, events=None,
                 max_bytes=None):  # fmt: skip
        _set_threads(threads)
        if updates not in UPDATES:
            raise ConfigError(f"updates is '{updates}'; choose one of {', '.join(UPDATES)}")
        self._network, self._duration_ticks = network, stimulus.duration_ticks
        self._threads, self._quiet = threads, quiet_populations(network)
        self._measuring = updates == "measured" and bool(self._quiet)
        self.by_touch = self._quiet if updates == "touched" else frozenset()
        self._records_events = events is not None
        require_memory(grid_memory(network, core_of, threads, buffers, len(recorded), self._records_events), max_bytes)
        self._plan = plan_for(network, self.by_touch, self._records_events)
        self._kernel, constants = kernel_for(network, self._plan)
        self._arrays = allocate(
            network, stimulus, core_of, constants, self._plan, threads, buffers, recorded, record_every, events
        )
        self._start = {name: getattr(self._arrays, name).copy() for name in START}

    @property
    def way(self):
        return f"{self._threads} threads, by touch {sorted(self.by_touch)}"

    @property
    def n_spikes(self):
        return int(self._arrays.filled[3])

    @property
    def n_deliveries(self):
        return int(self._arrays.delivered.sum())

    def advance(self, tick, stop, most_spikes):
        if self._measuring and tick >= _TRIAL_TICKS:
            self._choose_updates(tick)
        if self._measuring:
            stop = min(stop, _TRIAL_TICKS)
        self._arrays.filled[4] = most_spikes
        return self._kernel(tick, stop, self._arrays)

    def _choose_updates(self, tick):
        """Once: look at quiet populations by touch from here on, where the activity so far says that it pays."""
        self._measuring = False
        ticks_left = self._duration_ticks - tick
        chosen, received = set(), totals(self._arrays)["received_count"]
        for k in self._quiet:
            p = self._network.populations[k]
            touched = received[p.start : p.stop].sum() / (p.size * tick)
            if touched < _TOUCHED_AT_MOST and p.size * ticks_left > _LOOKS_TO_SAVE:
                chosen.add(k)
        if chosen:
            self.by_touch = frozenset(chosen)
            self._plan = replace(self._plan, by_touch=self.by_touch)
            self._kernel, _ = kernel_for(self._network, self._plan)

    def start_again(self, tick):
        for name, values in self._start.items():
            getattr(self._arrays, name)[...] = values

    def take(self):
        arrays, (spikes, rows, samples) = self._arrays, self._arrays.filled[:3].tolist()
        columns = {name: getattr(arrays, source)[:spikes].copy() for name, source in _SPIKE_COLUMNS.items()}
        columns |= {name: getattr(arrays, source)[:rows].copy() for name, source in _ROW_COLUMNS.items()}
        values = arrays.sample_value[: samples * arrays.recorded_at.size]
        columns |= {"samples_tick": arrays.sample_tick[:samples].copy(), "samples_value": values.copy()}
        arrays.filled[:3] = 0
        return columns | ({"events": take_events(arrays)} if self._records_events else {})

    def totals(self):
        return totals(self._arrays)

    def state(self, tick):
        values, at = self._arrays.state, self._arrays.state_at
        names = Layout(self._network).state
        return {
            (self._network.populations[k].name, variable): values[at[place] : at[place + 1]].copy()
            for place, (k, variable) in enumerate(names)
        }

    def snapshot(self):
        return {name: getattr(self._arrays, name) for name in CHANGING}

    def restore(self, snapshot):
        for name in CHANGING:
            getattr(self._arrays, name)[...] = snapshot[name]


def _set_threads(threads):
    most = numba.config.NUMBA_NUM_THREADS
    if not 1 <= threads <= most:
        raise ConfigError(f"threads is {threads}; it must lie in 1 to {most} (NUMBA_NUM_THREADS)")
