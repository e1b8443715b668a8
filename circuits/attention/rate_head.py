"""RateHead: softmax attention in the rates of random spike trains; the error falls as 1/sqrt(ticks)."""

import zlib

import numpy as np

from circuits.arguments import checked
from circuits.attention.counting_head import THROUGH_A_GATE, CountingHead
from circuits.circuit import Phases
from circuits.neurons import Gate
from circuits.softmax import escape_inhibition
from eventsim.philox import uniform_array

__all__ = ["RateHead"]

#: What the draws of the input's spike trains are for; their keys are no neuron's.
_PURPOSE_INPUT = 1


@checked()
class RateHead(CountingHead):
    r"""A softmax head in which every number is the rate of a Bernoulli spike train.

    While encoding, for `ticks` ticks, the source of q_ic in its sign's channel fires with probability |q_ic| per tick
    (at most 1), that of k_jc likewise; so their coincidence neuron fires with probability |q_ic k_jc|, and u_ij gains
    z_ij on average. `escape_inhibition` then picks token j with probability p_ij, again and again. Meanwhile the
    sources of v_jc fire with probability |v_jc|; a coincidence with a weight spike of (i, j) makes output (i, c) fire
    in the channel of the sign. Neuron `total` of row i counts its weight spikes: y_ic = (plus - minus)/total.

    The errors are those of sampling: variance at most beta^2 d/ticks of a logit, (1 - sum p^2)/K of the weights, at
    most 1/K of the mixture, K being near `ticks` too; so the root mean square error falls as 1/sqrt(ticks).

    Parameters
    ----------
    n, d : int
    ticks : int
        Ticks of encoding, and spikes wanted of each row's pool.
    rate_per_tick, inhibition : float
        Of the pools; see `circuits.softmax.escape_inhibition`.
    seed : int
        Of the pools' noise.
    **shape
        Further arguments of SoftmaxHead.
    """

    _SOFTMAX = staticmethod(escape_inhibition)

    def __init__(self, n, d, *, ticks=256, rate_per_tick=0.25, inhibition=0.5, seed=0, **shape):
        super().__init__("rate_head", n, d, ticks=ticks, rate_per_tick=rate_per_tick, inhibition=inhibition, **shape)
        flush_ticks = self._drain_ticks + THROUGH_A_GATE
        port = self._wire_pools(flush_ticks, seed=seed)
        self._wire_logits()
        self._wire_values(self.weights, Gate())
        self._begin_with(self.pool, port("relay"))
        self.phases = Phases(self._opening, self._active_ticks, flush_ticks)

    def _encode(self, q, k, v, seed):
        trains = [
            self._trains(self.q, q, self.token_keys, 0, self.ticks, seed),
            self._trains(self.k, k, self.key_token_keys, 0, self.ticks, seed),
            self._trains(self.v, v, self.key_token_keys, self._opening, self.duration_ticks - 1, seed),
        ]
        return (np.concatenate(columns) for columns in zip(*trains, *self._phase_marks(len(q))))

    def _trains(self, sources, values, tokens, first, stop, seed):
        """Bernoulli trains of the magnitudes of `values` in the ticks first to stop - 1 of each query."""
        queries, heads, _, d = values.shape
        key_lo, name = tokens[:, None] * d + np.arange(d), self.path_of(sources)
        key_hi = np.array([zlib.crc32(f"{name}/{head}".encode()) for head in range(heads)])[:, None, None]
        ticks, ids = [], []
        for m in range(queries):  # one query at a time bounds the memory
            start = m * self.duration_ticks
            tick = start + np.arange(first, stop)[:, None, None, None]
            drawn = uniform_array(key_lo, key_hi, tick, _PURPOSE_INPUT, seed)
            at, *where = np.nonzero(drawn[..., None] < self._magnitudes(values[m]))
            ticks.append(start + first + at)
            ids.append(self.neuron_ids(sources)[tuple(where)])
        return np.concatenate(ticks), np.concatenate(ids)
