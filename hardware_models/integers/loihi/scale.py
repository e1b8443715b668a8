"""From real numbers to Loihi's: one scale for each population, one exponent for each pathway.

All that a population adds up shares one unit, 1/scale. The larger the scale, the finer potentials and thresholds, until
the threshold's 17 bits, a weight's 21, a bias's 19, or the accumulator are used up. Within that octave weights may or
may not fall on mantissas: powers of two, and the scales at which the largest weight is a mantissa, are tried.
"""

import numpy as np

from hardware_models.integers.loihi.arithmetic import (
    ACCUMULATOR_BITS,
    BIAS_LARGEST,
    DECAY_ONE,
    SIGNS,
    STATE_BITS,
    THRESHOLD_LARGEST,
    UNIT,
    actual_weight,
    bias_of,
    lost_bits,
    sign_of,
)

__all__ = ["best_scale", "encode", "said", "threshold_of"]

#: What the largest mantissa makes at the largest exponent, 7.
_WEIGHT_SAID = SIGNS["excitatory"][1] * UNIT * 2**7
_MANTISSAS = range(128, 256)  # of the largest weight: one octave

#: Resolution that is worth a possible overflow when every input fires at once: a full mantissa for the largest weight,
#: 512 steps to the threshold.
_STEPS_OF_WEIGHT, _STEPS_OF_THRESHOLD = 256 * UNIT, 512 * UNIT

_SAMPLED = 4096  # distinct weights by which scales are compared


def encode(values, scale, bits):
    """The nearest weights that one exponent can say.

    Parameters
    ----------
    values : (n,) float64
        In the network's units.
    scale : float
    bits : int
        Weight bits, 1 to 8.

    Returns
    -------
    weight : (n,) float64
        Whole numbers, see `actual_weight`.
    exponent : int
        0 to 7; those below 0 only lose bits.
    sign : str
        One of `hardware_models.integers.loihi.arithmetic.SIGNS`.
    """
    sign, exact = sign_of(values), np.asarray(values) * scale
    low, high, step = said(sign, bits)

    def nearest(exponent):
        mantissa = np.clip(np.round(exact / (2.0 ** (6 + exponent) * step)) * step, low, high)
        return actual_weight(mantissa, exponent, sign, bits)

    distance = [np.sum((nearest(exponent) - exact) ** 2) for exponent in range(8)]
    exponent = int(np.argmin(distance))
    return nearest(exponent), exponent, sign


def said(sign, bits):
    """(lowest, highest, step) of the mantissas that a format says."""
    step = 2.0 ** lost_bits(sign, bits)
    low, high = (np.trunc(limit / step) * step for limit in SIGNS[sign])
    return low, high, step


def threshold_of(cells, scale):
    """Thresholds on the chip, where they and all that is added up at once are multiples of 64.

    A threshold that is such a multiple is kept as it is meant: exceeded, or reached, by a sum of weights. Another is
    rounded down where potentials are nothing but sums of weights, which changes no decision; where they decay to any
    value in between, to the nearest.

    Returns
    -------
    mantissa : (n,) float64
        Whole numbers.
    value : (n,) float64
        The potential, in the network's units, from which on a neuron fires.
    """
    exact = cells.threshold * scale / UNIT
    whole = np.abs(exact - np.round(exact)) < 1e-9 * exact
    sums = (_forgets(cells) or (cells.keep_v == 1).all()) and not (cells.keep_u.any() or cells.bias.any())
    other = np.floor(exact) if sums else np.round(exact - (not cells.strict) / UNIT)
    mantissa = np.clip(np.where(whole, np.round(exact) - (not cells.strict), other), 0, THRESHOLD_LARGEST)
    return mantissa, cells.threshold if sums else (UNIT * mantissa + (not cells.strict)) / scale


def best_scale(cells, arriving, load, bits):
    """The scale of a population.

    Parameters
    ----------
    cells : LinearCells
    arriving : sequence of (n,) float64
        Per pathway onto it, what each synapse adds.
    load : float
        The largest sum, of one sign, that all synapses of a neuron add when they fire at once.
    bits : int

    Returns
    -------
    float
        Of the network's units, how many of the chip's make one.
    """
    samples = [_sampled(values) for values in arriving if values.size]
    peak = max((np.abs(values).max() for values in samples), default=0.0)
    highest, bias = cells.threshold.max(), np.abs(cells.bias).max()
    top = min(_ratio(UNIT * THRESHOLD_LARGEST, highest), _ratio(_WEIGHT_SAID, peak),
              _ratio(BIAS_LARGEST, bias))  # fmt: skip
    kept = np.minimum(cells.keep_u.max(), 1.0 - 1.0 / DECAY_ONE)
    roomy = min(_ratio(2**ACCUMULATOR_BITS - 1, load), _ratio((2**STATE_BITS - 1) * (1.0 - kept), load))
    needed = max(_ratio(_STEPS_OF_WEIGHT, peak) if peak else 0.0, _STEPS_OF_THRESHOLD / highest)
    top = min(top, max(roomy, needed))
    candidates = _candidates(top, peak)
    if _forgets(cells):
        candidates += _candidates(min(top, (DECAY_ONE - 1) / highest), peak)
    best, least = candidates[0], np.inf
    for scale in candidates:
        error = _error(cells, samples, scale, bits)
        if error < least * (1.0 - 1e-9):
            best, least = scale, error
    return float(best)


def _candidates(top, peak):
    """Scales of the octave below `top`: a power of two, and those at which the largest weight is a mantissa."""
    exact = np.array([mantissa / peak for mantissa in _MANTISSAS]) if peak else np.empty(0)
    return [2.0 ** np.floor(np.log2(top)), *sorted(exact * 2.0 ** np.floor(np.log2(top / exact)), reverse=True)]


def _forgets(cells):
    """Whether potentials live for a tick; the chip keeps 1/4096 of them, which is nothing where they are below 4096."""
    return (cells.keep_v < 1.0 / DECAY_ONE).all()


def _error(cells, samples, scale, bits):
    """Sum of the squared relative errors of weights, thresholds, biases, and of what a forgetful potential keeps."""
    kept = _forgets(cells) and cells.threshold.max() * scale >= DECAY_ONE
    error = float(kept) / DECAY_ONE**2
    for values in samples:
        power = np.sum(values**2)
        error += np.sum((encode(values, scale, bits)[0] / scale - values) ** 2) / power if power else 0.0
    error += np.mean((threshold_of(cells, scale)[1] / cells.threshold - 1.0) ** 2)
    power = np.sum(cells.bias**2)
    return error + (np.sum((bias_of(cells.bias * scale) / scale - cells.bias) ** 2) / power if power else 0.0)


def _ratio(most, value):
    return most / value if value else np.inf


def _sampled(values):
    distinct = np.unique(values)
    return distinct[:: max(1, -(-distinct.size // _SAMPLED))]
