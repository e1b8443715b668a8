"""The replay in continuous time: neurons run again, each alone, from the recorded spikes of those that reach it.

Independent of the simulation: equations are read by `analysis.audit.equations`, moved by matrix exponentials, and
whether a threshold is reached between events is bracketed (`analysis.audit.bracket`), not solved for. At a recorded
spike the neuron must be at its threshold, to a billionth, or what arrives then must take it there; everywhere else it
must not be above it. A neuron that fires at random must have summed up its keyed draw, to a billionth.
"""

import numpy as np
import pandas as pd

from analysis.audit.arrivals import Afferents
from analysis.audit.equations import Equations
from analysis.audit.exact_life import Life, Outcome
from analysis.audit.replay import Verdict, draw_sample
from eventsim.errors import CompileError

__all__ = ["ExactReplay", "choose_exactly", "explain_exactly", "readable"]

#: Deliveries of one window, on average; it bounds the memory and changes no result.
_PER_WINDOW = 1 << 20

#: Points in time, of neurons together, that are replayed when nobody says how many: some seconds' worth.
_POINTS = 100_000

#: Ticks that cost as much as a point: a neuron that moves is looked at even where nothing reaches it.
_TICKS_PER_POINT = 50


class ExactReplay:
    """Some neurons of a trace in continuous time, from tick 0 on.

    Parameters
    ----------
    trace : Trace
    neurons : sequence of int
        Ids, ascending; no spike sources.

    Raises
    ------
    CompileError
        When one of them cannot be replayed exactly.
    """

    def __init__(self, trace, neurons):
        self.trace, self.neurons = trace, np.asarray(neurons, dtype=np.int64)
        network, stimulus = trace.network, trace.stimulus
        self.slot_of = np.full(network.n_neurons, -1, dtype=np.int64)
        self.slot_of[self.neurons] = np.arange(self.neurons.size)
        self._lane_of = np.full(len(network.pathways), -1, dtype=np.int64)
        order = [o.index for o in network.schedule if o.kind == "deliver"]
        self._lane_of[order] = np.arange(len(order))
        resets = stimulus.query_start if stimulus.reset == "host" else np.empty(0, np.int64)
        self.lives = [Life(network, int(i), resets[resets > 0]) for i in self.neurons]
        self._afferents = Afferents(network, stimulus, self.slot_of, self._lane_of)
        self.tick, self.outcome = 0, Outcome.empty()

    def run(self, stop=None, shown=None, progress=None):
        """Replay up to tick `stop`, by default to the end; `shown`, a list, gets what was Seen of the only neuron."""
        stop, first = self.trace.duration_ticks if stop is None else stop, self.tick
        step = self._window_ticks()
        for begin in range(first, stop, step):
            end = min(begin + step, stop)
            self._run_window(begin, end, shown)
            if progress:
                progress((end - first) / (stop - first))
        self.tick = stop

    def _run_window(self, begin, end, shown):
        network, spikes = self.trace.network, self.trace.spikes(start_tick=begin, stop_tick=end)
        tick, synapse, offset = self._afferents.unsorted(end, spikes)
        slot, pathway, delay = (column[synapse] for column in (
            self.slot_of[network.post], network.pathway_of, network.delay.astype(np.int64)))  # fmt: skip
        late = (delay == 0) & ~network.is_source[network.pre[synapse]]
        # As the kernel sums them up: pathway by pathway, longest delay first, then by spike.
        order = np.lexsort((-delay, self._lane_of[pathway], late, offset, tick, slot))
        columns = [column[order] for column in (tick, offset, late, pathway, network.weight[synapse])]
        own = spikes.where(self.slot_of[spikes.neuron] >= 0)
        by_slot = np.argsort(self.slot_of[own.neuron], kind="stable")
        places = np.arange(self.neurons.size + 1)
        arrived_at = np.searchsorted(slot[order], places)
        fired_at = np.searchsorted(self.slot_of[own.neuron][by_slot], places)
        for k, life in enumerate(self.lives):
            here, mine = slice(*arrived_at[k : k + 2]), by_slot[slice(*fired_at[k : k + 2])]
            life.run(begin, end, [column[here] for column in columns], own.tick[mine], own.offset[mine], self.outcome,
                     shown)  # fmt: skip

    def _window_ticks(self):
        network, n_spikes = self.trace.network, self.trace.n_spikes
        per_spike = 1 + self._afferents.synapse.size / max(network.n_neurons, 1)
        return max(1, int(max(self.trace.duration_ticks, 1) * _PER_WINDOW / max(n_spikes * per_spike, 1)))

    @property
    def silences(self):
        """The Verdict on what lies between spikes of replayed neurons."""
        return self._verdict(0)

    @property
    def spikes(self):
        """The Verdict on spikes of replayed neurons."""
        return self._verdict(1)

    def _verdict(self, kind):
        counts = self.outcome.checked[kind], self.outcome.wrong[kind]
        if self.outcome.first[kind] is None:
            return Verdict(*counts, None)
        tick, offset, neuron, words = self.outcome.first[kind]
        return Verdict(*counts, (tick, neuron), offset, words)


def choose_exactly(trace, neurons=None, seed=0):
    """As `analysis.audit.replay.choose_neurons`, of a trace in continuous time."""
    network = trace.network
    able = [network.populations[k] for k, reason in readable(network).items() if reason is None]
    per_neuron = (trace.n_spikes + trace.n_spikes / max(network.n_neurons, 1) * network.n_synapses) / max(
        network.n_neurons, 1
    )
    per_neuron += trace.duration_ticks / _TICKS_PER_POINT
    return draw_sample(network, able, _POINTS / max(per_neuron, 1), neurons, seed)


def explain_exactly(trace, neuron, first, tick):
    """(potential, whether the record of a tick is justified, the threshold in words, (left, op, right) of it) of a
    neuron in ticks `first` to `tick`; see `analysis.audit.explain.Explanation`."""
    replay, seen = ExactReplay(trace, [neuron]), []
    replay.run(first)
    replay.run(tick, seen)
    replay.outcome = Outcome.empty()
    replay.run(tick + 1, seen)
    (life,) = replay.lives
    table = pd.DataFrame({"tick": [s.tick for s in seen], "offset": [s.offset for s in seen],
                          "fired": [s.fired for s in seen]})  # fmt: skip
    for place, name in enumerate(life.equations.variables):
        table[name] = [s.state[place] for s in seen]
    wrong = [found[3] for found in replay.outcome.first if found is not None]
    if life.comparison is None:
        return table, not wrong, "its population never fires", None
    table["potential"], table["threshold"] = [s.potential for s in seen], [s.threshold for s in seen]
    comparison = (life.comparison[0], ">" if life.equations.strict else ">=", life.comparison[1])
    return table, not wrong, wrong[0] if wrong else _nearest(table[table.tick == tick], comparison), comparison


def _nearest(table, comparison):
    """The threshold in words, at the spike of a tick, or at the moment of it that came nearest to one."""
    fired = table[table.fired > 0]
    row = fired.iloc[0] if len(fired) else table.loc[(table.potential - table.threshold).idxmax()]
    (left, op, right), met = comparison, "" if len(fired) else "not "
    when = f"{row.tick:.0f} + {row.offset:.9g}"
    return f"at {when} {left} = {row.potential:.17g} is {met}{op} {right} = {row.threshold:.17g}"


def readable(network):
    """{population: None, or why it cannot be replayed in continuous time} of all populations but spike sources."""
    reasons, deciding = {}, set()
    for k, population in enumerate(network.populations):
        if not population.is_source:
            try:
                deciding |= set(_deciding(network, k))
                reasons[k] = None
            except CompileError as error:
                reasons[k] = str(error)
                deciding |= {p for p, pathway in enumerate(network.pathways) if pathway.target == k}
    for k in (k for k, reason in reasons.items() if reason is None):
        reasons[k] = _cascade(network, k, deciding)
    return reasons


def _deciding(network, k):
    """Pathways onto population k whose deliveries bear on a spike of that very moment, or on what a spike leaves; the
    others only move what is added up and read later, in any order."""
    equations = Equations(network, network.populations[k].start)
    reset, excess = equations.reset, equations.motion(0, False).excess
    for p, pathway in enumerate(network.pathways):
        for place, sets, _ in equations.effects(p) if pathway.target == k else ():
            column = np.delete(reset[:, place], place)
            if sets or excess[place] or reset[place, place] != 1.0 or column.any():
                yield p


def _cascade(network, k, deciding):
    """Why it is not known in what order things reached population k within an instant; None when it is.

    Of spikes at one instant the record does not say which caused which. What they deliver without delay comes after all
    else that arrives then, and all at once, as long as no spike in turn follows from a delivery without delay.
    """
    at_once = {
        (network.pathways[p].source, network.pathways[p].target) for p in deciding
        if network.pathways[p].size and network.pathways[p].delays[0] == 0
        and not network.populations[network.pathways[p].source].is_source
    }  # fmt: skip
    senders = {source for source, target in at_once if target == k}
    if any(target in senders for _, target in at_once):
        name = network.populations[k].name
        return f"'{name}' is reached without delay over several synapses, in an order that is not recorded"
    return None
