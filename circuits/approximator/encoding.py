"""Magnitudes of 0 to 1 as spikes of a source: a burst and a regular train, or random trains keyed by the token."""

import zlib

import numpy as np

from eventsim.philox import uniform_array

__all__ = ["CODES", "random_trains", "regular_trains", "windows"]

#: "regular": a burst and a regular train, without chance. "random": Bernoulli trains of the same rate for both.
CODES = ("regular", "random")

#: What the draws of input spikes are for; their keys are no neuron's.
_PURPOSE_INPUT = 2


def regular_trains(x, ticks):
    """(..., ticks) bool: after t ticks, floor(x t + 1/2) spikes."""
    return np.diff(np.floor(x[..., None] * np.arange(ticks + 1) + 0.5), axis=-1) > 0


def windows(x, ticks):
    """(..., ticks) bool: a spike in each of the first round(x ticks) ticks."""
    return np.arange(ticks) < np.round(x[..., None] * ticks)


def random_trains(x, ticks, name, token_keys, input_id, seed):
    """(queries, n, d, signs, ticks) bool: a spike with probability x per tick, drawn by token, dimension and input.

    Parameters
    ----------
    x : (queries, n, d, signs) array
    ticks : int
    name : str
        Whose trains they are; others have other draws.
    token_keys : (queries, n) integers
    input_id : (queries,) integers
    seed : int
    """
    d = x.shape[2]
    key = token_keys[..., None] * d + np.arange(d)
    step = input_id[:, None, None, None] * ticks + np.arange(ticks)
    drawn = uniform_array(key[..., None], np.int64(zlib.crc32(name.encode())), step, _PURPOSE_INPUT, seed)
    return drawn[..., None, :] < x[..., None]
