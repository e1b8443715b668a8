"""From real numbers to TrueNorth's: a scale for each neuron, four weights for it, and axons repeated by type.

What reaches a neuron is a sum over axons of the weight that the neuron has for the axon's type. Where a neuron's
synapses have at most four different weights, each is a type of its own. Else a weight is written in digits, 0 to B - 1,

    w = u (a + B b + B^2 c - B^3 d)        of both signs, d being 0 or 1;     w = +-u (a + B b + B^2 c + B^3 d)  of one

so the types weigh u, B u, B^2 u and -+B^3 u, and an axon of a type is repeated up to B - 1 times.
"""

from dataclasses import dataclass

import numpy as np

from hardware_models.integers.truenorth.neuron import LARGEST, LARGEST_LEAK, LARGEST_THRESHOLD, N_TYPES, TrueNorthCells

__all__ = ["Weighed", "too_large", "weigh", "weigh_chances"]

_LARGEST_WEIGHT = 255


@dataclass(frozen=True, eq=False)
class Weighed:
    """A population in TrueNorth's integers.

    Parameters
    ----------
    cells : TrueNorthCells
    scale : (n,) float64
        Of the network's units, how many of the chip's make one.
    repeats : (m, 4) int64
        Axons of each type that make up the weight of each synapse.
    made : (m,) float64
        The weights that they make, in the network's units.
    threshold, bias : (n,) float64
        As the chip has them, in the network's units.
    """

    cells: TrueNorthCells
    scale: np.ndarray
    repeats: np.ndarray
    made: np.ndarray
    threshold: np.ndarray
    bias: np.ndarray


def weigh(cells, post, value, repeats):
    """A population in TrueNorth's integers.

    Parameters
    ----------
    cells : LinearCells
    post : (m,) int
        Receiving neuron of each synapse, counted within the population.
    value : (m,) float64
        What it adds.
    repeats : int
        How often an axon type may be repeated for one synapse.

    Returns
    -------
    Weighed
    """
    kind = _kinds(post, value)
    if kind is None:
        digits = _Digits(value, repeats + 1)
        coarse = _scale(cells, post, value, digits.least, digits.most)
        unit = np.clip(_room(cells, coarse), 1, _LARGEST_WEIGHT // digits.base**3)
        whole = np.clip(np.round(value * coarse[post]), digits.least, digits.most)
        return _weighed(cells, coarse * unit, unit[:, None] * digits.types, digits.of(whole), whole / coarse[post])
    scale = _scale(cells, post, value, -_LARGEST_WEIGHT - 1, _LARGEST_WEIGHT)
    whole, there = np.round(value * scale[post]), value != 0
    weights = np.zeros((scale.size, N_TYPES))
    weights[post[there], kind[there]] = whole[there]
    return _weighed(cells, scale, weights, np.eye(N_TYPES, dtype=np.int64)[kind] * (whole != 0)[:, None],
                    whole / scale[post])  # fmt: skip


def _weighed(cells, scale, weights, repeats, made):
    alpha, leak, reached = _threshold(cells, scale)
    gate = cells.keep_v == 0
    on_chip = TrueNorthCells(
        scale.size, weights, alpha, negative_threshold=np.where(gate, 0, LARGEST_THRESHOLD), leak=leak,
        reset="value" if cells.drop is None else "subtract", start=_start(cells, scale, reached),
    )  # fmt: skip
    bias = np.where(gate, cells.bias, leak / scale)
    return Weighed(on_chip, scale, repeats, made, np.where(gate, reached / scale + bias, reached / scale), bias)


def _kinds(post, value):
    """(m,) int64: a type for each synapse, one per weight; None where a neuron has more than four weights."""
    there = value != 0
    distinct, place = np.unique(-value[there], return_inverse=True)  # what excites is of the first types
    kind = np.zeros(value.size, dtype=np.int64)
    if distinct.size > N_TYPES:
        pairs, place = np.unique(post[there] * np.int64(distinct.size) + place, return_inverse=True)
        neuron = pairs // distinct.size
        rank = np.arange(pairs.size) - np.searchsorted(neuron, neuron)
        if rank.max() >= N_TYPES:
            return None
        place = rank[place]
    kind[there] = place
    return kind


def weigh_chances(gates, value):
    """ChanceGates in TrueNorth's integers: calls through a stochastic type, what holds a gate through another.

    Parameters
    ----------
    gates : ChanceGates
    value : (m,) float64
        What each synapse adds: above 0 a call, below 0 it holds.

    Returns
    -------
    Weighed
        Its bias is how far each chance is off, relative.
    """
    n, kind = gates.chance.size, np.where(value > 0, 0, 1)
    weights = np.zeros((n, N_TYPES))
    weights[:, 0] = np.clip(np.round(256 * gates.chance), 1, _LARGEST_WEIGHT)
    weights[:, 1] = -_LARGEST_WEIGHT - 1
    on_chip = TrueNorthCells(
        n, weights, 1, negative_threshold=LARGEST_THRESHOLD, stochastic=(True, False, False, False),
        start=np.where(gates.held, -LARGEST_THRESHOLD, 0),
    )  # fmt: skip
    repeats = np.eye(N_TYPES, dtype=np.int64)[kind] * (value != 0)[:, None]
    return Weighed(on_chip, np.full(n, 256.0), repeats, value, gates.threshold, weights[:, 0] / 256 / gates.chance - 1)


class _Digits:
    """Whole numbers as digits of a base, the last with the sign of a list of both signs."""

    def __init__(self, value, base):
        self.base, self.mixed = base, (value > 0).any() and (value < 0).any()
        self.sign = -1.0 if (value <= 0).all() else 1.0
        powers = float(base) ** np.arange(N_TYPES)
        self.types = self.sign * powers * np.where(np.arange(N_TYPES) == 3, -1.0 if self.mixed else 1.0, 1.0)
        self.most = base**3 - 1 if self.mixed else min(base**4 - 1, base * _LARGEST_WEIGHT)
        self.least = -(base**3) if self.mixed else -self.most

    def of(self, whole):
        """(m, 4) int64: how many axons of each type make up (m,) whole numbers."""
        below = self.mixed & (whole < 0)
        rest = np.where(below, whole + self.base**3, np.abs(whole)).astype(np.int64)
        digits = rest[:, None] // self.base ** np.arange(N_TYPES) % self.base
        digits[:, 3] += below
        return digits


def _scale(cells, post, value, least, most):
    """(n,) float64: for each neuron the scale of the least error, at which its largest weight of a sign is whole."""
    peaks, unit = _peaks_and_unit(cells, post, value)
    power, free = np.bincount(post, value**2, unit.size), peaks.max(axis=0) == 0
    best, lowest = 1.0 / unit, np.full(unit.size, np.inf)
    for peak, top in zip(peaks, (most, -least), strict=True):
        base = np.where(free, unit, np.where(peak > 0, peak, np.inf))
        for largest in range(1, int(top) + 1):
            scale = largest / base
            inside = (peaks[0] * scale < most + 0.5) & (peaks[1] * scale < 0.5 - least) & (scale > 0)
            error = np.where(inside & (_room(cells, scale) >= 1), _error(cells, post, value, power, scale), np.inf)
            better = error < lowest * (1.0 - 1e-9) - 1e-18
            best[better], lowest[better] = scale[better], error[better]
    return best


def _peaks_and_unit(cells, post, value):
    """(2, n) float64: each neuron's largest weight above 0 and below; (n,) float64: the most that 1 can stand for.

    That is the larger of the two; the drive, or the threshold, of a neuron without weights.
    """
    peaks = np.zeros((2, cells.threshold.size))
    for peak, sign in zip(peaks, (1.0, -1.0), strict=True):
        np.maximum.at(peak, post, sign * value)
    other = np.where(cells.bias != 0, np.abs(cells.bias), np.where(cells.threshold != 0, np.abs(cells.threshold), 1.0))
    return peaks, np.where(peaks.max(axis=0) == 0, other, peaks.max(axis=0))


def too_large(cells, post, value):
    """What no scale brings into the chip's range, of neurons whose largest weight must be 1 or more there.

    Parameters
    ----------
    cells : LinearCells
    post : (m,) int
        Receiving neuron of each synapse, counted within the population.
    value : (m,) float64

    Yields
    ------
    what : str
    neuron : int
        The one of which it is the furthest out of range.
    amount, unit : float
        In the network's units, and what is 1 on the chip at the least.
    most : int
        So many units are allowed.
    """
    unit, gate = _peaks_and_unit(cells, post, value)[1], cells.keep_v == 0
    for what, amount, most in (
        ("threshold", np.where(gate, 0.0, np.abs(cells.threshold)), LARGEST_THRESHOLD),
        ("threshold", np.where(gate, np.abs(_wanted(cells)), 0.0), LARGEST_LEAK),
        ("drive", np.where(gate, 0.0, np.abs(cells.bias)), LARGEST_LEAK),
        ("start value", np.where(gate, 0.0, np.abs(cells.start)), LARGEST),
    ):
        neuron = int(np.argmax(amount / unit))
        if amount[neuron] > most * unit[neuron] * (1.0 + 1e-9):
            yield what, neuron, amount[neuron], unit[neuron], most


def _error(cells, post, value, power, scale):
    """(n,) float64: squared relative errors of weights, threshold and bias."""
    off = np.bincount(post, (np.round(value * scale[post]) - value * scale[post]) ** 2, scale.size)
    weights = off / np.where((power > 0) & (scale > 0), power * scale**2, 1.0)
    return weights + _threshold_error(cells, scale, weights < 1e-18) + _bias_error(cells, scale)


def _room(cells, scale):
    """(n,) float64: by what a scale could be multiplied before threshold, start or leak are out of range."""
    high = np.where(cells.keep_v == 0, np.abs(_wanted(cells)) / LARGEST_LEAK, cells.threshold / LARGEST_THRESHOLD)
    high = np.maximum(high, np.where(cells.keep_v == 0, 0.0, np.abs(cells.bias) / LARGEST_LEAK))
    high = np.maximum(high, np.abs(cells.start) / LARGEST)
    with np.errstate(divide="ignore"):
        return np.floor(1.0 / (high * scale) * (1.0 + 1e-9))


def _wanted(cells):
    """(n,) float64: what a sum, or a potential, must reach; a gate's bias is part of it."""
    return cells.threshold - np.where(cells.keep_v == 0, cells.bias, 0.0)


def _threshold(cells, scale):
    """(alpha, leak, the least whole number that makes a neuron fire), each (n,) float64.

    A gate's potential is 0 when a tick begins. Its leak is 1 less what its sum must reach, and alpha is 1: a sum that
    reaches it fires, and any other is cut off at 0.
    """
    exact = _wanted(cells) * scale
    if cells.drop is not None:
        return (alpha := np.maximum(np.round(exact), 1.0)), np.round(cells.bias * scale), alpha
    near = np.round(exact)
    whole = np.abs(exact - near) < 1e-9 * np.maximum(np.abs(exact), 1.0)
    reached = np.where(whole, near + cells.strict, np.ceil(exact))
    gate = cells.keep_v == 0
    return np.where(gate, 1.0, reached), np.where(gate, 1.0 - reached, np.round(cells.bias * scale)), reached


def _threshold_error(cells, scale, exact):
    """Squared relative error; sums of whole weights that are exact decide as in the network, whatever lies between."""
    wanted = _wanted(cells) * scale
    steady = exact & (np.round(cells.bias * scale) == cells.bias * scale) & (cells.drop is None)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(wanted == 0, 0.0, _threshold(cells, scale)[2] / wanted - 1.0)
    return np.where(steady, 0.0, off**2)


def _bias_error(cells, scale):
    there = (cells.bias != 0) & (cells.keep_v != 0)
    exact = np.where(there & (scale > 0), cells.bias * scale, 1.0)
    return np.where(there, (np.round(exact) / exact - 1.0) ** 2, 0.0)


def _start(cells, scale, reached):
    """(n,) float64: a gate that begins above its threshold begins where its leak leaves it at 1."""
    fires = cells.start > cells.threshold if cells.strict else cells.start >= cells.threshold
    return np.where(cells.keep_v == 0, np.where(fires & (cells.start != 0), reached, 0.0),
                    np.clip(np.round(cells.start * scale), -LARGEST_THRESHOLD, LARGEST))  # fmt: skip
