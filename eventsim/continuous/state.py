"""The state of neurons at the start of a tick before which all events were handled: sampled, or moved there."""

from numba import njit

from eventsim.code_cache import cached_njit
from eventsim.continuous.arrays import NEXT_SAMPLE, SAMPLES
from eventsim.continuous.cell import move
from eventsim.neurons import SOURCE

__all__ = ["sample", "settle"]


@njit
def sample(neurons, sampling, registers):
    """Sample the state; the neurons themselves stay where they are."""
    tick, at = registers[NEXT_SAMPLE], registers[SAMPLES]
    sampling.tick[at] = tick
    for r in range(sampling.neuron.size):
        n = sampling.neuron[r]
        sampling.cell[0], sampling.further[0] = neurons.cells[n], neurons.further[n]
        cell, more = sampling.cell[0], sampling.further[0]
        move(cell, neurons.kinds[cell.kind], more, tick, 0.0)
        value = cell.x if sampling.place[r] == 0 else more.y if sampling.place[r] == 1 else more.z
        sampling.value[at * sampling.neuron.size + r] = value
    registers[NEXT_SAMPLE] += sampling.every[0]
    registers[SAMPLES] += 1


@cached_njit()
def settle(neurons, first, stop, tick):
    """Bring the neurons first, ..., stop - 1 to a tick before which all events were handled."""
    for n in range(first, stop):
        cell = neurons.cells[n]
        kind = neurons.kinds[cell.kind]
        if kind.family != SOURCE:
            move(cell, kind, neurons.further[n], tick, 0.0)
