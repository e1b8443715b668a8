"""onto_loihi: a network in Loihi's integers.

What maps onto Loihi are neurons of one potential with at most one decaying current and a hard reset: leaky and perfect
integrators, gates that forget in each tick, in whole steps or by an exact propagator (`linear_cells.py`).
Ticks stay ticks. In the network a spike of tick s with delay d acts on the threshold test of tick s + d + 1; so it
does on the chip, where it joins the sum of that tick, and where a decay that the network applies in between is part of
the weight.
"""

from dataclasses import replace

import numpy as np

from eventsim.arguments import whole_number
from eventsim.errors import ConfigError
from hardware_models.integers.loihi.arithmetic import DECAY_ONE, bias_of
from hardware_models.integers.loihi.limits import field_bits
from hardware_models.integers.loihi.losses import notes_of, pathway_losses, population_losses
from hardware_models.integers.loihi.network import in_chip_order
from hardware_models.integers.loihi.neuron import LoihiCells
from hardware_models.integers.loihi.scale import best_scale, encode, threshold_of
from hardware_models.integers.losses import Losses

__all__ = ["onto_loihi"]


def onto_loihi(network, chip, cells, arriving, *, bits=None, overflow="wrap"):
    """A network in Loihi's integers.

    Parameters
    ----------
    network : CompiledNetwork
    chip : Chip
    cells, arriving : dict
        What `hardware_models.integers.obstacles.read` makes of it.
    bits : int, optional
        Weight bits, the sign of lists with both signs included, but not that of others: 1 to `field_bits(chip)`, which
        is the default.
    overflow : str
        One of `hardware_models.integers.loihi.arithmetic.OVERFLOW`.

    Returns
    -------
    network : CompiledNetwork
        With the same neurons, synapses and ticks.
    losses : Losses
    original : (n_neurons,) int32
        Each neuron itself.
    """
    bits = _bits(chip, bits)
    populations, scales, of_populations, notes = _populations(network, cells, arriving, bits)
    weight, of_pathways = np.zeros(network.n_synapses), []
    for p, pathway in enumerate(network.pathways):
        part, scale = pathway.synapses, scales[pathway.target]
        weight[part], exponent, sign = encode(arriving[p], scale, bits)
        of_pathways.append(pathway_losses(pathway, arriving[p] * scale, weight[part], exponent, sign, bits))
    made = replace(
        network, populations=populations, weight=weight, tables=(),
        pathways=tuple(replace(p, effects=(("q", "add", "weight"),), constants={}, senders={}, delays=p.delays + 1)
                       for p in network.pathways),
        schedule=in_chip_order(populations, len(network.pathways), overflow),
    )  # fmt: skip
    made.validate()
    losses = Losses.of(chip.name, of_pathways, of_populations, notes)
    return made, losses, np.arange(network.n_neurons, dtype=np.int32)


def _bits(chip, bits):
    """The bits that are asked for, or all; raises ConfigError for more than the chip has."""
    most = field_bits(chip)
    if most < 1:
        raise ConfigError(f"`limits.weight_bits` of {chip.name} is 1, the sign alone, so no weight can be said; give 2 "
                          "or more")  # fmt: skip
    return most if bits is None else whole_number("bits", bits, 1, most)


def _populations(network, cells, arriving, bits):
    """(populations in the chip's integers, population -> scale, rows of losses, notes)."""
    populations, scales, rows, notes, loads = [], {}, [], [], _loads(network, arriving)
    for k, population in enumerate(network.populations):
        if population.is_source:
            populations.append(population)
            continue
        own = [arriving[p] for p, pathway in enumerate(network.pathways) if pathway.target == k]
        load = float(loads[population.start : population.stop].max())
        scales[k] = best_scale(cells[k], own, load, bits)
        made = _on_chip(cells[k], scales[k])
        populations.append(made.population(population.name, population.start))
        rows.append(population_losses(population.name, cells[k], made, scales[k], load))
        notes += notes_of(population.name, cells[k], scales[k], load)
    return tuple(populations), scales, rows, notes


def _loads(network, arriving):
    """(n_neurons,) float64: the larger of the sums of what a neuron's synapses add above and below 0."""
    above, below = np.zeros(network.n_neurons), np.zeros(network.n_neurons)
    for p, pathway in enumerate(network.pathways):
        post = network.post[pathway.synapses]
        above += np.bincount(post, np.maximum(arriving[p], 0.0), network.n_neurons)
        below += np.bincount(post, np.maximum(-arriving[p], 0.0), network.n_neurons)
    return np.maximum(above, below)


def _on_chip(cells, scale):
    """LoihiCells of a scale. A bias leads to where it does in the network, whatever decay the chip has instead.

    A neuron without bias is held for one more tick where the network drops what arrives.
    """
    drops = cells.wipes & (cells.bias == 0)
    decay_u = np.clip(np.round(DECAY_ONE * (1.0 - cells.keep_u)), 1, DECAY_ONE)
    decay_v = np.clip(np.round(DECAY_ONE * (1.0 - cells.keep_v)), 0, DECAY_ONE - 1)
    decays = (decay_v > 0) & (cells.keep_v < 1.0)
    bias = cells.bias * np.where(decays, decay_v / DECAY_ONE, 1.0) / np.where(decays, 1.0 - cells.keep_v, 1.0)
    return LoihiCells(
        cells.threshold.size, threshold_of(cells, scale)[0], decay_u, decay_v,
        bias_of(bias * scale), cells.refractory + drops, np.round(cells.start * scale),
    )  # fmt: skip
