"""LatencyHead: softmax attention in the times of single spikes; the error falls as log(ticks)/ticks."""

import numpy as np

from circuits.arguments import checked
from circuits.attention.softmax_head import SoftmaxHead
from circuits.circuit import Phases
from circuits.decoder import IntervalDecoder
from circuits.errors import require
from circuits.neurons import ArmedLIF, RampSum, Source
from circuits.readout import first_spikes
from circuits.size import Size
from circuits.softmax import latency_shares
from circuits.wiring import RESET

__all__ = ["LatencyHead"]

#: Source neurons that mark a query's phases.
_BEGIN, _OPEN, _ARM, _REFERENCE = range(4)

#: An input of 0 ticks fires in this tick of its phase: the one after the spike that begins it.
_FIRST = 1


@checked()
class LatencyHead(SoftmaxHead):
    r"""A softmax head in which every number is the time of one spike.

    A magnitude x between `smallest` and `limit` fires its sign's source once, at t_x = tau log(x/smallest), rounded,
    tau = ticks/log(limit/smallest); a smaller one does not fire.

    Products. A spike opens a ramp of slope 1 in a RampSum neuron; two spikes have it reach theta at
    (theta + t_q + t_k)/2. In a neuron that leaks with tau/2 this spike of weight w leaves, at time t,

        w exp(-2 t/tau) exp((theta + t_q + t_k)/tau), in proportion to |q||k|:

    times add where magnitudes multiply. So the membrane of score neuron (i, j) holds -tau z_ij when the spike of
    `open` stops its leak and starts its ramp, and resets the products that got one spike only.

    Softmax, as in `first_spike`. Score neuron (i, j) fires tau x_ij later, x_ij = z_ij - lowest logit, at a_ij; that
    leaves a trace of 1 in the row's `release` neuron, which leaks with tau. Armed after tau span, span being the range
    of the logits, it fires when the traces have leaked to c = exp(-span):

        t*_i = tau (log sum_j exp x_ij + span),   p_ij = exp((a_ij - t*_i)/tau)/c

    Values. Products of a_ij and the spike of v_jc, as before, meet in output neuron (i, c). It is read by the spike of
    `reading` i, a RampSum neuron of t*_i and a reference: at (theta + t*_i + ticks)/2 the leak has divided by the
    row's sum, and the membrane is in proportion to sum_j p_ij v_jc. Its ramp turns this into one spike, before the
    middle of its window if negative.

    Times are rounded to ticks, of which tau has ticks/log(limit/smallest), and numbers below `smallest` are lost.

    Parameters
    ----------
    n, d : int
    ticks : int
        Length of the window of an input, and of half the window of an output.
    smallest : float, optional
        Smallest magnitude that fires; limit ticks^(-3/4) if left out, where less is lost than is rounded.
    **shape
        Further arguments of SoftmaxHead.
    """

    def __init__(self, n, d, *, ticks=256, smallest=None, **shape):
        require(ticks >= 4, f"latency head: ticks is {ticks}; it must be at least 4")
        super().__init__("latency_head", n, d, **shape)
        self.ticks, self.smallest = int(ticks), self.limit * ticks**-0.75 if smallest is None else float(smallest)
        require(0 < self.smallest < self.limit, f"latency head: smallest is {self.smallest:g}; it must lie between 0 "
                                                f"and the limit, {self.limit:g}")  # fmt: skip
        self.tau = self.ticks / np.log(self.limit / self.smallest)
        self.span = self.highest_logit - self.lowest_logit
        self.control = self.neurons("control", self._CONTROLS, Source())
        self.q, self.k, self.v = self._senders()
        self._wire_logits()
        self._wire_softmax()
        self._wire_values()
        if self.reset_by == "spikes":
            for block in [block for block in self.blocks if block.model.kind != "source"]:
                self.reset(self.control[_BEGIN], self[block.path])

    _CONTROLS = 4

    @classmethod
    def _head_size(cls, row_sizes, d, d_values, signs, resets):
        n, pairs = row_sizes.size, int(row_sizes.sum())
        ramps, outputs = pairs * (signs**2 * d + signs * d_values), n * d_values  # RampSum neurons of products
        neurons = ramps + outputs + pairs + 2 * n  # scores; release and reading
        # A product has two inputs, a reset and one output; a score an output, and, as the outputs, two of a control;
        # a release neuron one of a control and one output, and a reading one of a control.
        synapses = 4 * ramps + 3 * pairs + 3 * n + 2 * outputs
        return Size(neurons, synapses + (neurons if resets else 0))

    def _wire_logits(self):
        # Two spikes reach theta within theta/2 + ticks, before `open`; one alone needs theta, which is after it.
        theta = 2 * self.ticks + 4
        self._opening = _FIRST + theta // 2 + self.ticks + 1
        self.products = self._product_neurons("product", RampSum(theta), self.d, 2)
        self._join(self.q[:, self.row, :, :, None], self.products, receptor="current")
        self._join(self.k[:, self.column, :, None, :], self.products, receptor="current")
        self.scores = self.neurons("score", (self.heads, self.n_pairs), self._reader(), token=self.row)
        # A product is (theta + t_q + t_k)/2 rounded up, by a quarter of a tick on average: half a tick in the exponent.
        leak = (2 * (self._opening - _FIRST) - theta - 0.5) / self.tau
        weight = -self.tau * self.beta * self.smallest**2 * np.exp(leak) * np.multiply.outer(self.signs, self.signs)
        self._join(self.products, self.scores[:, :, None, None, None], weight, receptor="v")
        self.reset(self.control[_OPEN], self.products)
        self.connect(self.control[_OPEN], self.scores, receptor="armed")
        self.connect(self.control[_OPEN], self.scores, self.tau * self.lowest_logit, receptor="v")

    def _wire_softmax(self):
        token = np.arange(self.n)
        half_a_tick = np.exp(0.5 / self.tau)  # earlier: times are then rounded to the nearest tick, not up
        model = ArmedLIF(self.tau, v_th=-np.exp(-self.span) * half_a_tick)
        self.release = self.neurons("release", (self.heads, self.n), model, token=token)
        self._join(self.scores, self.release[:, self.row], -1.0, receptor="v")
        self.connect(self.control[_ARM], self.release, receptor="armed")
        self._arming = self._opening + int(np.ceil(self.tau * self.span)) + 1

    def _wire_values(self):
        token = np.arange(self.n)
        latest_release = int(np.ceil(self.tau * (2 * self.span + np.log(self.n)))) + 2
        theta = latest_release + self.ticks + 4  # again: one spike alone comes after the reading
        mixed = self._product_neurons("mixed", RampSum(theta), self.d_values, 1)
        self.readings = self.neurons("reading", (self.heads, self.n), RampSum(theta), token=token)
        shape = (self.heads, self.n, self.d_values)
        self.outputs = self.neurons("output", shape, self._reader(), token=token[:, None])
        self._join(self.scores[:, :, None, None], mixed, receptor="current")
        self._join(self.v[:, self.column], mixed, receptor="current")
        self._join(self.release, self.readings, receptor="current")
        self.connect(self.control[_REFERENCE], self.readings, receptor="current")
        weight = -self.ticks * np.exp(self.span) * self.signs  # what c p_ij |v_jc|/limit is to be multiplied with
        self._join(mixed, self.outputs[:, self.row, :, None], weight, receptor="v")
        self._join(self.readings[:, :, None], self.outputs, receptor="armed")
        self._join(self.readings[:, :, None], self.outputs, -self.ticks, receptor="v")
        self._join(self.readings[:, self.row][:, :, None, None], mixed, receptor=RESET)
        self.phases = Phases(self._opening, theta + 1, 2 * self.ticks + 4)

    def _reader(self):
        """Leaks with tau/2; once armed, fires when its ramp has made up for what it held, to the nearest tick."""
        return ArmedLIF(self.tau / 2, v_th=-0.5, ramp=1.0)

    # -- code

    def _encode(self, q, k, v, seed):
        """One spike per number; nothing here is random, so `seed` has no part in it."""
        spikes = [self._latencies(self.q, q, _FIRST), self._latencies(self.k, k, _FIRST),
                  self._latencies(self.v, v, self._opening)]  # fmt: skip
        marks = [(self._opening, _OPEN), (self._arming, _ARM), (self._opening + self.ticks, _REFERENCE)]
        marks += [(0, _BEGIN)] if self.reset_by == "spikes" else []
        spikes += [self._marks(len(q), tick, self.control[which]) for tick, which in marks]
        return (np.concatenate(columns) for columns in zip(*spikes))

    def _latencies(self, sources, values, first):
        magnitudes = self._magnitudes(values)
        query, *where = np.nonzero(magnitudes >= self.smallest)
        ticks = np.round(self.tau * np.log(magnitudes[(query, *where)] / self.smallest)).astype(np.int64)
        return query * self.duration_ticks + first + ticks, self.neuron_ids(sources)[tuple(where)]

    def decode_logits(self, trace):
        """Logits as the score neurons' spikes have them: (queries, heads, n, n_keys)."""
        return self._by_pair((first_spikes(self, trace, self.scores) - self._opening) / self.tau + self.lowest_logit)

    def decode_weights(self, trace):
        """Weights as the score and release neurons' spikes have them: (queries, heads, n, n_keys)."""
        scores = first_spikes(self, trace, self.scores)
        release = first_spikes(self, trace, self.release)[..., self.row]
        shares = latency_shares(scores[..., None], release, tau_ticks=self.tau, span=self.span)[..., 0]
        return self._by_pair(shares)

    def decode(self, trace):
        """The outputs: (queries, heads, n, d_values); NaN where an output did not fire."""
        return self.decoder.decode(trace).reshape(-1, self.heads, self.n, self.d_values)

    @property
    def decoder(self):
        """How `decode` reads the outputs."""
        return IntervalDecoder(self.path_of(self.outputs), self.path_of(self.readings), self.heads * self.n,
                               float(self.ticks), self.limit)  # fmt: skip

    @property
    def cuts(self):
        """Where all that the outputs say has to pass: the inputs, and the outputs themselves."""
        return self.input_cut, (self.path_of(self.outputs), self.path_of(self.readings))
