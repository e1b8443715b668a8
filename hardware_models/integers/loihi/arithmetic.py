"""Loihi's integers: weights of mantissa and exponent, biases, decays, and the widths of its accumulators.

Davies et al., IEEE Micro 38(1) (2018) 82-99, doi:10.1109/MM.2018.112130359, gives 1 to 9 weight bits with the sign,
12-bit decays, a 17-bit threshold shifted by 6, and 24-bit state. How weights round is told by the two open emulators:
brian2-loihi (Michaelis et al., Front. Neuroinform. 16 (2022) 1015624) and nengo-loihi.

    weight     clip(floor(m 2^(6 + exponent) / 64) 64, -(2^21 - 64), 2^21 - 64),  m the mantissa without its lost bits
    bias       mantissa 2^exponent
    threshold  64 mantissa, to be exceeded
    decay      x -> int(x (4096 - decay) / 4096), towards zero
"""

import numpy as np

from eventsim.errors import ConfigError
from hardware_models.integers.choices import require_choice

__all__ = ["ACCUMULATOR_BITS", "BIAS_LARGEST", "DECAY_ONE", "ODD", "OVERFLOW", "SIGNS", "STATE_BITS",
           "THRESHOLD_LARGEST", "UNIT", "WEIGHT_LARGEST", "actual_weight", "bias_of", "lost_bits",
           "sign_of"]  # fmt: skip

#: A decay of 4096 forgets all; registers hold 12 bits.
DECAY_ONE = 4096

#: Weights and thresholds are multiples of it: their mantissas are shifted by 6 bits.
UNIT = 64

#: Bits, besides the sign, of what sums a tick's weights, and of current and potential (nengo-loihi: Q_BITS, U_BITS).
ACCUMULATOR_BITS, STATE_BITS = 21, 23

WEIGHT_LARGEST = 2**ACCUMULATOR_BITS - UNIT

#: Of a threshold's 17-bit mantissa.
THRESHOLD_LARGEST = 2**17 - 1

#: Of a bias: 12 bits besides the sign, and 3 bits.
_BIAS_MANTISSA, _BIAS_EXPONENT = 2**12 - 1, 7
BIAS_LARGEST = _BIAS_MANTISSA * 2**_BIAS_EXPONENT

#: Sign mode of a list of synapses -> smallest and largest mantissa. Mixed ones spend a bit on the sign.
SIGNS = {"mixed": (-256, 254), "excitatory": (0, 255), "inhibitory": (-256, 0)}

#: What becomes of mantissa bits that the format has no room for: "truncate" rounds towards zero, as brian2-loihi;
#: "floor" is an arithmetic shift, as Lava. They differ for negative mantissas, the odd ones of mixed lists for one.
ODD = ("truncate", "floor")

#: What becomes of a sum that is too wide for its bits: it wraps around, as nengo-loihi and Lava have it, or saturates.
OVERFLOW = ("wrap", "saturate")


def lost_bits(sign, bits):
    """Low bits of a mantissa that a format does not keep: 8 - bits, and one more where signs are mixed."""
    return 8 - bits + (sign == "mixed")


def sign_of(values):
    """The sign mode that holds all values with the most bits."""
    values = np.asarray(values)
    if (values >= 0).all():
        return "excitatory"
    return "inhibitory" if (values <= 0).all() else "mixed"


def actual_weight(mantissa, exponent=0, sign="mixed", bits=8, odd="truncate"):
    """What a synapse adds to the accumulator.

    Parameters
    ----------
    mantissa : int array
    exponent : int
        -8 to 7.
    sign : str
        One of SIGNS.
    bits : int
        1 to 8, the sign of a mixed list included.
    odd : str
        One of ODD.

    Returns
    -------
    float64 array of whole numbers, multiples of UNIT

    Raises
    ------
    ConfigError
        A mantissa, exponent or number of bits out of range, or an unknown choice.
    """
    require_choice("sign", sign, SIGNS)
    require_choice("odd", odd, ODD)
    require_choice("bits", bits, range(1, 9))
    require_choice("exponent", exponent, range(-8, 8))
    mantissa = np.asarray(mantissa)
    low, high = SIGNS[sign]
    wrong = (mantissa < low) | (mantissa > high) | (mantissa != np.floor(mantissa))
    if wrong.any():
        raise ConfigError(f"a mantissa of {mantissa[wrong].flat[0]:g}; a {sign} weight has {low} to {high}")
    step = 2.0 ** lost_bits(sign, bits)
    kept = (np.trunc if odd == "truncate" else np.floor)(mantissa / step) * step
    shifted = np.floor(kept * 2.0 ** (6 + exponent) / UNIT) * UNIT
    return np.clip(shifted, -WEIGHT_LARGEST, WEIGHT_LARGEST)


def bias_of(values):
    """The nearest biases that mantissa and exponent can say: float64 array of whole numbers.

    The exponent is the smallest with which the mantissa fits; what is beyond the largest is clipped to it.
    """
    values = np.asarray(values, dtype=np.float64)
    ratio = np.maximum(np.abs(values) / _BIAS_MANTISSA, 1.0)
    step = 2.0 ** np.minimum(np.ceil(np.log2(ratio)), _BIAS_EXPONENT)
    return np.clip(np.round(values / step), -_BIAS_MANTISSA, _BIAS_MANTISSA) * step
