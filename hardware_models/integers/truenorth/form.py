"""departures: whether a network is made of TrueNorth's own neurons and axons, so that the chip runs it as it is."""

import numpy as np

from eventsim.errors import ConfigError
from hardware_models.integers.truenorth.network import in_chip_order
from hardware_models.integers.truenorth.neuron import N_TYPES, TrueNorthCells

__all__ = ["cells_of", "departures", "seed_of"]


def departures(network, chip):
    """What of a network is not in the chip's own form.

    Parameters
    ----------
    network : CompiledNetwork
    chip : Chip
        TrueNorth.

    Returns
    -------
    list of str
        Empty for a network made by `truenorth_network` or `quantise`.
    """
    described, faults = {}, []
    for k, population in enumerate(network.populations):
        described[population.name] = population.size
        if not population.is_source:
            try:
                described[population.name] = cells_of(network, k)
                faults += _too_wide(population, chip)
            except ConfigError as error:
                faults.append(f"population '{population.name}': {error}")
            except KeyError as error:
                faults.append(f"population '{population.name}': no {error.args[0]}")
    faults += [text for pathway in network.pathways for text in _of_pathway(pathway, network, chip)]
    if not faults and network.schedule != in_chip_order(described, len(network.pathways), seed_of(network)):
        faults.append("statements that are not those of the chip's neurons, in the order of its tick")
    return faults or _several_axons(network)


def _too_wide(population, chip):
    """Weights beyond the chip's bits."""
    bound = 1 << (chip.require("limits.weight_bits")[0].value - 1)
    weights = np.stack([population.parameters[f"s{g}"] for g in range(N_TYPES)])
    if weights.min(initial=0) < -bound or weights.max(initial=0) > bound - 1:
        yield (f"population '{population.name}': weights from {weights.min():g} to {weights.max():g}, {-bound} to "
               f"{bound - 1} allowed")  # fmt: skip


def cells_of(network, k):
    """The TrueNorthCells that population k would be, its modes as its statements have them."""
    population, p = network.populations[k], network.populations[k].parameters
    said = {kind: [s.expression for o in network.schedule if o.kind == kind and o.index == k for s in o.each]
            for kind in ("update", "reset")}  # fmt: skip
    moved = next((text for text in said["update"] if text.startswith("clip(x")), "")
    arrived = next((text for text in said["update"] if text.startswith("clip(v")), "")
    return TrueNorthCells(
        population.size, np.column_stack([p[f"s{g}"] for g in range(N_TYPES)]), p["alpha"], p["beta"], p["leak"],
        reset={("value",): "value", ("v",): "none"}.get(tuple(said["reset"]), "subtract"), reset_value=p["value"],
        floor="reset" if any("beta + eta" in text for text in said["update"]) else "saturate",
        reversal="sign(x)" in moved, stochastic_leak="keyed_uniform" in moved,
        stochastic=tuple(f"sign(s{g})" in arrived for g in range(N_TYPES)), mask=p["mask"], start=population.state["v"],
    )  # fmt: skip


def seed_of(network):
    return next((o.constants["seed"] for o in network.schedule if "seed" in o.constants), 0)


def _of_pathway(pathway, network, chip):
    (effect, *more) = pathway.effects
    if more or effect not in [(f"n{g}", "add", "weight") for g in range(N_TYPES)]:
        yield f"pathway '{pathway.name}': synapses that do not count axons of a type"
    elif (network.weight[pathway.synapses] != 1).any():
        yield f"pathway '{pathway.name}': weights other than 1; an axon counts once"
    soonest, latest = int(pathway.delays.min(initial=1)), int(pathway.delays.max(initial=1))
    longest = chip.limits.delay_ticks.value
    if soonest < 1 or latest > longest:
        yield f"pathway '{pathway.name}': delays of {soonest} to {latest} ticks, 1 to {longest} allowed"


def _several_axons(network):
    """A neuron of the chip whose synapses are not those of one axon."""
    kind = np.array([int(p.effects[0][0][1:]) for p in network.pathways] or [0])[network.pathway_of]
    axons = np.unique(np.column_stack([network.pre, kind, network.delay]), axis=0)[:, 0]
    driven = np.bincount(axons, minlength=network.n_neurons) * ~network.is_source
    if driven.max(initial=0) <= 1:
        return []
    neuron = int(driven.argmax())
    return [f"neuron {neuron}: its synapses are of {driven[neuron]} axons, 1 allowed"]
