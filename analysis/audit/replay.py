"""The replay: neurons run again, each alone, from the recorded spikes of those that reach it.

A neuron's inputs are known from the record, so each can be replayed without the others and without the simulation
kernel. What comes out is whether every spike of it, and every silence, follows from what it received.
"""

from dataclasses import dataclass
from functools import lru_cache
from inspect import getsource

import numpy as np

from analysis.audit import machine
from analysis.audit.arrivals import Afferents
from analysis.audit.assembler import assemble, places_of
from analysis.audit.machine import CONDITION, Verdicts
from eventsim.errors import CompileError, ConfigError
from eventsim.kernel_cache import is_known, load

__all__ = ["Replay", "Verdict", "choose_neurons", "draw_sample", "machine_is_known",
           "replayable"]  # fmt: skip

#: Looks at a neuron, one in each tick, that are replayed when nobody says how many: some seconds' worth.
_LOOKS = 20_000_000
_FEWEST = 16  # neurons

#: Spikes and deliveries of one window, on average; it bounds the memory and changes no result.
_PER_WINDOW = 1 << 21


@lru_cache
def _machine():
    """The machine's `run`, by way of the cache folder: there it is known whether any process has asked for it."""
    return load(getsource(machine), "replay")["run"]


def machine_is_known():
    """Whether this machine has the replay's compiled, or some process is about to."""
    return is_known(getsource(machine), "replay")


def replayable(network):
    """{population: None, or why it cannot be replayed} of all populations but spike sources."""
    reasons = {}
    for k, population in enumerate(network.populations):
        if population.is_source:
            continue
        try:
            assemble(network, {k: (0, 1)})
            reasons[k] = None
        except CompileError as error:
            reasons[k] = str(error)
    return reasons


def choose_neurons(network, duration_ticks, neurons=None, seed=0):
    """Ids, ascending, of the neurons to replay.

    Parameters
    ----------
    network : CompiledNetwork
    duration_ticks : int
    neurons : None, "all" or sequence of int
        None: a random sample, at least one neuron of each population, as large as some seconds allow.
    seed : int
        Of the sample.

    Raises
    ------
    ConfigError
        When `neurons` names one that does not exist.
    """
    able = [network.populations[k] for k, reason in replayable(network).items() if reason is None]
    return draw_sample(network, able, _LOOKS // max(duration_ticks, 1), neurons, seed)


def draw_sample(network, able, budget, neurons, seed):
    """Ids, ascending, of `neurons` as `choose_neurons` has it, from populations that can be replayed; about `budget`
    of them when nobody says which."""
    there_are = np.concatenate([np.empty(0, np.int64), *(np.arange(p.start, p.stop) for p in able)])
    if isinstance(neurons, str) and neurons != "all":
        raise ConfigError(f"neurons is '{neurons}'; give 'all', ids, or None for a sample")
    if neurons is not None and not isinstance(neurons, str):
        wanted = np.unique(np.asarray(neurons, dtype=np.int64))
        if wanted.size and not 0 <= wanted[0] <= wanted[-1] < network.n_neurons:
            raise ConfigError(f"neurons names one outside 0 to {network.n_neurons - 1}")
        return wanted[np.isin(wanted, there_are)]
    budget = max(_FEWEST, budget)
    if neurons == "all" or there_are.size <= budget:
        return there_are
    rng = np.random.default_rng(seed)
    sizes = [max(1, round(budget * p.size / there_are.size)) for p in able]
    drawn = [rng.choice(np.arange(p.start, p.stop), min(n, p.size), replace=False) for p, n in zip(able, sizes)]
    return np.sort(np.concatenate(drawn))


@dataclass(frozen=True)
class Verdict:
    """What the replay says about spikes, or about silences.

    Parameters
    ----------
    checked, wrong : int
        How many ticks of neurons were tried, and at how many the record differs from what was due.
    first : (int, int) or None
        Tick and neuron of the first that differs.
    offset, words
        In continuous time, when within that tick, and what the threshold was.
    """

    checked: int
    wrong: int
    first: tuple[int, int] | None
    offset: float = 0.0
    words: str = ""


class Replay:
    """Some neurons of a trace, from tick 0 on.

    Parameters
    ----------
    trace : Trace
    neurons : sequence of int
        Ids, ascending; no spike sources.

    Raises
    ------
    CompileError
        When statements of their population leave the grammar.
    """

    def __init__(self, trace, neurons):
        self.trace, self.neurons = trace, np.asarray(neurons, dtype=np.int64)
        network = trace.network
        self.slot_of = np.full(network.n_neurons, -1, dtype=np.int64)
        self.slot_of[self.neurons] = np.arange(self.neurons.size)
        slots = {
            k: tuple(np.searchsorted(self.neurons, (p.start, p.stop)).tolist())
            for k, p in enumerate(network.populations)
        }
        slots = {k: ends for k, ends in slots.items() if ends[0] < ends[1]}
        self._program, self._place_of, self._width = assemble(network, slots)
        self._start = np.zeros((self._width, self.neurons.size))
        for k, (first, last) in slots.items():
            self._load(network, network.populations[k], slice(first, last))
        self._lag = max((operation.lag for operation in network.schedule), default=0)
        stimulus = trace.stimulus
        self._resets = stimulus.query_start if stimulus.reset == "host" else np.empty(0, np.int64)
        self.begin()

    def _load(self, network, population, slots):
        """Start values, parameters and keys of a population's replayed neurons into their registers."""
        ids = self.neurons[slots]
        columns = population.state | population.parameters
        for name, register in places_of(population).items():
            values = columns[name][ids - population.start] if name in columns else getattr(network, name)[ids]
            self._start[register, slots] = values

    def begin(self):
        """Back to tick 0."""
        trace, empty = self.trace, np.zeros(2, np.int64)
        self.tick, self._registers = 0, self._start.copy()
        self._afferents = Afferents(trace.network, trace.stimulus, self.slot_of, self._place_of)
        self._verdicts = Verdicts(empty.copy(), empty.copy(), np.full((2, 2), -1, dtype=np.int64))

    def run(self, stop=None, keep=False, progress=None):
        """Replay up to tick `stop`, by default to the end.

        Parameters
        ----------
        stop : int, optional
        keep : bool
            Whether to return what the neurons looked like when their thresholds had been tested.
        progress : callable, optional
            Given the fraction done after each window.

        Returns
        -------
        (n_ticks, width, n_neurons) float64
            Registers in each of these ticks; no ticks unless `keep`.
        """
        stop, first = self.trace.duration_ticks if stop is None else stop, self.tick
        seen = np.empty((stop - first if keep else 0, self._width, self.neurons.size))
        step = self._window_ticks()
        for begin in range(first, stop, step):
            end = min(begin + step, stop)
            part = seen[begin - first : end - first] if keep else seen
            self._run_window(begin, end, part)
            if progress:
                progress((end - first) / (stop - first))
        self.tick = stop
        return seen

    def _run_window(self, begin, end, seen):
        spikes = self.trace.spikes(start_tick=begin - self._lag, stop_tick=end)
        arrivals, _ = self._afferents.until(end, spikes.where(spikes.tick >= begin))
        own = self.slot_of[spikes.neuron] >= 0
        _machine()(
            begin, end, self._program, self._registers, self._start, self._resets, arrivals, spikes.tick[own],
            self.slot_of[spikes.neuron[own]], self._verdicts, seen,
        )  # fmt: skip

    def _window_ticks(self):
        """Ticks in which some two million spikes and deliveries happen."""
        network, n_spikes = self.trace.network, self.trace.n_spikes
        per_spike = 1 + self._afferents.synapse.size / max(network.n_neurons, 1)
        return max(1, int(max(self.trace.duration_ticks, 1) * _PER_WINDOW / max(n_spikes * per_spike, 1)))

    @property
    def silences(self):
        """The Verdict on ticks in which a replayed neuron did not fire."""
        return self._verdict(0)

    @property
    def spikes(self):
        """The Verdict on spikes of replayed neurons."""
        return self._verdict(1)

    def _verdict(self, kind):
        checked, wrong, (tick, slot) = (column[kind] for column in self._verdicts)
        return Verdict(int(checked), int(wrong), (int(tick), int(self.neurons[slot])) if tick >= 0 else None)

    def values(self, seen, neuron):
        """Mapping variable -> (n_ticks,) float64 of one neuron in what `run` kept; `condition` is the threshold's."""
        population = next(p for p in self.trace.network.populations if neuron < p.stop)
        own = seen[:, :, self.slot_of[neuron]]
        found = {name: own[:, place] for name, place in places_of(population).items()}
        return found | {"condition": own[:, CONDITION]}
