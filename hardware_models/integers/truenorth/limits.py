"""What TrueNorth's integers cannot say of neurons with one potential and one current."""

import numpy as np

from eventsim.errors import CompileError
from hardware_models.integers.linear_cells import linear_cells
from hardware_models.integers.truenorth.chance_gates import ChanceGates, chance_gates
from hardware_models.integers.truenorth.neuron import LARGEST_THRESHOLD
from hardware_models.integers.truenorth.scale import too_large

__all__ = ["MENDED", "beyond", "cells_of", "longest_delay", "vanishing"]

#: Beginnings of what `chip.check` finds and integers mend: weights by repeated axons, a gate's memory by its leak.
MENDED = (
    "state or constants that are not whole", "weights that are not whole", "weights from", "neurons with more than",
    "a memoryless gate", "more than one variable that changes",
)  # fmt: skip


def cells_of(network, k):
    """Population k of a network as LinearCells or ChanceGates; raises CompileError, saying why it is not the former."""
    try:
        return linear_cells(network, k)
    except CompileError as error:
        try:
            return chance_gates(network, k)
        except CompileError:
            raise error from None


def longest_delay(chip):
    """Ticks of delay in the network that the chip can hold: it counts the tick of the threshold test too."""
    return chip.limits.delay_ticks.value - 1


def beyond(cells):
    """What cells do and the chip's neurons do not."""
    if isinstance(cells, ChanceGates):
        return
    if cells.keep_u.any():
        yield f"a current that lasts: it keeps {cells.keep_u.max():.3g} of itself in a tick"
    parts = cells.keep_v[(cells.keep_v != 0) & (cells.keep_v != 1)]
    if parts.size:
        yield f"a potential that decays by a factor, {parts[0]:.3g} per tick; the chip's leak is a constant"
    if cells.drop is not None and not np.allclose(cells.drop, cells.threshold, rtol=1e-9):
        yield "a reset that subtracts other than the threshold"
    if cells.drop is None and ((cells.threshold <= 0) & (cells.keep_v != 0)).any():
        yield "a threshold that is not above the reset value"
    if (cells.refractory > 1).any():
        yield f"refractory for {int(cells.refractory.max())} ticks, none allowed"


def vanishing(cells, post, value):
    """What is lost, or out of range, at any scale: calls that do not suffice, weights and drives beside a threshold."""
    if isinstance(cells, ChanceGates):
        low = value[value > 0].min(initial=np.inf)
        if low <= cells.threshold[~cells.held].max(initial=-np.inf):
            yield f"calls of weight {low:.3g}, one of which does not suffice"
        return
    for what, neuron, amount, unit, most in too_large(cells, post, value):
        yield (f"neuron {neuron} has a {what} of {amount:.3g} and no weight beyond {unit:.3g}, of which {most:,} make "
               "the most that the chip holds")  # fmt: skip
    drive, span = np.abs(cells.bias), np.where(cells.keep_v == 0, 0.0, cells.threshold)
    lost = np.flatnonzero((drive > 0) & (drive < 0.5 * span / LARGEST_THRESHOLD))
    if lost.size:
        yield (f"neuron {lost[0]} has a drive of {drive[lost[0]]:.3g}, which vanishes beside a threshold of "
               f"{span[lost[0]]:.3g} above the reset value")  # fmt: skip
