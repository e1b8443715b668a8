"""Philox4x32-10: a stateless random number for every (key, step, purpose, seed).

Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11 (2011),
doi:10.1145/2063384.2063405: multipliers and Weyl increments from section 3.3 and table 2. Each round maps

    (c0, c1, c2, c3) -> (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0))

and raises the key by (W0, W1). The key is the neuron's (key_lo, key_hi); the counter is (step, step >> 32,
purpose, seed). One draw per neuron and step, whatever the number of threads or the order of processing.
"""

import math

import numpy as np
from numba import njit

from eventsim.code_cache import cached_njit
from eventsim.machine import use_wide_vectors
from eventsim.outline import outlined

__all__ = [
    "LARGEST_MEAN",
    "LEAST_LOG_OF_ALL",
    "STEPS_AT_ONCE",
    "binomial",
    "binomial_array",
    "least_logs",
    "normal",
    "normal_array",
    "philox4x32",
    "uniform",
    "uniform_array",
]

#: Of a binomial draw: beyond, the chance of no success at all, (1 - p)^n, underflows.
LARGEST_MEAN = 500

#: Steps for which `least_logs` draws.
STEPS_AT_ONCE = 4

_LOG_2, _SLACK = math.log(2.0), 1e-3  # what rounding in 24 bits may take away is far less
#: Below the logarithm of every uniform number: the smallest is 2^-54.
LEAST_LOG_OF_ALL = -54 * _LOG_2 - _SLACK
_LOG_OF_BIT = np.float32(2.0**-23 * _LOG_2)  # of a float of 32 bits, whose bits are those of a whole number
_LOG_OF_ZERO = np.float32(-(127 + 27) * _LOG_2 - _SLACK)

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_MASK, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_ROUNDS = 10


def philox4x32(c0, c1, c2, c3, k0, k1, rounds=_ROUNDS):
    """The four output words of one block.

    Parameters
    ----------
    c0, c1, c2, c3, k0, k1 : uint64 scalars or arrays that broadcast, each below 2**32
        Counter and key.
    rounds : int
        Fewer leave the words as they are then.

    Returns
    -------
    tuple of four uint64, each below 2**32
    """
    for _ in range(rounds):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _MASK, (p0 >> _HALF) ^ c3 ^ k1, p0 & _MASK
        k0, k1 = (k0 + _W0) & _MASK, (k1 + _W1) & _MASK
    return c0, c1, c2, c3


_block = njit(inline="always")(philox4x32)


def _word(values):
    return np.asarray(values).astype(np.int64).astype(np.uint64) & _MASK


def uniform_array(key_lo, key_hi, step, purpose, seed):
    """Uniform numbers in (0, 1), for integer arrays that broadcast; equal bit for bit to `uniform`.

    Returns
    -------
    float64 array : (m + 1/2) / 2**53 with m the upper 27 and 26 bits of the block's first two words.
    """
    step = np.asarray(step).astype(np.int64)
    words = philox4x32(_word(step), _word(step >> 32), _word(purpose), _word(seed), _word(key_lo), _word(key_hi))
    high, low = words[0] >> np.uint64(5), words[1] >> np.uint64(6)
    return (high * 67108864.0 + low + 0.5) * 2.0**-53


def normal_array(key_lo, key_hi, step, purpose, seed):
    """Standard normal numbers, by Box and Muller from the block's first and last two words (Ann. Math. Stat. 29 (1958)
    610); equal to `normal` up to the last bits of log, sqrt and cos."""
    step = np.asarray(step).astype(np.int64)
    words = philox4x32(_word(step), _word(step >> 32), _word(purpose), _word(seed), _word(key_lo), _word(key_hi))
    first, second = ((words[k] >> np.uint64(5)) * 67108864.0 + (words[k + 1] >> np.uint64(6)) + 0.5 for k in (0, 2))
    return np.sqrt(-2.0 * np.log(first * 2.0**-53)) * np.cos(2.0 * np.pi * (second * 2.0**-53))


@njit
def normal(key_lo, key_hi, step, purpose, seed):
    """One standard normal number; see `normal_array`, and `uniform` for the arguments."""
    w0, w1, w2, w3 = _block(
        np.uint64(step) & _MASK, np.uint64(step) >> _HALF, np.uint64(purpose) & _MASK, np.uint64(seed) & _MASK,
        np.uint64(key_lo) & _MASK, np.uint64(key_hi) & _MASK,
    )  # fmt: skip
    first = np.float64(w0 >> np.uint64(5)) * 67108864.0 + np.float64(w1 >> np.uint64(6)) + 0.5
    second = np.float64(w2 >> np.uint64(5)) * 67108864.0 + np.float64(w3 >> np.uint64(6)) + 0.5
    return math.sqrt(-2.0 * math.log(first * 2.0**-53)) * math.cos(2.0 * math.pi * (second * 2.0**-53))


@njit
def uniform(key_lo, key_hi, step, purpose, seed):
    """One uniform number in (0, 1); arguments are integers of any width, of which the low 32 bits count
    (64 for `step`)."""
    w0, w1, _, _ = _block(
        np.uint64(step) & _MASK, np.uint64(step) >> _HALF, np.uint64(purpose) & _MASK, np.uint64(seed) & _MASK,
        np.uint64(key_lo) & _MASK, np.uint64(key_hi) & _MASK,
    )  # fmt: skip
    high, low = w0 >> np.uint64(5), w1 >> np.uint64(6)
    return (np.float64(high) * 67108864.0 + np.float64(low) + 0.5) * 2.0**-53


@njit(inline="always")
def _first_word(c0, c1, c2, c3, k0, k1):
    """The first word of a block, in the lower half; what is above it is left there. Of a product whose lower half alone
    is asked for LLVM makes another multiplication, which takes three times as long.
    """
    c0, c1, c2, c3 = _block(c0, c1, c2, c3, k0, k1, _ROUNDS - 2)
    product, k1 = _M1 * c2, (k1 + np.uint64(_ROUNDS - 2) * _W1) & _MASK
    c2 = ((_M0 * c0) >> _HALF) ^ c3 ^ k1
    return ((_M1 * c2) >> _HALF) ^ product ^ (k0 + np.uint64(_ROUNDS - 1) * _W0)


@outlined
@cached_njit(error_model="numpy")
def least_logs(key_lo, key_hi, step, purpose, seed, least):
    """Lower bounds of the logarithms of uniform numbers, those of STEPS_AT_ONCE steps.

    Blocks are all vector arithmetic, several neurons at once, as long as they are no calls: see `_block`. Those of one
    neuron share the keys of every round. Between two powers of two the bits of a float, as a number, rise linearly: a
    chord of the logarithm, which lies above it.

    Parameters
    ----------
    key_lo, key_hi : (n,) int32
    step : int
        The first of them.
    purpose, seed : int
    least : (STEPS_AT_ONCE * n,) float32
        Filled, step by step.
    """
    use_wide_vectors()
    c2, c3 = np.uint64(purpose) & _MASK, np.uint64(seed) & _MASK
    s0, s1, s2, s3 = np.uint64(step), np.uint64(step + 1), np.uint64(step + 2), np.uint64(step + 3)
    n = key_lo.size
    words = np.empty(least.size, dtype=np.uint64)
    w0, w1, w2, w3 = words[:n], words[n : 2 * n], words[2 * n : 3 * n], words[3 * n :]
    for i in range(n):
        k0, k1 = np.uint64(key_lo[i]) & _MASK, np.uint64(key_hi[i]) & _MASK
        w0[i] = _first_word(s0 & _MASK, s0 >> _HALF, c2, c3, k0, k1)
        w1[i] = _first_word(s1 & _MASK, s1 >> _HALF, c2, c3, k0, k1)
        w2[i] = _first_word(s2 & _MASK, s2 >> _HALF, c2, c3, k0, k1)
        w3[i] = _first_word(s3 & _MASK, s3 >> _HALF, c2, c3, k0, k1)
    for i in range(least.size):
        upper = np.float32(np.int32(np.uint32(words[i]) >> np.uint32(5)))  # u = 2^-27 upper, or a little above
        least[i] = np.float32(upper.view(np.int32)) * _LOG_OF_BIT + _LOG_OF_ZERO


@njit
def binomial(key_lo, key_hi, step, purpose, seed, n, p):
    """Successes among n trials of chance p, by inversion of the distribution: the smallest k with F(k) >= u.

    F is summed up term by term, p(k + 1) = p(k) (n - k)/(k + 1) p/(1 - p), from the side on which successes are rare;
    n p may be at most LARGEST_MEAN.
    """
    rest = uniform(key_lo, key_hi, step, purpose, seed)
    rare = min(p, 1.0 - p)
    odds = rare / (1.0 - rare)
    mass = math.exp(n * math.log1p(-rare))
    k = 0
    while rest > mass and k < n:
        rest -= mass
        mass *= odds * (n - k) / (k + 1)
        k += 1
    return k if p <= 0.5 else n - k


def binomial_array(key_lo, key_hi, step, purpose, seed, n, p):
    """`binomial` for integer arrays of keys and steps that broadcast; int64."""
    key_lo, key_hi, step = np.broadcast_arrays(key_lo, key_hi, step)
    draws = [binomial(a, b, s, purpose, seed, n, p) for a, b, s in zip(key_lo.flat, key_hi.flat, step.flat)]
    return np.array(draws, dtype=np.int64).reshape(step.shape)
