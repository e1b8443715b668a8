"""loihi_network: a network described in the chip's own numbers, ready to be simulated."""

from dataclasses import dataclass

import numpy as np

from eventsim.compiled_network import Operation
from hardware_models.integers.loihi.arithmetic import actual_weight
from hardware_models.integers.loihi.neuron import LoihiCells
from hardware_models.integers.wiring import network_of, populations_of, wired

__all__ = ["LoihiSynapses", "in_chip_order", "loihi_network"]


@dataclass(frozen=True, eq=False)
class LoihiSynapses:
    """Synapses from one population to another, a row each.

    Parameters
    ----------
    source, target : str
        Populations.
    pre, post : (n,) int
        Counted within them.
    mantissa : (n,) int
    delay_ticks : int or (n,) int
        From the tick of a spike to that whose sum it joins: 0 only for inputs, which come before the sums of their
        tick. A spike of a neuron takes 1 plus the delay that its synapse holds.
    exponent, sign, bits, odd
        See `hardware_models.integers.loihi.arithmetic.actual_weight`.
    """

    source: str
    target: str
    pre: object
    post: object
    mantissa: object
    delay_ticks: object = 1
    exponent: int = 0
    sign: str = "mixed"
    bits: int = 8
    odd: str = "truncate"


def loihi_network(populations, synapses, *, overflow="wrap", stimulus=None, dt_ms=1.0):
    """A network of Loihi neurons.

    Parameters
    ----------
    populations : mapping of str to LoihiCells or int
        An int is a number of spike sources.
    synapses : sequence of LoihiSynapses
    overflow : str
        One of `hardware_models.integers.loihi.arithmetic.OVERFLOW`.
    stimulus : Stimulus, optional
    dt_ms : float
        Length of a tick.

    Returns
    -------
    CompiledNetwork

    Raises
    ------
    ConfigError
        An unknown population, a neuron or a number out of range.
    """
    made = populations_of(populations)
    pathways, post, weight, first = [], [], [], 0
    for wires in synapses:
        pathway, targets, order = wired(
            f"{wires.source}_to_{wires.target}", (wires.source, wires.target), made, wires.pre, wires.post,
            wires.delay_ticks, "q", first,
        )  # fmt: skip
        mantissa = np.broadcast_to(wires.mantissa, order.shape)[order]
        pathways.append(pathway)
        post.append(targets)
        weight.append(actual_weight(mantissa, wires.exponent, wires.sign, wires.bits, wires.odd))
        first += order.size
    schedule = in_chip_order(made, len(pathways), overflow)
    return network_of(made, pathways, post, weight, schedule, stimulus, dt_ms)


def in_chip_order(populations, n_pathways, overflow):
    """The schedule of a chip's tick: inputs, deliveries, then each neuron's update, threshold and reset."""
    emits = [Operation("emit", k) for k, p in enumerate(populations) if p.is_source]
    delivers = [Operation("deliver", k) for k in range(n_pathways)]
    of_cells = [LoihiCells.operations(k, overflow) for k, p in enumerate(populations) if not p.is_source]
    return (*emits, *delivers, *(operation for place in zip(*of_cells) for operation in place))
