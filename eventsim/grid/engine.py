"""GridEngine: a network on Brian2's grid, as `eventsim.simulation` drives it."""

from typing import Any

import numpy as np
from numba.np.ufunc.parallel import get_thread_count

from eventsim.arguments import whole_number
from eventsim.collected import MOST_CORES, CountBlock
from eventsim.engine import NO_LIMIT
from eventsim.errors import ConfigError, InternalError
from eventsim.grid.allocate import allocate
from eventsim.grid.arrays import CHANGING, START
from eventsim.grid.aside import is_counted_aside
from eventsim.grid.decay import decays_of
from eventsim.grid.events import take_events
from eventsim.grid.kernel import kernel_for
from eventsim.grid.layout import Layout
from eventsim.grid.memory import grid_memory
from eventsim.grid.plan import plan_for
from eventsim.grid.single import forget_in_flight
from eventsim.grid.totals import totals
from eventsim.memory import require_memory

__all__ = ["UPDATES", "GridEngine", "check_threads"]

#: How neurons of populations that may sleep (`eventsim.grid.sleep`) or decay (`eventsim.grid.decay`) are looked at: all
#: of them in each tick; only those that are awake or that something touched; or those that are awake, and, of decaying
#: ones, whichever suits the activity that is measured.
UPDATES = ("measured", "dense", "touched")

#: A touched neuron costs some ten times what a look at an idle one does, and another kernel seconds to compile: by
#: touch, when fewer than one neuron in fifty is touched per tick and there are so many looks to save.
_TOUCHED_AT_MOST, _LOOKS_TO_SAVE, _TRIAL_TICKS = 0.02, 1e10, 200

_MOST_TICKS = 1 << 28  # of one call; the kernel counts them in 32 bits

_SPIKE_COLUMNS = {"tick": "spike_tick", "neuron": "spike_neuron"}


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
    _may_count_aside = True

    def __init__(self, network, stimulus, core_of, recorded, record_every, buffers, *, threads, updates, events=None,
                 max_bytes=None):  # fmt: skip
        check_threads(threads)
        if updates not in UPDATES:
            raise ConfigError(f"updates is '{updates}'; choose one of {', '.join(UPDATES)}")
        if core_of.max(initial=0) >= MOST_CORES:
            raise ConfigError(f"core_of names core {core_of.max()}; number cores from 0 to {MOST_CORES - 1} at most")
        self._network, self._duration_ticks = network, stimulus.duration_ticks
        self._threads, self._updates, self._records_events = threads, updates, events is not None
        goes_back = updates != "dense" and not self._records_events and bool(decays_of(network))
        require_memory(
            grid_memory(network, core_of, threads, buffers, len(recorded), self._records_events, goes_back), max_bytes
        )
        sampled = _populations(network, recorded)
        self._plan = plan_for(
            network, records_events=self._records_events, sleeps=updates != "dense", sampled=sampled,
            aside=self._may_count_aside and is_counted_aside(network, core_of, threads),
        )  # fmt: skip
        self._touchable = self._plan.decays.keys() - sampled
        self._measuring = updates == "measured" and bool(self._touchable)
        self._plan = self._plan.touching(self._touchable if updates == "touched" else ())
        self._kernel, constants = kernel_for(network, self._plan)
        self._arrays = allocate(
            network, stimulus, core_of, constants, self._plan, threads, buffers, recorded, record_every, events
        )
        self._start = {name: getattr(self._arrays, name).copy() for name in START}
        self._known, self._kept = None, None
        self._remember(0)

    @property
    def way(self):
        return f"{self._threads} threads, updates {self._updates}"

    @property
    def by_touch(self):
        """Populations of which only touched neurons are looked at, a frozenset of int."""
        return self._plan.by_touch

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
        reached = self._kernel(tick, min(stop, tick + _MOST_TICKS), self._arrays)
        return self._decide(most_spikes) if self._arrays.in_doubt.any() else reached

    def _choose_updates(self, tick):
        """Once: look at populations by touch from here on, where the activity so far says that it pays."""
        self._measuring = False
        ticks_left = self._duration_ticks - tick
        chosen, delivered = set(), self._arrays.delivered.sum(axis=0)
        for k in sorted(self._touchable):
            p = self._network.populations[k]
            touched = sum(delivered[w] for w, pathway in enumerate(self._network.pathways) if pathway.target == k)
            if touched / (p.size * tick) < _TOUCHED_AT_MOST and p.size * ticks_left > _LOOKS_TO_SAVE:
                chosen.add(k)
        if chosen:
            self._touch(chosen)
            self._remember(tick)

    def _touch(self, populations):
        """Another kernel from here on, with these populations by touch."""
        self._plan = self._plan.touching(populations)
        self._kernel, constants = kernel_for(self._network, self._plan)
        self._arrays = self._arrays._replace(constants=constants)

    def _remember(self, tick):
        """All bits are known at this tick: the run can be taken up again from here, should a threshold be in doubt."""
        self._known = (tick, {name: getattr(self._arrays, name).copy() for name in CHANGING}) if self._decays else None

    @property
    def _decays(self):
        return bool(self._plan.decaying)

    def _decide(self, most_spikes):
        """Bring the run once more to where it came into doubt, from where all bits were known, by dense steps.

        What was recorded on the way is kept; it is the same, since nothing was decided in doubt. Returns that tick.
        """
        if self._known is None:
            raise InternalError("a run came into doubt, and nothing was remembered to decide from")
        arrays, decided, (tick, known) = self._arrays, int(self._arrays.may_run[2]), self._known
        self._kept = self._take()
        arrays.in_doubt[:], arrays.tally[:], arrays.busy[:] = False, 0, False
        self._touch(self.by_touch - self._plan.decays.keys())
        for name, values in known.items():
            getattr(arrays, name)[...] = values
        self._known, arrays.filled[:3], arrays.filled[4] = None, 0, NO_LIMIT
        while tick < decided:
            tick = self._kernel(tick, decided, self._arrays)
            arrays.filled[:3] = 0
        arrays.filled[4] = most_spikes
        return decided

    def start_again(self, tick):
        forget_in_flight(self._arrays, tick)
        for name, values in self._start.items():
            getattr(self._arrays, name)[...] = values
        self._remember(tick)

    def take(self) -> dict[str, Any]:
        kept, self._kept = self._kept, None
        columns, counts = self._take()
        if kept:
            columns = {name: np.concatenate([kept[0][name], columns[name]]) for name in columns}
            counts = kept[1].followed_by(counts)
        events = {"events": take_events(self._arrays)} if self._records_events else {}
        return columns | {"counts": counts} | events

    def _take(self):
        arrays, (spikes, rows, samples) = self._arrays, self._arrays.filled[:3].tolist()
        columns = {name: getattr(arrays, source)[:spikes].copy() for name, source in _SPIKE_COLUMNS.items()}
        counts = CountBlock(arrays.row_of_counts[:rows].copy(), arrays.tally.shape[3])
        values = arrays.sample_value[: samples * arrays.recorded_at.size]
        columns |= {"samples_tick": arrays.sample_tick[:samples].copy(), "samples_value": values.copy()}
        arrays.filled[:3] = 0
        return columns, counts

    def totals(self, tick):
        return totals(self._network, self._plan.storage, self._arrays, tick)

    def state(self, tick):
        values, at = self._arrays.state, self._arrays.state_at
        names = Layout(self._network).state
        return {
            (self._network.populations[k].name, variable): values[at[place] : at[place + 1]].copy()
            for place, (k, variable) in enumerate(names)
        }

    def snapshot(self):
        tick, known = self._known or (0, {})
        return {
            "by_touch": np.array(sorted(self.by_touch), dtype=np.int64), "measuring": np.bool_(self._measuring),
            "known_tick": np.int64(tick), **{f"known_{name}": values for name, values in known.items()},
            **{name: getattr(self._arrays, name) for name in CHANGING},
        }  # fmt: skip

    def restore(self, snapshot):
        self._touch(snapshot["by_touch"].tolist())
        self._measuring = bool(snapshot["measuring"])
        for name in CHANGING:
            getattr(self._arrays, name)[...] = snapshot[name]
        known = {name: snapshot[f"known_{name}"] for name in CHANGING if f"known_{name}" in snapshot}
        self._known = (int(snapshot["known_tick"]), known) if known else None


def _populations(network, recorded):
    """Populations of which some neuron is sampled; its value must be there in each tick."""
    found = (k for _, neuron in recorded for k, p in enumerate(network.populations) if p.start <= neuron < p.stop)
    return frozenset(found)


def check_threads(threads):
    """Raise ConfigError for more threads than Numba starts, or fewer than one."""
    most = get_thread_count()
    whole_number("threads", threads)
    if not 1 <= threads <= most:
        raise ConfigError(f"threads is {threads}; it must lie in 1 to {most} (NUMBA_NUM_THREADS)")
