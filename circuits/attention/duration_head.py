"""DurationHead: softmax attention in regular spike trains and durations; the error falls as 1/ticks."""

import numpy as np

from circuits.arguments import checked
from circuits.attention.counting_head import THROUGH_A_GATE, CountingHead
from circuits.circuit import Phases
from circuits.neurons import IntegrateFire
from circuits.size import Size
from circuits.softmax import integrate_inhibition

__all__ = ["DurationHead"]

#: The source neuron that begins the mixing of values, after those of every counting head.
_READ = 3


@checked()
class DurationHead(CountingHead):
    r"""A softmax head without chance: a product is a regular spike train seen through a window.

    The source of q_ic fires regularly |q_ic| times per tick (at most 1), at the ticks in which floor(|q_ic| t + 1/2)
    rises; that of k_jc fires in every one of the first round(|k_jc| ticks) ticks. So their coincidence neuron fires
    floor(|q_ic| round(|k_jc| ticks) + 1/2) times: the product, within one spike. `integrate_inhibition` then has token
    j fire k_ij times, K p_ij within (1 + n p_ij)/2 spikes, and a counter for each pair holds what it receives back. A
    spike of `read` frees the counters: each fires k_ij times in successive ticks, which is a window again, now for the
    regular trains of v_jc that start with it. A coincidence reaches the output (i, c) of its sign, an
    integrate-and-fire neuron that hands on one spike per tick. Neuron `total` of row i counts its weight spikes:
    y_ic = (plus - minus)/total.

    Every stage counts to within a spike or so, out of `ticks`: the error falls as 1/ticks.

    Parameters
    ----------
    n, d : int
    ticks : int
        Ticks of encoding, and spikes wanted of each row's pool.
    rate_per_tick, inhibition : float
        Of the pools; see `circuits.softmax.integrate_inhibition`.
    **shape
        Further arguments of SoftmaxHead.
    """

    _SOFTMAX, _CONTROLS = staticmethod(integrate_inhibition), 4

    def __init__(self, n, d, *, ticks=256, rate_per_tick=0.25, inhibition=0.5, **shape):
        super().__init__("duration_head", n, d, ticks=ticks, rate_per_tick=rate_per_tick, inhibition=inhibition,
                         **shape)  # fmt: skip
        # K = R T + (I(T) - I(0))/b, and I ends at most b above log sum exp z, which it is not below at the start; with
        # one spike of each token more, since they may fire together.
        most_spikes = int(np.ceil(rate_per_tick * self._active_ticks)) + 1 + self.n_keys
        flush_ticks = self._drain_ticks + most_spikes + 2 * THROUGH_A_GATE + 1
        port = self._wire_pools(flush_ticks)
        self._wire_logits()
        counters = self._wire_counters(float(most_spikes))
        self._wire_values(counters, IntegrateFire())
        self._begin_with(self.pool, port("relay"), counters, self.outputs, self.totals)
        self.phases = Phases(self._opening, self._active_ticks, flush_ticks)

    @classmethod
    def _head_size(cls, row_sizes, d, d_values, signs, resets):
        n, pairs = row_sizes.size, int(row_sizes.sum())
        restored = pairs + n * (signs * d_values + 1) if resets else 0
        return super()._head_size(row_sizes, d, d_values, signs, resets) + Size(pairs, 2 * pairs + restored)

    def _wire_counters(self, hold):
        """Neurons that keep the weight spikes of their pair until `read`.

        While held, no count reaches the threshold; `hold` is a whole number, so that counts stay exact.
        """
        counters = self.neurons("counter", self.weights.shape, IntegrateFire(v_start=-hold), token=self.row)
        self._join(self.weights, counters)
        self.connect(self.control[_READ], counters, hold)
        return counters

    @property
    def _reading(self):
        """Tick within a query at which `read` fires: the last weight spike has arrived."""
        return self._opening + self._active_ticks + self._drain_ticks

    def _encode(self, q, k, v, seed):
        """Regular trains and windows; nothing here is random, so `seed` has no part in it."""
        mixing_ticks = self.duration_ticks - self._reading - 1
        spikes = [self._spikes(self.q, q, 0, _regular, self.ticks), self._spikes(self.k, k, 0, _window, self.ticks),
                  self._spikes(self.v, v, self._reading + 1, _regular, mixing_ticks),
                  self._marks(len(q), self._reading, self.control[_READ])]  # fmt: skip
        return (np.concatenate(columns) for columns in zip(*spikes, *self._phase_marks(len(q))))

    def _spikes(self, sources, values, first, code, ticks):
        """The spikes of `code` in the channel of each value's sign, from tick `first` of each query."""
        ids = self.neuron_ids(sources)
        found = []
        for m, magnitudes in enumerate(self._magnitudes(values)):  # one query at a time bounds the memory
            *where, at = np.nonzero(code(magnitudes, ticks))
            found.append((m * self.duration_ticks + first + at, ids[tuple(where)]))
        return tuple(np.concatenate(columns) for columns in zip(*found))


def _regular(rate, ticks):
    """(..., ticks) bool: after t ticks, floor(rate t + 1/2) spikes."""
    count = np.floor(rate[..., None] * np.arange(ticks + 1) + 0.5)
    return np.diff(count, axis=-1) > 0


def _window(fraction, ticks):
    """(..., ticks) bool: a spike in each of the first round(fraction ticks) ticks."""
    return np.arange(ticks) < np.round(fraction[..., None] * ticks)
