r"""SpikingTransformer: one attention layer and two layers of neurons per token, from input spikes to output spikes.

Numbers travel as counts. An integrate-and-fire neuron that adds up a layer's input is held HOLD below its threshold; a
control spike releases it, and it fires floor(v + 1/2) times (not at all below 0) in successive ticks: a burst. So the
neurons are ReLUs, and a burst is at once a count, for the next sum, and a window, for coincidences and comparisons.

    while encoding   the sources of x_ic, one for each sign, fire a burst of |x_ic| ticks (`window`) and a regular train
                     of that rate (`regular`). Features (i, k) and scores (i, j, k) add up, held. Products (i, j, c, e),
                     coincidences of regular x_ic and window x_je, are the logits of the pools (i, j, h), held silent
    open             features and scores burst. `max` k is an OR over tokens, whose burst is the longest of theirs;
                     `mean` k adds them up. The pools run; a counter (i, j, h) keeps the weight spikes
    mix              means and counters burst; coincidences of counters with regular trains of x_j are the heads'
                     output, `mixed` (i, h, c)
    think            hidden (i, k), which have heard features, means, maxima and the heads' output: burst
    answer           outputs (i, o, sign), which have heard all of those, weight spikes and scores too: burst

Every weight that meets others in one neuron is a multiple of 2^-GRID_BITS, and so is every start value: sums are exact,
in whichever order the spikes of several tokens arrive. So, when tokens are permuted, every spike goes with its token.
"""

import numpy as np

from circuits.approximator.encoding import CODES, random_trains, regular_trains, windows
from circuits.approximator.fixed_maps import SIGNS
from circuits.approximator.layers import KINDS, LATE_KINDS, on_grid
from circuits.circuit import Circuit, Neurons, Phases
from circuits.errors import require
from circuits.gates import And, Or
from circuits.neurons import IntegrateFire, Source
from circuits.readout import spike_counts
from circuits.size import Size
from circuits.softmax import SILENCE, integrate_inhibition
from eventsim.stimulus import Stimulus

__all__ = ["HOLD", "SpikingTransformer"]

#: Above any sum, or the circuit is refused; a float64 has the bits for it and for GRID_BITS behind the point.
HOLD = 2.0**32

#: Pools: wanted spikes per tick, and what one spike inhibits. Their product, the drift per tick, is a power of two, so
#: that log-drives stay on the grid.
_RATE, _INHIBITION = 0.5, 1.0
_DRIFT = _RATE * _INHIBITION

#: Ticks from a source's spike through a coincidence to what it adds to.
_THROUGH_A_GATE = 2

_BEGIN, _OPEN, _CLOSE, _MIX, _THINK, _ANSWER = range(6)

#: What one spike of a score counts for. Scores are many, and their rounding averages out over tokens.
_SCORE_WORTH = 4.0

#: Kinds of neurons of which there is one for every pair of tokens; one for all tokens together.
_OF_PAIRS, _OF_ALL = ("score", "weight"), ("mean", "max")

#: What holding a neuron, releasing it, and returning it to its start takes.
_HELD = Size(0, 3)


class SpikingTransformer(Circuit):
    """The circuit of `FixedMaps`, with or without the layers that are fitted to a function.

    Parameters
    ----------
    maps : FixedMaps
    n : int
        Tokens.
    ticks : int
        Length of the longest burst: numbers have this many levels.
    layers : Layers, optional
        Hidden layer and read-out; without, the circuit ends with the heads' output.

    Attributes
    ----------
    token_axes : list of (Neurons, int)
        Every population, and how many of its first axes are tokens.
    layer : dict of str to Neurons
        feature (n, m), mean (m,), max (m,), mixed (n, heads d 2), score (n, n, 2 m), weight (n, n, heads); and, with
        layers, hidden (n, hidden) and output (n, outputs, 2).
    """

    def __init__(self, maps, n, ticks, layers=None):
        self.size(maps, n, layers).check("spiking_transformer", "lower the width or the number of tokens")
        super().__init__("spiking_transformer")
        self.maps, self.n, self.d, self.ticks, self.layers = maps, n, maps.feature_weight.shape[1], ticks, layers
        self.token_axes, self.layer = [], {}
        self._set_times()
        self.control = self._population("control", (6,), Source(), 0)
        self.window, self.regular = (self._population(name, (n, self.d, 2), Source(), 1)
                                     for name in ("window", "regular"))  # fmt: skip
        self._wire_features()
        self._wire_scores()
        self._wire_pools()
        self._wire_mixing()
        if layers is not None:
            self._wire_hidden()
            self._wire_outputs()

    @classmethod
    def size(cls, maps, n, layers=None):
        """The Size of the circuit that these arguments of the constructor make."""
        (m, d), heads, pairs = maps.feature_weight.shape, maps.heads, n * n
        features = Size(n * m + 2 * m, n * m * (2 * d + 2)) + (n + 1) * m * _HELD
        scores = 2 * m * pairs * (Size(1, 4 * d) + _HELD)
        logits = heads * 4 * d * d + np.count_nonzero(maps.norm_cost) * 2 * d
        pools = pairs * Size(4 * d * d, 8 * d * d + logits) + heads * n * Size(n + 1, 5 * n)
        mixing = heads * pairs * Size(1 + 2 * d, 3 + 6 * d) + Size(heads * n * 2 * d, 0)
        whole = Size(6 + 4 * n * d, 0) + features + scores + pools + mixing
        if layers is None:
            return whole
        early, hidden, outputs = 3 * m + heads * 2 * d, layers.hidden, layers.outputs
        heard = early + n * (2 * m + heads) + hidden
        return whole + n * hidden * (Size(1, early) + _HELD) + 2 * n * outputs * (Size(1, heard) + _HELD)

    def _set_times(self):
        """When, within a query, each control neuron fires."""
        opening, active = self.ticks + _THROUGH_A_GATE, int(np.ceil(self.ticks / _RATE))
        closing = opening + active
        mixing = closing + self._row(0.0).phases.flush_ticks
        # A pool fires R T + (I(T) - I(0))/b times, and I ends at most b above I(0), but n may fire together.
        self._most = int(_RATE * active) + 1 + self.n
        thinking = mixing + self._most + 2 * _THROUGH_A_GATE + 1
        answering = thinking + self.ticks + _THROUGH_A_GATE
        self._at = {_BEGIN: 0, _OPEN: opening, _CLOSE: closing, _MIX: mixing}
        last = thinking
        if self.layers is not None:
            self._at |= {_THINK: thinking, _ANSWER: answering}
            last = answering + self.ticks + _THROUGH_A_GATE
        self.phases = Phases(opening, active, last - closing)

    # -- wiring

    def _population(self, name, shape, model, axes):
        """Neurons whose first `axes` axes (0, 1 or 2) are tokens."""
        token = np.arange(self.n).reshape(-1, *(1,) * (len(shape) - 1)) if axes else -1
        made = self.neurons(name, shape, model, token=token)
        self.token_axes.append((made, axes))
        return made

    def _held(self, name, shape, start, release, axes, worth=1.0):
        """Neurons that add up from `start` and burst after the control spike `release`, for `ticks` ticks at most."""
        made = self._population(name, shape, IntegrateFire(worth, start + worth / 2 - HOLD), axes)
        self.connect(self.control[release], made, HOLD)
        self.connect(self.control[release], made, -HOLD, delay_ms=self.ticks * self.dt_ms)
        self.reset(self.control[_BEGIN], made)
        return made

    def _join(self, senders, receivers, weight=1.0, **how):
        """Synapses one to one between arrays of neurons, and weights, that broadcast against each other."""
        pre, post, weight = np.broadcast_arrays(senders.ids, receivers.ids, weight)
        self.one_to_one(Neurons(self, pre), Neurons(self, post), weight.ravel(), **how)

    def _wire_features(self):
        maps, m = self.maps, self.maps.width
        feature = self._held("feature", (self.n, m), on_grid(self.ticks * maps.feature_bias), _OPEN, 1)
        self._join(self.window[:, None], feature[..., None, None], _signed(maps.feature_weight))
        largest, mean = self._population("max", (m,), Or(), 0), self._held("mean", (m,), 0.0, _MIX, 0)
        self._join(feature, largest)
        self._join(feature, mean, on_grid(1 / self.n))
        self.layer |= {"feature": feature, "mean": mean, "max": largest}

    def _wire_scores(self):
        maps, shape = self.maps, (self.n, self.n, len(self.maps.score_bias))
        score = self._held("score", shape, on_grid(self.ticks * maps.score_bias), _OPEN, 2, _SCORE_WORTH)
        self._join(self.window[:, None, None], score[..., None, None], _signed(maps.query_weight))
        self._join(self.window[None, :, None], score[..., None, None], _signed(maps.key_weight))
        self.layer["score"] = score

    def _row(self, u_start):
        """The softmax pool of one token in one head."""
        return integrate_inhibition(self.n, rate_per_tick=_RATE, inhibition=_INHIBITION, u_start=u_start)

    def _wire_pools(self):
        """Products, and the pools (i, j, h) whose logits x_i A x_j - g |x_j|^2 they are."""
        a, g = self.maps.likeness, self.maps.norm_cost
        reach = np.abs(a).sum(axis=(1, 2))
        silence = SILENCE + np.ceil(2 * (reach + self.d * g).max())
        # log sum exp z is at most reach + ln n; while silenced, u drifts upwards.
        start = on_grid(-reach - np.log(self.n)) - silence - _DRIFT * (self._at[_OPEN] + 1)
        parts = [[self.use(self._row(u), f"head_{h}/row_{i}") for h, u in enumerate(start)] for i in range(self.n)]
        pool = Neurons(self, np.stack([[part.pool.ids for part in row] for row in parts]).swapaxes(1, 2))
        relay = Neurons(self, np.stack([[part.relay.ids for part in row] for row in parts]))
        self.token_axes += [(pool, 2), (relay, 1)]
        shape = (self.n, self.n, self.d, self.d, 2, 2)
        product = self._population("product", shape, And(), 2)
        self._join(self.regular[:, None, :, None, :, None], product)
        self._join(self.window[None, :, None, :, None, :], product)
        weight = on_grid(a / self.ticks)[..., None, None] * np.multiply.outer(SIGNS, SIGNS)
        self._join(product[:, :, None], pool[..., None, None, None, None], weight, receptor="u")
        j, c, costly = np.arange(self.n)[:, None, None], np.arange(self.d)[:, None], g > 0
        squares = product[j, j, c, c, [0, 1], [0, 1]]
        self._join(squares[None, :, None], pool[:, :, costly][..., None, None],
                   on_grid(-g[costly, None, None] / self.ticks), receptor="u")  # fmt: skip
        idle = self.phases.duration_ticks - self._at[_CLOSE]
        self.connect(self.control[_OPEN], pool, silence, receptor="u")
        self.connect(self.control[_CLOSE], pool, -silence - _DRIFT * idle, receptor="u")
        self.reset(self.control[_BEGIN], pool)
        self.layer["weight"] = self._weights(pool)

    def _weights(self, pool):
        """Neurons whose spikes are the heads' weights (i, j, h)."""
        return pool

    def _wire_mixing(self):
        weight = self.layer["weight"]
        counter = self._population("counter", weight.shape, IntegrateFire(v_start=-HOLD), 2)
        self.one_to_one(weight, counter)
        self.connect(self.control[_MIX], counter, HOLD)
        self.reset(self.control[_BEGIN], counter)
        coincidence = self._population("coincidence", (*weight.shape, self.d, 2), And(), 2)
        self._join(counter[..., None, None], coincidence)
        self._join(self.regular[None, :, None], coincidence)
        mixed = self._population("mixed", (self.n, self.maps.heads, self.d, 2), IntegrateFire(), 1)
        self._join(coincidence, mixed[:, None])
        self.layer["mixed"] = Neurons(self, mixed.ids.reshape(self.n, -1))

    def _wire_hidden(self):
        layers = self.layers
        hidden = self._held("hidden", (self.n, layers.hidden), layers.hidden_start, _THINK, 1)
        for kind in KINDS:
            self._join(self.layer[kind][..., None, :], hidden[..., None], layers.hidden_weight[kind])
        self.layer["hidden"] = hidden

    def _wire_outputs(self):
        layers = self.layers
        most = max(np.abs(weight).sum(axis=1).max() for weight in layers.output_weight.values())
        most *= len(layers.output_weight) * self.n * self._most
        require(most < HOLD, f"{self.name}: weights of an output can add up to {most:.3g}, at most {HOLD:.3g}; "
                             "use more examples or a lower width")  # fmt: skip
        start = np.multiply.outer(layers.output_start, SIGNS)
        output = self._held("output", (self.n, layers.outputs, 2), start, _ANSWER, 1)
        for kind in (*KINDS, *LATE_KINDS):
            weight = layers.output_weight[kind][:, None, :] * SIGNS[:, None]
            receivers = output[:, None] if kind in _OF_PAIRS else output
            self._join(self.layer[kind][..., None, None, :], receivers[..., None], weight)
        self.layer["output"] = output

    # -- in and out

    def stimulus(self, x, *, code="regular", token_keys=None, input_id=None, seed=0):
        """Spikes for inputs presented one after the other.

        Parameters
        ----------
        x : (queries, n, d) array in [-1, 1]
        code : str
            One of CODES.
        token_keys : (n,) or (queries, n) integer array, optional
            Numbers by which a random code knows the tokens; positions if left out. Permute them with the tokens.
        input_id : (queries,) integers, optional
            Inputs of the same number share their draws; their positions if left out.
        seed : int

        Raises
        ------
        CircuitError
            When x has another shape or leaves [-1, 1], or the code is unknown.
        """
        x = np.asarray(x, dtype=np.float64)
        require(x.ndim == 3 and x.shape[1:] == (self.n, self.d),
                f"{self.name}: inputs have shape {x.shape}; give (queries, {self.n}, {self.d})")  # fmt: skip
        require((np.abs(x) <= 1).all(), f"{self.name}: an input is outside -1 to 1, or not a number")
        require(code in CODES, f"{self.name}: code is {code!r}; choose one of {', '.join(CODES)}")
        magnitudes = np.maximum(x[..., None] * SIGNS, 0.0)
        queries, duration = len(x), self.phases.duration_ticks
        start = np.arange(queries, dtype=np.int64) * duration
        keys = np.broadcast_to(np.arange(self.n) if token_keys is None else token_keys, (queries, self.n))
        drawn = (keys, np.arange(queries) if input_id is None else np.asarray(input_id), seed)
        mixing = self._at[_MIX]
        trains = [("window", 0, self.ticks, windows), ("regular", 0, self.ticks, regular_trains),
                  ("regular", mixing + 1, self._most, regular_trains)]  # fmt: skip
        ticks = [start + at for at in self._at.values()]
        ids = [np.full(queries, self.neuron_ids(self.control)[k]) for k in self._at]
        for name, first, length, train in trains:
            fires = (train(magnitudes, length) if code == "regular" else
                     random_trains(magnitudes, length, f"{name}/{first > 0}", *drawn))  # fmt: skip
            query, *place, at = np.nonzero(fires)
            ticks.append(start[query] + first + at)
            ids.append(self.neuron_ids(getattr(self, name))[tuple(place)])
        windows_of_queries = np.column_stack([start, start + duration])
        return Stimulus.of(np.concatenate(ticks), np.concatenate(ids), windows_of_queries, input_id, "spikes")

    def counts(self, trace):
        """Spikes that each token's later layers hear, by kind: dict of (queries, n, number) int64."""
        kinds = [kind for kind in (*KINDS, *LATE_KINDS) if kind in self.layer]
        ends = np.cumsum([self.layer[kind].size for kind in kinds])[:-1]
        everyone = Neurons(self, np.concatenate([self.layer[kind].ids.ravel() for kind in kinds]))
        found = dict(zip(kinds, np.split(spike_counts(self, trace, everyone), ends, axis=1), strict=True))
        for kind, spikes in found.items():
            spikes = spikes.reshape(len(spikes), *self.layer[kind].shape)
            spikes = spikes.sum(axis=2) if kind in _OF_PAIRS else spikes
            spikes = spikes[:, None] if kind in _OF_ALL else spikes
            found[kind] = np.broadcast_to(spikes, (len(spikes), self.n, spikes.shape[-1]))
        return found

    def decode(self, trace):
        """The outputs: (queries, n, outputs)."""
        spikes = spike_counts(self, trace, self.layer["output"])
        return self.layers.offset + self.layers.unit * (spikes[..., 0] - spikes[..., 1])


def _signed(weight):
    """Weights (k, d) of a number as those of its two channels, (k, d, 2)."""
    return on_grid(weight)[..., None] * SIGNS
