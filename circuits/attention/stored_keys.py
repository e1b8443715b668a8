"""StoredKeyAttention: softmax(beta q.K) V with keys and values in the synapses, queries as spikes."""

from dataclasses import replace

import numpy as np

from circuits.arguments import checked
from circuits.circuit import Circuit, Phases
from circuits.decoder import ShareDecoder
from circuits.encoding import Latency
from circuits.errors import require
from circuits.neurons import IntegrateFire, Source
from circuits.readout import spike_counts
from circuits.softmax import SOFTMAX
from eventsim.stimulus import Stimulus

__all__ = ["StoredKeyAttention"]

#: Source neurons that mark a query's phases.
_BEGIN, _OPEN, _CLOSE = range(3)

#: Logits below softmax's own by which the pool is held silent outside the active ticks, besides what the
#: input can reach: exp(-60) is below the smallest step of the uniform noise, 2**-54.
_SILENCE = 60.0


@checked()
class StoredKeyAttention(Circuit):
    r"""Attention over n stored tokens, from the spikes of a query to the spikes of an output.

    One input neuron per dimension fires once (see `Latency`); its synapse onto token i has weight
    proportional to beta K_ij and opens a current, so that at the end of the encoding window u_i has gained
    z_i = beta q.K_i plus a known offset. Then one spike of the neuron `open` closes all currents, takes the
    offset away and lifts the silence; the softmax circuit runs for `active_ticks`; a spike of `close` silences
    it. Every weight spike of token i adds V_ic to output c, an integrate-and-fire neuron with subtractive
    reset, which so fires sum_i k_i V_ic times in all (up to one).

    With reset "spikes" a spike of `begin` first returns every neuron with memory to its start values.

    Parameters
    ----------
    keys : (n, d) array
        Token i is row i.
    values : (n, c) array in [0, 1]
        Masked entries (numpy.ma) get no synapse.
    beta : float
        Inverse temperature.
    softmax : str
        A name in circuits.softmax.SOFTMAX.
    active_ticks : int
    rate_per_tick : float
        Wanted spikes of the whole pool per tick, so rate_per_tick * active_ticks per query.
    inhibition : float
        b of the softmax circuit.
    encode_ticks : int
        Length of the encoding window.
    limit : float
        Largest magnitude of one query entry.
    norm : float
        Largest Euclidean norm of a query; with the keys it bounds the logits and so the start of the inhibition.
    reset : str
        "spikes", "host" or "none": how queries are kept apart (see eventsim.Stimulus).
    seed : int
    token_keys : (n,) integer array, optional
        Keys of the tokens' random streams; they follow the tokens when tokens are permuted.
    dt_ms : float
    """

    def __init__(self, keys, values, *, beta=1.0, softmax="escape_inhibition", active_ticks=2000, rate_per_tick=0.1,
                 inhibition=1.0, encode_ticks=256, limit=1.0, norm=1.0, reset="spikes", seed=0, token_keys=None,
                 dt_ms=1.0):  # fmt: skip
        keys, values = np.asarray(keys, dtype=np.float64), np.ma.asarray(values)
        fits = keys.ndim == 2 and keys.size > 0 and np.isfinite(keys).all()
        require(fits, f"keys must be a finite (n, d) array of a token or more, got shape {keys.shape}")
        require(values.ndim == 2 and len(values) == len(keys),
                f"values of shape {values.shape} do not fit keys of shape {keys.shape}; "
                "give one row per key")  # fmt: skip
        require(((values >= 0) & (values <= 1)).all(), "values must lie in 0 to 1")
        require(softmax in SOFTMAX, f"softmax '{softmax}' is unknown; choose one of {', '.join(SOFTMAX)}")
        require(active_ticks >= 1, f"active_ticks is {active_ticks}; it must be at least 1")
        require(np.isfinite(beta), f"beta is {beta}; it must be finite")
        super().__init__("stored_key_attention", dt_ms=dt_ms, phases=Phases(encode_ticks + 2, active_ticks))
        self.keys, self.values, self.beta, self.norm, self.reset_by = keys, values, float(beta), float(norm), reset
        self.latency = Latency(limit, encode_ticks)
        self.target_spikes = rate_per_tick * active_ticks
        self._wire_input(softmax, rate_per_tick, inhibition, seed, token_keys)
        self.outputs = self.neurons("output", values.shape[1], IntegrateFire())
        self.connect(self.weights, self.outputs, values)
        self._wire_reset()

    @property
    def logit_bound(self):
        """No logit exceeds this: |beta| times the longest key times the norm allowed to queries."""
        return abs(self.beta) * float(np.linalg.norm(self.keys, axis=1).max()) * self.norm

    @property
    def cut(self):
        """Path of the population whose spikes carry the attention weights."""
        return self.path_of(self.weights)

    def _wire_input(self, softmax, rate_per_tick, inhibition, seed, token_keys):
        n, d = self.keys.shape
        weight = self.beta * self.keys.T * self.latency.per_tick  # per tick of open current, (d, n)
        offset = self.beta * self.latency.limit * self.keys.sum(axis=1)  # what durations add beyond z, (n,)
        start_inhibition = self.logit_bound + np.log(n)  # at least log sum exp z
        silence = _SILENCE + np.abs(weight).sum(axis=0).max() * self.latency.ticks
        drifted = inhibition * rate_per_tick * (self.latency.ticks + 1)  # by `drift` before the pool opens
        part = SOFTMAX[softmax](
            n, rate_per_tick=rate_per_tick, inhibition=inhibition, seed=seed, token_keys=token_keys, dt_ms=self.dt_ms,
            u_start=-start_inhibition - silence - drifted,
        )  # fmt: skip
        self.phases = replace(self.phases, flush_ticks=1 + part.phases.flush_ticks)
        self.input = self.neurons("input", d, Source())
        self.control = self.neurons("control", 3, Source())
        softmax_part = self.use(part, "softmax")
        self.pool, self.relay, self.weights = softmax_part.pool, softmax_part.relay, softmax_part.weights
        self.connect(self.input, self.pool, weight, receptor="current")
        self.connect(self.control[_OPEN], self.pool, -weight.sum(axis=0), receptor="current")
        self.connect(self.control[_OPEN], self.pool, silence - offset, receptor="u")
        self.connect(self.control[_CLOSE], self.pool, -silence, receptor="u")

    def _wire_reset(self):
        if self.reset_by == "spikes":
            for neurons in (self.pool, self.relay, self.outputs):
                self.reset(self.control[_BEGIN], neurons)

    def stimulus(self, queries, input_id=None):
        """Spikes for queries asked one after the other.

        Parameters
        ----------
        queries : (m, d) array
        input_id : (m,) integers, optional

        Returns
        -------
        eventsim.Stimulus
            Ids are those of the compiled network.

        Raises
        ------
        CircuitError
            When a query has another length, or an entry or norm beyond what the circuit was built for.
        """
        queries = np.asarray(queries, dtype=np.float64)
        d = self.keys.shape[1]
        require(queries.ndim == 2 and queries.shape[1] == d, f"queries have shape {queries.shape}, expected (m, {d})")
        norms = np.linalg.norm(queries, axis=1)
        require((norms <= self.norm * (1 + 1e-9)).all(),
                f"a query has norm {norms.max(initial=0):.4g}, beyond the circuit's {self.norm:.4g}")  # fmt: skip
        start = np.arange(len(queries), dtype=np.int64) * self.duration_ticks
        opening = start + 1 + self.latency.ticks
        control = self.neuron_ids(self.control)
        marks = [(opening, _OPEN), (opening + self.phases.active_ticks, _CLOSE)]
        marks += [(start, _BEGIN)] if self.reset_by == "spikes" else []
        ticks = [(start[:, None] + 1 + self.latency.encode(queries)).ravel(), *(tick for tick, _ in marks)]
        neurons = [np.tile(self.neuron_ids(self.input), len(queries)),
                   *(np.full(len(queries), control[which]) for _, which in marks)]  # fmt: skip
        windows = np.column_stack([start, start + self.duration_ticks])
        return Stimulus.of(np.concatenate(ticks), np.concatenate(neurons), windows, input_id, self.reset_by)

    def logits(self, queries):
        """beta q.K in plain numpy: (m, n)."""
        return self.beta * np.asarray(queries) @ self.keys.T

    def encoding_error(self, queries):
        """How far the logits that spike times stand for are from beta q.K, the worst token of each query: (m,)."""
        encoded = self.latency.decode(self.latency.encode(queries))
        return np.abs(self.logits(encoded) - self.logits(queries)).max(axis=1)

    def exact(self, queries):
        """softmax(beta q.K) in plain numpy: (m, n)."""
        z = self.logits(queries)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def weight_counts(self, trace, upto_ticks=None):
        """Weight spikes of each token in each query: (m, n) int64; only the first active ticks if asked."""
        stop_tick = None if upto_ticks is None else self.phases.warmup_ticks + upto_ticks
        return spike_counts(self, trace, self.weights, stop_tick=stop_tick)

    def pool_counts(self, trace):
        """Spikes of each softmax pool neuron in each query, vetoed ones included: (m, n) int64."""
        return spike_counts(self, trace, self.pool)

    @property
    def decoder(self):
        """What estimates softmax(beta q.K) V: the share of each output in all output spikes."""
        return ShareDecoder(self.path_of(self.outputs), self.path_of(self.outputs))

    @property
    def cuts(self):
        """Where all that the outputs say has to pass: the weights, and the outputs themselves."""
        return (self.cut,), (self.path_of(self.outputs),)

    def decode(self, trace):
        """Output spikes of each query: (m, c) int64. Divided by their sum they estimate softmax(beta q.K) V."""
        return spike_counts(self, trace, self.outputs)
