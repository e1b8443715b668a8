r"""SoftmaxHead: what the spiking softmax heads have in common.

A head computes y_i = sum_j p_ij v_j with p_i = softmax over the tokens j that i may attend to of
z_ij = beta q_i.k_j, from spikes that carry q, k and v to spikes that carry y. Every head has the same stages,

    encoding -> products q_ic k_jc, summed into z_ij -> softmax of each row -> products p_ij v_jc, summed into y_ic

and differs in the code in which numbers travel: Bernoulli spike trains (`rate_head`), regular trains and durations
(`duration_head`), or the time of a single spike (`latency_head`). Numbers are signed: each has a channel for + and one
for -, of which one is used at a time (`signed=False`: one channel). A pair (i, j) that the mask leaves out has no
neuron and no synapse.
"""

import numpy as np
import pandas as pd

from circuits.arguments import checked
from circuits.attention.masks import as_mask
from circuits.circuit import Circuit, Neurons
from circuits.errors import require
from circuits.size import Size
from eventsim.stimulus import Stimulus

__all__ = ["SoftmaxHead"]

#: What the channels of a number stand for.
_SIGNS = np.array([1.0, -1.0])


@checked()
class SoftmaxHead(Circuit):
    """Softmax attention heads, from spikes to spikes: n tokens attend to n_keys tokens, by default themselves.

    A subclass wires the stages and says how numbers become spikes and back. It has `_CONTROLS`, its number of source
    neurons that mark phases, and `_head_size(row_sizes, d, d_values, signs, resets)`, the Size of one head
    without sources.

    Parameters
    ----------
    name : str
    n, d : int
        Tokens that attend, and dimensions of their queries.
    n_keys, d_values : int, optional
        Tokens that are attended to, and dimensions of their values; n and d if left out.
    heads : int
        Heads side by side, each with queries, keys and values of its own.
    mask : (n, n_keys) bool array, optional
        Row i marks the tokens that token i attends to; all if left out. See `circuits.attention.masks`.
    signed : bool
        Whether entries may be negative; if not, every number has one channel and a product one neuron.
    beta : float, optional
        Factor of q.k; 1/sqrt(d) if left out.
    limit : float
        Largest magnitude of an entry of q, k and v.
    logit_range : (float, float), optional
        What logits may be; what `limit` allows if left out. A narrow one makes a faster circuit.
    reset : str
        "spikes", "host" or "none": how queries are kept apart (see eventsim.Stimulus).
    token_keys, key_token_keys : (n,), (n_keys,) integer arrays, optional
        Numbers by which the noise knows the tokens: permute them with the tokens. Positions if left out; tokens that
        attend to themselves have one number each.
    dt_ms : float
    """

    def __init__(self, name, n, d, *, n_keys=None, d_values=None, heads=1, mask=None, signed=True, beta=None, limit=1.0,
                 logit_range=None, reset="spikes", token_keys=None, key_token_keys=None, dt_ms=1.0):  # fmt: skip
        n_keys, d_values = n if n_keys is None else n_keys, d if d_values is None else d_values
        sizes = {"n": n, "d": d, "n_keys": n_keys, "d_values": d_values, "heads": heads}
        for what, value in sizes.items():
            whole = isinstance(value, int | np.integer) and value >= 1
            require(whole, f"{name}: {what} is {value!r}; it must be an integer, at least 1")
        require(limit > 0 and np.isfinite(limit), f"{name}: limit is {limit}; it must be positive")
        require(beta is None or np.isfinite(beta), f"{name}: beta is {beta}; it must be finite")
        self.size(n, d, n_keys=n_keys, d_values=d_values, heads=heads, mask=mask, signed=signed,
                  reset=reset).check(name)  # fmt: skip
        super().__init__(name, dt_ms=dt_ms)
        self.n, self.d, self.n_keys, self.d_values, self.heads = n, d, n_keys, d_values, heads
        self.signs = _SIGNS if signed else _SIGNS[:1]
        self.limit, self.reset_by, self.beta = float(limit), reset, 1 / np.sqrt(d) if beta is None else float(beta)
        self.mask, self.given = as_mask(mask, (n, n_keys)), None
        self.row, self.column = np.nonzero(self.mask)  # the pairs that exist, in order of (i, j)
        widest = abs(self.beta) * d * self.limit**2
        self.lowest_logit, self.highest_logit = (-widest, widest) if logit_range is None else map(float, logit_range)
        require(self.lowest_logit < self.highest_logit, f"{name}: logit_range is {logit_range}; give (lowest, highest)")
        self.token_keys = _different_integers(name, "token_keys", token_keys, n)
        itself = token_keys if key_token_keys is None and n_keys == n else key_token_keys
        self.key_token_keys = _different_integers(name, "key_token_keys", itself, n_keys)

    @classmethod
    def size(cls, n, d, *, n_keys=None, d_values=None, heads=1, mask=None, signed=True, reset="spikes", **_):
        """The Size of the head that these arguments of the constructor make."""
        n_keys, d_values = n if n_keys is None else n_keys, d if d_values is None else d_values
        row_sizes = np.full(n, n_keys) if mask is None else as_mask(mask, (n, n_keys)).sum(axis=1)
        signs = 2 if signed else 1
        sources = Size(signs * (n * d + n_keys * (d + d_values)), 0)
        head = cls._head_size(row_sizes, d, d_values, signs, reset == "spikes")
        return heads * (sources + head) + Size(cls._CONTROLS, 0)

    @property
    def n_pairs(self):
        """Pairs (i, j) in which i attends to j, of one head."""
        return self.row.size

    @property
    def logit_reach(self):
        """No logit, and no part of its sum, is larger in magnitude."""
        return max(-self.lowest_logit, self.highest_logit)

    @property
    def input_cut(self):
        """The sources of queries, keys and values."""
        return tuple(self.path_of(sources) for sources in (self.q, self.k, self.v))

    # -- wiring that all codes share

    def _senders(self):
        """Sources of q, k and v: (heads, tokens, dimensions, signs)."""
        shapes = {"q": (self.n, self.d), "k": (self.n_keys, self.d), "v": (self.n_keys, self.d_values)}
        return [self.inputs(name, (self.heads, tokens, d, self.signs.size), token=np.arange(tokens)[:, None, None])
                for name, (tokens, d) in shapes.items()]  # fmt: skip

    def _product_neurons(self, name, model, d, operands):
        """One neuron for each head, pair, dimension and combination of the operands' signs: (heads, pairs, d, ...)."""
        shape = (self.heads, self.n_pairs, d, *(self.signs.size,) * operands)
        return self.neurons(name, shape, model, token=self.row.reshape(-1, *(1,) * (1 + operands)))

    def _join(self, senders, receivers, weight=1.0, **how):
        """Synapses one to one between arrays of neurons that broadcast against each other."""
        pre, post = np.broadcast_arrays(senders.ids, receivers.ids)
        weight = np.broadcast_to(weight, pre.shape).ravel()
        self.one_to_one(Neurons(self, pre), Neurons(self, post), weight, **how)

    def _rows(self, build):
        """One softmax circuit for each head and row.

        `build(n, token_keys)` makes it for a row of n tokens. Its path carries the key of the row's token, by which
        its noise follows the token.

        Returns
        -------
        callable
            Name of a port -> its Neurons of all rows, (heads, pairs) or (heads, n).
        """
        circuits = [build(int(tokens.sum()), self.key_token_keys[tokens]) for tokens in self.mask]
        parts = [[self.use(circuit, f"head_{head}/row_{key}") for circuit, key in zip(circuits, self.token_keys)]
                 for head in range(self.heads)]  # fmt: skip

        def port(name):
            return Neurons(self, np.stack([np.concatenate([getattr(part, name).ids for part in row]) for row in parts]))

        return port

    # -- inputs and answers

    def network(self, stimulus=None):
        """A brian2.Network of the head; the stimulus is that of `given`, if anything was given."""
        return super().network(self.given if stimulus is None else stimulus)

    def stimulus(self, q, k, v, *, seed=0):
        """Spikes for one or several sets of tokens, asked one after the other.

        Parameters
        ----------
        q : (n, d), (heads, n, d) or (queries, heads, n, d) array
        k, v : arrays of such shapes, with n_keys tokens, and d_values dimensions in v
        seed : int
            Seed of a random code; a regular one does not use it.

        Returns
        -------
        eventsim.Stimulus

        Raises
        ------
        CircuitError
            When shapes differ from the head's, an entry is not finite or beyond `limit`, or a logit beyond its range.
        """
        operands = self._operands(q, k, v)
        self._check_logits(*operands[:2])
        ticks, neurons = self._encode(*operands, seed)
        start = np.arange(len(operands[0]), dtype=np.int64) * self.duration_ticks
        windows = np.column_stack([start, start + self.duration_ticks])
        return Stimulus.of(ticks, neurons, windows, reset=self.reset_by)

    def _marks(self, queries, tick, neuron):
        """One spike of a single source at the same tick of each query: ticks, ids."""
        start = np.arange(queries, dtype=np.int64) * self.duration_ticks
        return start + tick, np.full(queries, self.neuron_ids(neuron))

    def _operands(self, q, k, v):
        """q, k and v with all four axes, checked."""
        shapes = {"q": (self.n, self.d), "k": (self.n_keys, self.d), "v": (self.n_keys, self.d_values)}
        operands = [self._as_operand(name, values, (self.heads, *shapes[name]))
                    for name, values in (("q", q), ("k", k), ("v", v))]  # fmt: skip
        queries = [len(operand) for operand in operands]
        require(len(set(queries)) == 1, f"{self.name}: q, k and v hold {queries} queries; give equal numbers")
        return operands

    def _as_operand(self, name, values, shape):
        values = np.asarray(values, dtype=np.float64)
        allowed = {shape, shape[1:]} if self.heads == 1 else {shape}
        fits = values.shape in allowed or (values.ndim == 4 and values.shape[1:] == shape)
        require(fits, f"{self.name}: {name} has shape {values.shape}; expected {shape} or (queries, *{shape})")
        require(np.isfinite(values).all(), f"{self.name}: {name} has an entry that is not finite")
        worst = np.abs(values).max(initial=0.0)
        require(worst <= self.limit, f"{self.name}: {name} has an entry of magnitude {worst:.4g}, beyond the head's "
                                     f"limit {self.limit:g}; scale the input, or raise the limit")  # fmt: skip
        least = values.min(initial=0.0)
        require(self.signs.size == 2 or least >= 0, f"{self.name}: {name} has the entry {least:.4g}; a head that is "
                                                    "not signed takes none below 0")  # fmt: skip
        return values.reshape(-1, *shape)

    def _magnitudes(self, values):
        """(...,) numbers as (..., signs) magnitudes, at most one of them above zero."""
        return np.maximum(values[..., None] * self.signs, 0.0)

    def _check_logits(self, q, k):
        z, reach = self._logits(q, k)[..., self.mask], np.abs(self._logits(np.abs(q), np.abs(k))).max(initial=0.0)
        inside = (z >= self.lowest_logit).all() and (z <= self.highest_logit).all()
        require(inside, f"{self.name}: logits reach from {z.min(initial=0):.4g} to {z.max(initial=0):.4g}, beyond the "
                        f"head's {self.lowest_logit:g} to {self.highest_logit:g}; widen logit_range")  # fmt: skip
        require(reach <= self.logit_reach * (1 + 1e-9), f"{self.name}: the parts of a logit add up to {reach:.4g} in "
                f"magnitude, beyond the head's {self.logit_reach:g}; widen logit_range")  # fmt: skip

    def _logits(self, q, k):
        return self.beta * np.einsum("mhic,mhjc->mhij", q, k)

    def exact(self, q, k, v):
        """Softmax attention in plain numpy: logits, weights (both 0 where masked) and outputs.

        Returns
        -------
        (queries, heads, n, n_keys), (queries, heads, n, n_keys), (queries, heads, n, d_values) arrays
        """
        q, k, v = self._operands(q, k, v)
        z = self._logits(q, k)
        p = self.softmax(z)
        return np.where(self.mask, z, 0.0), p, p @ v

    def softmax(self, logits):
        """Softmax over the last axis of (..., n, n_keys) logits, 0 where masked."""
        z = np.where(self.mask, logits, -np.inf)
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def errors(self, trace, q, k, v):
        """Where the error comes from, stage by stage.

        Each stage is compared with what an exact one would have made of what it was given: the softmax of the logits
        that the spikes stand for, the mixture by the weights that the spikes stand for. "whole" is the output
        against exact attention.

        Returns
        -------
        DataFrame
            Columns stage, rmse, scale (root mean square of what was to be represented).
        """
        exact_z, exact_p, exact_y = self.exact(q, k, v)
        values = self._operands(q, k, v)[2]
        z, p, y = self.decode_logits(trace), self.decode_weights(trace), self.decode(trace)
        there = np.broadcast_to(self.mask, z.shape)
        stages = {
            "logits": (z[there], exact_z[there]), "softmax": (p[there], self.softmax(z)[there]),
            "values": (y, p @ values),
            "weights, whole": (p[there], exact_p[there]),
            "whole": (y, exact_y),
        }  # fmt: skip
        rows = [(stage, _rms(got - due), _rms(due)) for stage, (got, due) in stages.items()]
        return pd.DataFrame(rows, columns=["stage", "rmse", "scale"])

    def _by_pair(self, counts):
        """(queries, heads, pairs) as (queries, heads, n, n_keys), 0 where masked."""
        full = np.zeros((*counts.shape[:2], self.n, self.n_keys))
        full[..., self.row, self.column] = counts
        return full


def _different_integers(name, what, values, size):
    values = np.arange(size) if values is None else np.asarray(values)
    fits = values.shape == (size,) and np.issubdtype(values.dtype, np.integer) and np.unique(values).size == size
    require(fits, f"{name}: {what} must be {size} different integers, one for each token")
    return values


def _rms(values):
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else 0.0
