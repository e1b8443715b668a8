"""CountingHead: what softmax heads have in common whose numbers are counts of spikes."""

import numpy as np

from circuits.arguments import checked
from circuits.attention.softmax_head import SoftmaxHead
from circuits.decoder import ShareDecoder
from circuits.errors import require
from circuits.neurons import Gate, Source
from circuits.readout import spike_counts
from circuits.size import Size
from circuits.softmax import SILENCE

__all__ = ["THROUGH_A_GATE", "CountingHead"]

#: Source neurons that mark a query's phases.
_BEGIN, _OPEN, _CLOSE = range(3)

#: Ticks from a sender's spike through a coincidence neuron to what it adds to.
THROUGH_A_GATE = 2


@checked()
class CountingHead(SoftmaxHead):
    r"""A softmax head in which a product is a count of coincidences.

    A subclass names its softmax circuit in `_SOFTMAX`.

    A coincidence neuron (AND) for each pair (i, j), dimension and combination of signs sees the spikes of q_ic and
    k_jc for `ticks` ticks; each of its spikes adds +-beta/ticks to u_ij of row i's softmax pool, which is held silent.
    The spike of `open` lifts the silence, that of `close` ends it.

    Parameters
    ----------
    name : str
    n, d : int
    ticks : int
        Ticks of encoding, and spikes wanted of each row's pool.
    rate_per_tick, inhibition : float
        Of the pools, which so have ticks/rate_per_tick ticks.
    **shape
        Further arguments of SoftmaxHead.
    """

    def __init__(self, name, n, d, *, ticks, rate_per_tick, inhibition, **shape):
        require(ticks >= 1, f"{name}: ticks is {ticks}; it must be at least 1")
        require(rate_per_tick > 0, f"{name}: rate_per_tick is {rate_per_tick}; it must be positive")
        require("limit" not in shape, f"{name}: limit is always 1, one spike per tick; scale the input")
        super().__init__(name, n, d, **shape)
        self.ticks, self.rate_per_tick, self.inhibition = int(ticks), rate_per_tick, inhibition
        self.control = self.neurons("control", self._CONTROLS, Source())
        self.q, self.k, self.v = self._senders()

    _CONTROLS = 3

    @classmethod
    def _head_size(cls, row_sizes, d, d_values, signs, resets):
        n, pairs, products, mixed = row_sizes.size, int(row_sizes.sum()), signs**2 * d, signs * d_values
        own = Size(pairs * (products + mixed) + n * (mixed + 1), 3 * pairs * (products + mixed + 1))
        restored = Size(0, pairs + n) if resets else Size(0, 0)  # the pools and their relays
        return sum((cls._SOFTMAX.size(int(k), rate_per_tick=1, inhibition=1) for k in row_sizes), own + restored)

    @property
    def _opening(self):
        """Tick within a query at which `open` fires: the last coincidence has arrived."""
        return self.ticks + THROUGH_A_GATE

    @property
    def _active_ticks(self):
        return int(np.ceil(self.ticks / self.rate_per_tick))

    @property
    def _drain_ticks(self):
        """Ticks from the last spike of the largest pool until its circuit is through with it."""
        largest = self._SOFTMAX(self.n_keys, rate_per_tick=self.rate_per_tick, inhibition=self.inhibition)
        return largest.phases.flush_ticks

    def _wire_pools(self, idle_ticks, **noise):
        """The softmax circuits of all rows.

        While they are silent, `idle_ticks` at the end of a query and the encoding at its start, u drifts upwards.

        Returns
        -------
        callable
            Name of a port -> its Neurons of all rows.
        """
        silence, drift = SILENCE + 2 * self.logit_reach, self.inhibition * self.rate_per_tick
        start = self.highest_logit + np.log(self.mask.sum(axis=1).max())  # at least log sum exp z
        u_start = -start - silence - drift * (self._opening + 1)

        def row(n, token_keys):
            return self._SOFTMAX(n, rate_per_tick=self.rate_per_tick, inhibition=self.inhibition, u_start=u_start,
                                 token_keys=token_keys, dt_ms=self.dt_ms, **noise)  # fmt: skip

        port = self._rows(row)
        self.pool, self.weights = port("pool"), port("weights")
        self.connect(self.control[_OPEN], self.pool, silence, receptor="u")
        self.connect(self.control[_CLOSE], self.pool, -silence - drift * idle_ticks, receptor="u")
        return port

    def _wire_logits(self):
        self.products = self._product_neurons("product", Gate(1.5), self.d, 2)
        self._join(self.q[:, self.row, :, :, None], self.products)
        self._join(self.k[:, self.column, :, None, :], self.products)
        self._logit_per_spike = self.beta / self.ticks * np.multiply.outer(self.signs, self.signs)
        self._join(self.products, self.pool[:, :, None, None, None], self._logit_per_spike, receptor="u")

    def _wire_values(self, counters, model):
        """Coincidences of `counters` (heads, pairs) with the spikes of v; outputs and totals are neurons of `model`."""
        mixed = self._product_neurons("mixed", Gate(1.5), self.d_values, 1)
        self._join(counters[:, :, None, None], mixed)
        self._join(self.v[:, self.column], mixed)
        token, shape = np.arange(self.n), (self.heads, self.n, self.d_values, self.signs.size)
        self.outputs = self.neurons("output", shape, model, token=token[:, None, None])
        self.totals = self.neurons("total", shape[:2], model, token=token)
        self._join(mixed, self.outputs[:, self.row])
        self._join(self.weights, self.totals[:, self.row])

    def _begin_with(self, *populations):
        """Return these to their start at the first tick of each query, if spikes are to do that."""
        if self.reset_by == "spikes":
            for neurons in populations:
                self.reset(self.control[_BEGIN], neurons)

    def _phase_marks(self, queries):
        """Spikes of the control neurons that every counting head has."""
        at = {_OPEN: self._opening, _CLOSE: self._opening + self._active_ticks}
        at |= {_BEGIN: 0} if self.reset_by == "spikes" else {}
        return [self._marks(queries, tick, self.control[which]) for which, tick in at.items()]

    def decode_logits(self, trace):
        """Logits as the coincidences have them: (queries, heads, n, n_keys)."""
        counts = spike_counts(self, trace, self.products)
        return self._by_pair((counts * self._logit_per_spike).sum(axis=(-3, -2, -1)))

    def decode_weights(self, trace):
        """Shares of the weight spikes in each row: (queries, heads, n, n_keys)."""
        counts = self._by_pair(spike_counts(self, trace, self.weights))
        return counts / counts.sum(axis=-1, keepdims=True)

    def decode(self, trace):
        """The outputs: (queries, heads, n, d_values); NaN in a row without any weight spike."""
        return self.decoder.decode(trace).reshape(-1, self.heads, self.n, self.d_values)

    @property
    def decoder(self):
        """How `decode` reads the outputs."""
        return ShareDecoder(self.path_of(self.outputs), self.path_of(self.totals), self.heads * self.n,
                            tuple(self.signs.tolist()))  # fmt: skip

    @property
    def cuts(self):
        """Where all that the outputs say has to pass: the inputs, and the outputs themselves."""
        return self.input_cut, (self.path_of(self.outputs), self.path_of(self.totals))
