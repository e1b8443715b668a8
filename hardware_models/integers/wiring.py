"""Cells and rows of synapses, described by hand, as the Populations and Pathways of a CompiledNetwork."""

import numpy as np

from eventsim.compiled_network import CompiledNetwork, Pathway, Population
from eventsim.errors import ConfigError
from eventsim.stimulus import Stimulus

__all__ = ["network_of", "populations_of", "wired"]


def populations_of(described):
    """The Populations, one after the other.

    Parameters
    ----------
    described : mapping of str to int or an object with `population(name, start)`
        An int is a number of spike sources.
    """
    made, start = [], 0
    for name, cells in described.items():
        if isinstance(cells, int | np.integer):
            made.append(Population(name, start, int(cells), is_source=True))
        else:
            made.append(cells.population(name, start))
        start = made[-1].stop
    return made


def network_of(populations, pathways, post, weight, schedule, stimulus, dt_ms):
    """The CompiledNetwork of these parts, checked; neurons are keyed by their ids and belong to no token.

    Parameters
    ----------
    populations, pathways, schedule : sequences
    post : sequence of (n,) int32
        Of each pathway, as `wired` returns it.
    weight : sequence of (n,) float64
        Of each pathway, in the order of `post`.
    stimulus : Stimulus or None
    dt_ms : float
    """
    n = populations[-1].stop if populations else 0
    none = np.full(n, -1, np.int32)
    network = CompiledNetwork(
        dt_ms=dt_ms, populations=tuple(populations), pathways=tuple(pathways), schedule=schedule,
        post=np.concatenate([np.empty(0, np.int32), *post]), weight=np.concatenate([np.empty(0), *weight]),
        key_lo=np.arange(n, dtype=np.int32), key_hi=np.zeros(n, np.int32), token=none, path_id=none, paths=(),
        stimulus=stimulus or Stimulus.silent(),
    )  # fmt: skip
    network.validate()
    return network


def wired(name, ends, populations, pre, post, delay_ticks, variable, first):
    """A pathway that adds each synapse's weight to one variable.

    Parameters
    ----------
    name : str
    ends : (str, str)
        Names of the sending and the receiving population.
    populations : sequence of Population
    pre, post, delay_ticks : int arrays that broadcast
        Neurons counted within their populations.
    variable : str
        Of the target.
    first : int
        Id of its first synapse.

    Returns
    -------
    pathway : Pathway
    post : (n,) int32
        Ids, in its order.
    order : (n,) int
        Its synapses, as rows of the arguments.

    Raises
    ------
    ConfigError
        An unknown population, a neuron outside it, a target off the chip, or a spike of the chip that takes no tick.
    """
    names = [p.name for p in populations]
    for unknown in (end for end in ends if end not in names):
        raise ConfigError(f"synapses name the population '{unknown}'; there are {', '.join(names)}")
    source, target = (populations[names.index(end)] for end in ends)
    pre, post, delay = np.broadcast_arrays(pre, post, delay_ticks)
    for ids, population in ((pre, source), (post, target)):
        if ids.size and not (ids.min() >= 0 and ids.max() < population.size):
            raise ConfigError(f"synapses '{name}': a neuron outside '{population.name}', which has {population.size}")
    soonest = 0 if source.is_source else 1
    if target.is_source or (delay.size and delay.min() < soonest):
        raise ConfigError(f"synapses '{name}' must reach neurons of the chip, after {soonest} or more ticks")
    order = np.lexsort((delay, pre))
    delays = np.unique(delay).astype(np.int32) if delay.size else np.ones(1, np.int32)
    row = pre[order] * delays.size + np.searchsorted(delays, delay[order])
    rows = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=source.size * delays.size))]).astype(np.int64)
    pathway = Pathway(name, names.index(ends[0]), names.index(ends[1]), ((variable, "add", "weight"),), {}, first,
                      delays, rows)  # fmt: skip
    return pathway, (post[order] + target.start).astype(np.int32), order
