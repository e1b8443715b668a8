"""What Loihi's integers cannot say of neurons with one potential and one current."""

import numpy as np

from hardware_models.integers.linear_cells import linear_cells
from hardware_models.integers.loihi.arithmetic import THRESHOLD_LARGEST, UNIT
from hardware_models.integers.loihi.neuron import LONGEST_REFRACTORY

__all__ = ["MENDED", "beyond", "cells_of", "field_bits", "longest_delay", "vanishing"]

#: Beginnings of what `chip.check` finds and integers mend.
MENDED = (
    "state or constants that are not whole", "weights that are not whole", "weights from", "weights of both",
    "a memoryless gate", "a reset that is not one variable set to 0: none",
)  # fmt: skip

#: Bits that a weight's field has at most (nengo-loihi, SynapseConfig.WEIGHT_BITS_MAP).
_WIDEST_FIELD = 8

#: Population k of a network as neurons that the chip may have.
cells_of = linear_cells


def field_bits(chip):
    """Bits of a weight's field: one of `limits.weight_bits` is the sign of a list of one sign; 8 at most, 0 at least.

    So 9 bits say 0 to 255 in an excitatory list, and -256 to 254 in steps of 2 in a mixed one.
    """
    return min(chip.require("limits.weight_bits")[0].value - 1, _WIDEST_FIELD)


def longest_delay(chip):
    """Ticks of delay in the network that the chip can hold."""
    return chip.limits.delay_ticks.value


def beyond(cells):
    """What LinearCells do and the chip's neurons do not."""
    if cells.drop is not None:
        yield "a reset that is not one variable set to 0: it subtracts"
    if cells.cleared:
        yield "a start value that is cleared after the first threshold test"
    if (cells.threshold <= 0).any():
        yield "a threshold that is not above the reset value"
    longest, most = int(cells.refractory.max()), LONGEST_REFRACTORY - 1
    if longest > most:
        yield f"refractory for {longest} ticks, {most} allowed"


def vanishing(cells, post, value):
    """Weights, and biases, of which nothing is left beside a threshold of 17 bits."""
    span = cells.threshold.max(initial=0.0)
    for what, values, unit in (("weights", value, UNIT), ("biases", cells.bias, 1)):
        largest = np.abs(values).max(initial=0.0)
        if 0 < largest < 0.5 * unit * span / (UNIT * THRESHOLD_LARGEST):
            yield f"{what} up to {largest:.3g}, which vanish beside a threshold {span:.3g} above the reset value"
