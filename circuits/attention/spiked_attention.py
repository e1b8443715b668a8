"""SpikedAttention: softmax attention with one spike per number, its softmax by the winner-oriented spike shift."""

import numpy as np

from circuits.arguments import checked
from circuits.circuit import Circuit, Phases
from circuits.errors import require
from circuits.one_spike_neurons import GrowingRamp, Once, RatioRace
from circuits.size import Size
from eventsim.stimulus import Stimulus

__all__ = ["SpikedAttention"]

#: Taken from a score neuron that is too late: it fires no more.
_NEVER = 1e15


@checked()
class SpikedAttention(Circuit):
    r"""The attention of SpikedAttention (Hwang et al., NeurIPS 2024), its nearest circuit of neurons.

    Published: a number is one spike of one sign, at step t, worth base^-t. A neuron that integrates such spikes
    multiplies its potential by base every step, so that it adds what they are worth. The softmax of a row takes the
    row's maximum first, lets score j fire (z_max - z_j)/ln base steps later, so that its spike is worth
    exp(z_j - z_max), and divides the output's potential by the sum of all that.

    Replaced: (1) the maximum by a race: all scores of a row rise by ln base per tick until threshold, and the first
    spike, of which the others' delays count, is the winner's; no neuron compares. (2) The division by a race: an output
    neuron holds numerator and denominator, grown alike; `depth` ticks after the winner's spike its denominator
    stops growing, and it fires when the numerator has caught up: at tick m if base^-m <= ratio < base^(1-m), the
    published code. (3) Keys and values are weights of synapses: scores of two spike-coded factors are not built.

    Times are rounded, those of the query by half a tick, those of scores by one, those of the output by one; so errors
    fall in proportion to ln base, and the number of ticks grows with its inverse.

    Parameters
    ----------
    keys : (n, d) array
    values : (n, c) array
    base : float
        1.15 in the authors' models.
    ticks : int
        Steps of a code, 40 in the authors' models: magnitudes below limit * base^-ticks are 0.
    limit : float
        Largest magnitude of one query entry.
    beta : float
        Inverse temperature.
    dt_ms : float
    """

    def __init__(self, keys, values, *, base=1.15, ticks=40, limit=1.0, beta=1.0, dt_ms=1.0):
        keys, values = (np.asarray(array, dtype=np.float64) for array in (keys, values))
        self.size(keys, values).check("SpikedAttention")
        for name, array in (("keys", keys), ("values", values)):
            require(np.isfinite(array).all() and array.any(), f"{name} must be finite and not all 0")
        require(1 < base <= 2, f"base is {base}; it must lie above 1, and not above 2")
        require(isinstance(ticks, int) and ticks >= 2, f"ticks is {ticks!r}; it must be an integer >= 2")
        for name, value in (("limit", limit), ("beta", beta)):
            require(np.isfinite(value) and value > 0, f"{name} is {value}; it must be positive and finite")
        super().__init__("spiked_attention", dt_ms=dt_ms)
        self.keys, self.values, self.base, self.ticks = keys, values, float(base), ticks
        self.limit, self.beta = float(limit), float(beta)
        highest = beta * limit * np.abs(keys).sum(axis=1).max()  # no partial sum of a score exceeds it
        race = int(np.ceil(2 * highest / np.log(base))) + 1
        self.phases = Phases(ticks + 1, race + 1, 2 * ticks + 4)
        self._wire(highest)

    @staticmethod
    def size(keys, values, **_):
        """Size of the circuit with such arguments."""
        keys, values = np.shape(keys), np.shape(values)
        fits = len(keys) == len(values) == 2 and keys[0] == values[0] and 0 not in (*keys, *values)
        require(fits, f"keys of shape {keys} and values of shape {values} do not fit; give one row each per token")
        (n, d), c = keys, values[1]
        return Size(2 * d + 1 + n + 1 + 2 * c, 2 * d * n + 2 * n + n + n + 4 * c * n + 2 * c)

    def _wire(self, highest):
        (n, d), c, base = self.keys.shape, self.values.shape[1], self.base
        self.input = self.inputs("input", (2, d))
        self.opening = self.inputs("open", ())
        self.scores = self.neurons("score", n, GrowingRamp(base, np.log(base), highest), token=np.arange(n))
        self.winner = self.neuron("winner", Once())
        self.outputs = self.neurons("output", (2, c), RatioRace(base))
        per_spike = self.beta * self.limit * self.keys.T * base ** float(-self.ticks)  # grows `ticks` times at most
        for sign, sources, outputs in zip((1, -1), self.input, self.outputs):
            self.connect(sources, self.scores, sign * per_spike)
            self.connect(self.scores, outputs, sign * self.values / np.abs(self.values).max(), receptor="numerator")
            self.connect(self.scores, outputs, 1.0, receptor="denominator")
        self.connect(self.opening, self.scores, -1.0, receptor="grow")
        self.connect(self.opening, self.scores, 1.0, receptor="ramp")
        self.connect(self.scores, self.winner)
        depth_ms = self.ticks * self.dt_ms
        self.connect(self.winner, self.outputs, 1.0, receptor="arm", delay_ms=depth_ms)
        self.connect(self.winner, self.scores, -_NEVER, receptor="v", delay_ms=depth_ms)

    def encode(self, queries):
        """Ticks of the query's spikes: (m, d) int64; `ticks` where there is none."""
        with np.errstate(divide="ignore"):
            exponent = -np.log(np.abs(queries) / self.limit) / np.log(self.base)
        return np.where(exponent < self.ticks - 0.5, np.round(exponent), self.ticks).astype(np.int64)

    def quantised(self, queries):
        """What those spikes are worth: (m, d)."""
        tick = self.encode(queries)
        return np.sign(queries) * np.where(tick < self.ticks, self.limit * self.base ** -tick.astype(float), 0.0)

    def stimulus(self, queries, input_id=None):
        """Spikes for queries (m, d) asked one after the other, each from rest.

        Raises
        ------
        CircuitError
            When a query has another length or an entry beyond `limit`.
        """
        queries, d = np.asarray(queries, dtype=np.float64), self.keys.shape[1]
        require(queries.ndim == 2 and queries.shape[1] == d, f"queries have shape {queries.shape}, expected (m, {d})")
        inside = (np.abs(queries) <= self.limit).all()
        require(inside, f"a query entry lies beyond the circuit's limit of {self.limit:g}, or is not finite")
        start = np.arange(len(queries), dtype=np.int64) * self.duration_ticks
        tick = self.encode(queries)
        query, entry = np.nonzero(tick < self.ticks)
        ids = self.neuron_ids(self.input)[(queries[query, entry] < 0).astype(int), entry]
        ticks = np.concatenate([start[query] + tick[query, entry], start + self.ticks])
        neurons = np.concatenate([ids, np.full(len(queries), self.neuron_ids(self.opening))])
        return Stimulus.of(ticks, neurons, np.column_stack([start, start + self.duration_ticks]), input_id, "host")

    @checked()
    def score_delays(self, trace):
        """Ticks from the winner's spike to each score's: (m, n) int64, -1 where it was too late."""
        first = self._first(trace, self.scores)
        return np.where(first < 0, -1, first - self._first(trace, self.winner)[:, None] + 1)

    @checked()
    def decode(self, trace):
        """softmax(beta q.K) V as the outputs' spikes stand for it: (m, c) float64."""
        armed = self._first(trace, self.winner) + self.ticks
        m = self._first(trace, self.outputs) - armed[:, None, None]
        worth = np.where(m > 0, self.base ** (0.5 - np.maximum(m, 1)), 0.0) * np.abs(self.values).max()
        return worth[:, 0] - worth[:, 1]

    def _first(self, trace, neurons):
        """Tick within the query of each neuron's spike: (m, ...) int64, far below 0 where there is none."""
        ids, starts = self.neuron_ids(neurons).ravel(), trace.queries()["start_tick"].to_numpy()
        spikes = trace.spikes(neurons=ids)
        query = np.searchsorted(starts, spikes.tick, side="right") - 1
        first = np.full((len(starts), ids.size), -(2**40), dtype=np.int64)
        first[query, spikes.neuron - ids.min()] = spikes.tick - starts[query]
        return first.reshape(len(starts), *neurons.shape)
