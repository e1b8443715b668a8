"""departures: whether a network is made of Loihi's own neurons and weights, so that the chip runs it as it is."""

import numpy as np

from eventsim.errors import ConfigError
from hardware_models.integers.loihi.arithmetic import DECAY_ONE, OVERFLOW, UNIT, WEIGHT_LARGEST, lost_bits, sign_of
from hardware_models.integers.loihi.limits import field_bits
from hardware_models.integers.loihi.network import in_chip_order
from hardware_models.integers.loihi.neuron import LoihiCells
from hardware_models.integers.loihi.scale import said

__all__ = ["departures"]


def departures(network, chip):
    """What of a network is not in the chip's own form.

    Parameters
    ----------
    network : CompiledNetwork
    chip : Chip
        Loihi.

    Returns
    -------
    list of str
        Empty for a network made by `loihi_network` or `quantise`.
    """
    n_pathways = len(network.pathways)
    if not any(network.schedule == in_chip_order(network.populations, n_pathways, each) for each in OVERFLOW):
        return ["statements that are not those of the chip's neurons, in the order of its tick"]
    cells = [p for p in network.populations if not p.is_source]
    return [
        *(f"population '{p.name}': {fault}" for p in cells for fault in _of_cells(p)),
        *(f"pathway '{p.name}': {fault}" for p in network.pathways for fault in _of_pathway(p, network, chip)),
    ]


def _of_cells(population):
    """Parameters out of range, as LoihiCells finds them."""
    values = population.parameters
    try:
        rebuilt = LoihiCells(
            population.size, values["v_th"] / UNIT, DECAY_ONE - values["keep_u"], DECAY_ONE - values["keep_v"],
            values["bias"], values["hold"] + 1, population.state["v"],
        )  # fmt: skip
    except ConfigError as error:
        yield str(error)
        return
    except KeyError as error:
        yield f"no {error.args[0]}"
        return
    if rebuilt.population(population.name, population.start).state.keys() != population.state.keys():
        yield f"variables {', '.join(population.state)}"


def _of_pathway(pathway, network, chip):
    if pathway.effects != (("q", "add", "weight"),):
        yield "synapses that do not add their weight to the sum of a tick"
    from_chip = not network.populations[pathway.source].is_source
    soonest, latest = int(pathway.delays.min()), int(pathway.delays.max())
    longest = 1 + chip.limits.delay_ticks.value
    if pathway.size and (soonest < from_chip or latest > longest):
        yield f"delays of {soonest} to {latest} ticks, {int(from_chip)} to {longest} allowed"
    weights = network.weight[pathway.synapses]
    if not _one_format(weights, field_bits(chip)):
        yield "weights that no exponent can say"


def _one_format(weights, bits):
    """Whether one exponent says all weights in fields of so many bits."""
    sign = sign_of(weights)
    low, high, step = (mantissa * UNIT for mantissa in said(sign, bits))
    for exponent in range(-lost_bits(sign, bits), 8):  # below it mantissas lose bits that they have, and reach less far
        factor = 2.0**exponent
        bottom, top = max(low * factor, -WEIGHT_LARGEST), min(high * factor, WEIGHT_LARGEST)
        whole = (weights % (step * factor) == 0) | (np.abs(weights) == WEIGHT_LARGEST)
        if whole.all() and weights.min(initial=0.0) >= bottom and weights.max(initial=0.0) <= top:
            return True
    return False
