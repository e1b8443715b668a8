"""onto_truenorth: a network in TrueNorth's integers.

What maps onto TrueNorth are neurons of one potential: perfect integrators with a reset to a value or by subtraction, a
constant drive being their leak, and gates that forget in each tick. A gate's leak is 1 less what its sum must reach,
its threshold is 1, and below 0 it is cut off, so every tick begins at 0. Potentials that decay by a factor, currents
that last and refractory periods have no place in the chip's neuron. Gates that fire by chance when called do
(`chance_gates.py`).

Ticks stay ticks: in the network a spike of tick s with delay d acts on the threshold test of tick s + d + 1, which on
the chip is a delay of d + 1. Copies of neurons (`axons.py`) follow the neurons of the network.
"""

from dataclasses import replace

import numpy as np

from eventsim.errors import ConfigError
from hardware_models.integers.choices import require_choice
from hardware_models.integers.losses import Losses, largest_error, returns_note
from hardware_models.integers.truenorth.axons import Axons, Rows
from hardware_models.integers.truenorth.chance_gates import ChanceGates
from hardware_models.integers.truenorth.network import grouped, joined
from hardware_models.integers.truenorth.neuron import LARGEST_THRESHOLD, N_TYPES, WEIGHT_BITS
from hardware_models.integers.truenorth.scale import weigh, weigh_chances

__all__ = ["onto_truenorth"]


def onto_truenorth(network, chip, cells, arriving, *, repeats=3, seed=0):
    """A network in TrueNorth's integers.

    Parameters
    ----------
    network : CompiledNetwork
    chip : Chip
    cells, arriving : dict
        What `hardware_models.integers.obstacles.read` makes of it.
    repeats : int
        How often an axon type may be repeated to make a weight up, 1 to 5: weights of both signs have then 16, 54, 128,
        250 or 432 levels.
    seed : int
        Of random draws.

    Returns
    -------
    network : CompiledNetwork
        The neurons of `network`, and after them copies, in populations of their own ("NAME_copies").
    losses : Losses
    original : (n_neurons,) int32
    """
    require_choice("repeats", repeats, range(1, 6))
    _require_bits(chip)
    described = {p.name: p.size for p in network.populations if p.is_source}
    amounts, of_populations, weighed, notes = np.zeros((network.n_synapses, N_TYPES), np.int64), [], {}, []
    for k, one in cells.items():
        onto = [p for p, pathway in enumerate(network.pathways) if pathway.target == k]
        synapses = np.concatenate([np.empty(0, np.int64), *(_synapses(network.pathways[p]) for p in onto)])
        value = np.concatenate([np.empty(0), *(arriving[p] for p in onto)])
        population = network.populations[k]
        chances = isinstance(one, ChanceGates)
        weighed[k] = (weigh_chances(one, value) if chances
                      else weigh(one, network.post[synapses] - population.start, value, repeats))  # fmt: skip
        amounts[synapses] = weighed[k].repeats
        described[population.name] = weighed[k].cells
        of_populations.append(_population_losses(network, k, one, weighed[k], synapses, value))
        notes += _notes_on_chance(population.name, weighed[k]) if chances else _notes(population.name, one)
    axons = Axons(Rows.of(network.pre, network.post, network.delay + 1, amounts), network.n_neurons)
    _require_no_copies_of_chance(network, cells, axons)
    for row in of_populations:
        population = network.population(row["population"])
        row["copies"] = int(((axons.original[network.n_neurons :] >= population.start)
                             & (axons.original[network.n_neurons :] < population.stop)).sum())  # fmt: skip
    of_pathways = [_pathway_losses(network, p, arriving[p], weighed, amounts) for p in range(len(network.pathways))]
    made = _assembled(network, described, axons, seed)
    return made, Losses.of(chip.name, of_pathways, of_populations, notes), axons.original.astype(np.int32)


def _require_bits(chip):
    """Raises ConfigError where the chip's weights are narrower than those that `scale.py` makes."""
    bits = chip.require("limits.weight_bits")[0].value
    if bits < WEIGHT_BITS:
        raise ConfigError(f"`limits.weight_bits` of {chip.name} is {bits}, and a network is put into weights of "
                          f"{WEIGHT_BITS} bits here; give {WEIGHT_BITS} or more")  # fmt: skip


def _synapses(pathway):
    return np.arange(pathway.first, pathway.first + pathway.size)


def _assembled(network, described, axons, seed):
    """The network of neurons and copies; keys, tokens and labels are those of the originals."""
    described = {p.name: described[p.name] for p in network.populations}
    copies = axons.original[network.n_neurons :]
    for p in network.populations:
        own = copies[(copies >= p.start) & (copies < p.stop)] - p.start
        if own.size:
            of = described[p.name]
            described[f"{p.name}_copies"] = own.size if p.is_source else of.taken(own)
    groups = grouped(described, *axons.wired())
    made = joined(described, groups, seed=seed, stimulus=None, dt_ms=network.dt_ms)
    columns = {name: getattr(network, name)[axons.original] for name in ("key_lo", "key_hi", "token", "path_id")}
    return replace(made, paths=network.paths, **columns)


def _population_losses(network, k, cells, weighed, synapses, value):
    """A row of Losses.populations."""
    above, below = (np.bincount(network.post[synapses], np.maximum(sign * value, 0.0), network.n_neurons).max(initial=0)
                    for sign in (1.0, -1.0))  # fmt: skip
    scale = float(np.median(weighed.scale))
    chances = isinstance(cells, ChanceGates)
    exact = chances or ((weighed.made == value).all() and cells.drop is None)
    return {
        "population": network.populations[k].name, "scale": scale,
        "threshold_error": 0.0 if exact else largest_error(weighed.threshold, cells.threshold),
        "bias_error": 0.0 if chances else largest_error(weighed.bias, cells.bias),
        "load": float(max(above, below) * scale / LARGEST_THRESHOLD),
    }  # fmt: skip


def _pathway_losses(network, p, exact, weighed, amounts):
    """A row of Losses.pathways."""
    pathway = network.pathways[p]
    part, one = _synapses(pathway), weighed[pathway.target]
    onto = np.concatenate([_synapses(q) for q in network.pathways if q.target == pathway.target])
    made, there = one.made[np.searchsorted(onto, part)], exact != 0
    driven = amounts[part]
    pre = network.pre[part]
    sent = np.column_stack([np.repeat(pre, N_TYPES), np.repeat(network.delay[part], N_TYPES),
                            np.tile(np.arange(N_TYPES), part.size), driven.ravel()])[driven.ravel() > 0]  # fmt: skip
    order = np.lexsort((-sent[:, 3], sent[:, 2], sent[:, 1], sent[:, 0]))
    new = np.any(np.diff(sent[order][:, :3], axis=0, prepend=-1) != 0, axis=1)
    power = np.sum(exact**2)
    return {
        "pathway": pathway.name, "synapses": pathway.size, "axons": int(sent[order][new, 3].sum()),
        "max_error": float(np.abs(made[there] / exact[there] - 1.0).max(initial=0.0)),
        "rms_error": float(np.sqrt(np.sum((made - exact) ** 2) / power)) if power else 0.0,
        "zeros_lost": int(np.sum(driven[there].sum(axis=1) == 0)), "clipped": 0,
        "longest_delay_ticks": int(pathway.delays.max(initial=0)),
    }  # fmt: skip


def _notes_on_chance(name, weighed):
    off = np.abs(weighed.bias).max()
    yield (f"population '{name}': chances are parts of 256, up to {off:.2%} off, calls of one tick draw one by one, "
           "and what holds a neuron lasts for 256 calls that succeed")  # fmt: skip


def _require_no_copies_of_chance(network, cells, axons):
    copied = axons.original[network.n_neurons :]
    for k, one in cells.items():
        p = network.populations[k]
        own = copied[(copied >= p.start) & (copied < p.stop)]
        if isinstance(one, ChanceGates) and own.size:
            raise ConfigError(f"truenorth cannot run this network: neuron {own[0] - p.start} of '{p.name}' fires by "
                              "chance and drives several axons, and a copy of it would draw anew; let it drive one "
                              "gate, and that gate the rest")  # fmt: skip


def _notes(name, cells):
    if cells.wipes:
        yield f"population '{name}': what arrives in the tick of a spike outlives the reset"
    if cells.drop is not None and cells.strict:
        yield f"population '{name}': it fires at its threshold, not only above"
    yield from returns_note(name, cells)
