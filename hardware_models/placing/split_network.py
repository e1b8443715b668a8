"""split_network: the network that a placement on TrueNorth really runs, its splitters being neurons.

A neuron that reaches k > 1 (axon, core) pairs sends, after one tick, to an axon of its own core on which k relays wait;
each fires when a spike arrives and sends on to one pair. A relay takes at least a tick to send, so what took d ticks
takes 1 and d - 1: nothing is lost where d is 2 or more. Where it is 1, whatever depends on that neuron fires later, and
every other way into the same neuron is made as much longer: neuron j fires `shift[j]` ticks later than it did, with

    new delay = d + shift[j] - shift[i],    at least 2 where i is split, 0 where it is on the host, otherwise 1

and shift 0 on the host; neurons that one (axon, core) pair reaches shift alike. The least such shifts are found by
relaxation (Bellman-Ford); a loop whose delays leave no room for its splitters has none. A neuron that moves without
input, or draws random numbers by the tick, would not do later what it does now, and is not shifted.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from eventsim.arguments import require_kind
from eventsim.compiled_network import CompiledNetwork
from eventsim.counts import HOST
from eventsim.errors import CapacityError, ConfigError
from eventsim.simulation import Simulation
from eventsim.stimulus import Stimulus
from hardware_models.integers.truenorth.form import cells_of, departures, seed_of
from hardware_models.integers.truenorth.network import grouped, joined
from hardware_models.integers.truenorth.neuron import TrueNorthCells
from hardware_models.placing.axons import axons_of
from hardware_models.placing.placement import Placement
from hardware_models.placing.splitters import splitters

__all__ = ["Split", "split_network"]


@dataclass(frozen=True, eq=False)
class Split:
    """A network with its splitters.

    Parameters
    ----------
    network : CompiledNetwork
        Its first neurons are those of the network that was split; then come the relays, as the population "splitters".
    placement : Placement
        Relays on the core of the neuron that they relay.
    shift : (n_neurons,) int64
        How many ticks later each of the first neurons fires.
    """

    network: CompiledNetwork
    placement: Placement
    shift: np.ndarray


def split_network(network, placement):
    """The network with a relay neuron for each (axon, core) pair of whoever reaches several.

    Parameters
    ----------
    network : CompiledNetwork
        In TrueNorth's own form, as `quantise` and `truenorth_network` make it.
    placement : Placement
        On TrueNorth.

    Returns
    -------
    Split

    Raises
    ------
    ConfigError
        The network is not of TrueNorth's neurons, or a neuron that would be shifted moves by itself.
    CapacityError
        A loop is too short for its splitters, or a delay gets longer than the chip's.
    """
    require_kind("placement", placement, Placement)
    placement.require_network(network)
    foreign = departures(network, placement.chip)
    if foreign:
        raise ConfigError(f"splitters are neurons of TrueNorth, and the network is not: {foreign[0]}; quantise it")
    split = splitters(network, placement.core_of, placement.chip) > 0
    pair = _pair_of_synapse(network, placement)
    shift = _shifts(network, split, pair)
    _check_steady(network, shift)
    delay = network.delay + shift[network.post] - shift[network.pre]
    relayed = np.flatnonzero(split[network.pre])
    _, first, relay = np.unique(pair[relayed], return_index=True, return_inverse=True)
    origin = network.pre[relayed[first]]
    pre = network.pre.astype(np.int64)
    pre[relayed] = network.n_neurons + relay
    delay[relayed] -= 1
    longest = placement.chip.limits.delay_ticks.value
    if delay.max(initial=0) > longest:
        worst = int(delay.argmax())
        raise CapacityError("delay_ticks", f"core {placement.core_of[network.post[worst]]} (synapse {worst})",
                            int(delay[worst]), longest, "place the network so that fewer neurons need splitters")
    made = _with_relays(network, pre, delay, origin)
    core_of = np.concatenate([placement.core_of, placement.core_of[origin]])
    entries = placement.enters_at
    if entries is not None:
        entries = np.concatenate([entries, np.full(origin.size, HOST, dtype=np.int32)])
    return Split(made, Placement.of(made, core_of, placement.chip, entries, placement.placer), shift)


def _pair_of_synapse(network, placement):
    """(n_synapses,) int64: a number for the (axon, core) pair that each synapse belongs to."""
    axons, n_cores = axons_of(network, placement.chip), int(placement.core_of.max(initial=HOST)) + 1
    return axons.of_synapse * np.int64(n_cores) + placement.core_of[network.post]


def _shifts(network, split, pair):
    """(n_neurons,) int64: the least shifts; raises CapacityError where a loop has no room."""
    _, pair = np.unique(pair, return_inverse=True)
    n = network.n_neurons
    links = coo_array((np.ones(pair.size), (network.post, n + pair)), shape=(n + pair.size, n + pair.size))
    group = connected_components(links, directed=False)[1][:n]
    least = np.where(split[network.pre], 2, np.where(network.is_source[network.pre], 0, 1))
    later = least - network.delay
    shift = np.zeros(group.max(initial=0) + 1, dtype=np.int64)
    for _ in range(int(split.sum()) + shift.size + 1):
        before = shift.copy()
        np.maximum.at(shift, group[network.post], np.where(network.is_source[network.pre], 0, shift[group[network.pre]])
                      + later)  # fmt: skip
        if (shift == before).all():
            return np.where(network.is_source, 0, shift[group])
    growing = network.post[int(np.argmax(shift[group[network.post]] > before[group[network.post]]))]
    raise CapacityError("delay_ticks", f"a loop through neuron {growing}", 2, 1,
                        "a loop of neurons with splitters needs delays of 2 ticks for each; give it longer delays, or "
                        "place it on one core")  # fmt: skip


def _check_steady(network, shift):
    """A neuron that is shifted is one that silence leaves as it is, and that draws no random number."""
    drawing = {o.index for o in network.schedule for s in (*o.once, *o.each) if "keyed_" in s.expression}
    drawn = [p.name for k, p in enumerate(network.populations) if k in drawing and shift[p.start : p.stop].any()]
    later = np.flatnonzero((shift > 0) & _moves(network))
    if drawn or later.size:
        who = f"'{drawn[0]}', which draws at random," if drawn else f"neuron {later[0]}, which moves by itself,"
        raise ConfigError(f"{who} would fire {shift.max()} ticks later behind splitters, and do another thing there; "
                          "give ways through splitters delays of 2 or more ticks")  # fmt: skip


def _moves(network):
    """(n_neurons,) bool: changes its state, or fires, in a tick without input."""
    moves = np.zeros(network.n_neurons, dtype=bool)
    with Simulation(network.driven_by(Stimulus.silent(1))) as run:
        before = {key: values.copy() for key, values in run.state().items()}
        after = run.run(1).state()
        for p in network.populations:
            for name in p.state:
                moves[p.start : p.stop] |= before[p.name, name] != after[p.name, name]
        moves[run.finish().spikes().neuron] = True
    return moves


def _with_relays(network, pre, delay, origin):
    described = {p.name: p.size if p.is_source else cells_of(network, k) for k, p in enumerate(network.populations)}
    described |= {"splitters": TrueNorthCells(origin.size, weights=(1, 0, 0, 0), threshold=1)} if origin.size else {}
    kind = np.array([int(p.effects[0][0][1:]) for p in network.pathways], dtype=np.int64)[network.pathway_of]
    ways = (np.concatenate([pre, origin]), np.concatenate([network.post, network.n_neurons + np.arange(origin.size)]),
            np.concatenate([delay, np.ones_like(origin)]), np.concatenate([kind, np.zeros_like(origin)]))  # fmt: skip
    made = joined(described, grouped(described, *ways), seed=seed_of(network), stimulus=network.stimulus,
                  dt_ms=network.dt_ms)  # fmt: skip
    columns = {name: np.concatenate([getattr(network, name), getattr(network, name)[origin]])
               for name in ("key_lo", "key_hi", "token", "path_id")}  # fmt: skip
    return replace(made, paths=network.paths, **columns)
