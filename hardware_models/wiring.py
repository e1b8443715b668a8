"""wired: rows of synapses as a Pathway, sorted as a CompiledNetwork holds them."""

import numpy as np

from eventsim.errors import ConfigError
from eventsim.network import Pathway

__all__ = ["wired"]


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
