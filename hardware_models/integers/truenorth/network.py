"""truenorth_network: a network described in TrueNorth's own terms, ready to be simulated."""

from dataclasses import dataclass

import numpy as np

from eventsim.compiled_network import Operation
from eventsim.errors import ConfigError
from hardware_models.integers.truenorth.neuron import N_TYPES, TrueNorthCells
from hardware_models.integers.wiring import network_of, populations_of, wired

__all__ = ["TrueNorthAxons", "grouped", "in_chip_order", "joined", "truenorth_network"]

#: Merolla et al., Science 345 (2014): 16 slots of a scheduler, one of which is in use.
_LONGEST_DELAY = 15


@dataclass(frozen=True, eq=False)
class TrueNorthAxons:
    """Axons from neurons of one population into one crossbar, a row each.

    Parameters
    ----------
    source, target : str
    pre : (n,) int
        The neuron that drives each axon, counted within its population. A neuron of the chip drives one axon in all.
    crossbar : (n, target size) bool
        Which neurons each axon reaches.
    kind : int or (n,) int
        Axon type, 0 to 3.
    delay_ticks : int or (n,) int
        1 to 15.
    """

    source: str
    target: str
    pre: object
    crossbar: object
    kind: object = 0
    delay_ticks: object = 1


def truenorth_network(populations, axons, *, seed=0, stimulus=None, dt_ms=1.0):
    """A network of TrueNorth neurons.

    Parameters
    ----------
    populations : mapping of str to TrueNorthCells or int
        An int is a number of spike sources.
    axons : sequence of TrueNorthAxons
    seed : int
        Of the random draws.
    stimulus : Stimulus, optional
    dt_ms : float
        Length of a tick.

    Returns
    -------
    CompiledNetwork

    Raises
    ------
    ConfigError
        A neuron with several targets, an axon type or delay out of range, an unknown population.
    """
    groups = []
    _require_one_target(populations, axons)
    for group in axons:
        pre, kind, delay = np.broadcast_arrays(group.pre, group.kind, group.delay_ticks)
        _require_range(group, kind, delay)
        row, reached = np.nonzero(np.asarray(group.crossbar))
        for g in np.unique(kind).tolist():
            own = kind[row] == g
            groups.append((group.source, group.target, g, pre[row[own]], reached[own], delay[row[own]]))
    return joined(populations, groups, seed=seed, stimulus=stimulus, dt_ms=dt_ms)


def joined(populations, groups, *, seed, stimulus, dt_ms):
    """The network of neurons and of synapses that an axon type has in common.

    Parameters
    ----------
    populations : mapping of str to TrueNorthCells or int
    groups : sequence of (source, target, kind, pre, post, delay_ticks)
        Names, an axon type, and (n,) int arrays of a synapse each, counted within the populations.
    seed, stimulus, dt_ms
        As in `truenorth_network`.

    Returns
    -------
    CompiledNetwork
    """
    made, pathways, post, first = populations_of(populations), [], [], 0
    for source, target, kind, pre, reached, delay in groups:
        name = f"{source}_to_{target}_type{kind}"
        pathway, targets, order = wired(name, (source, target), made, pre, reached, delay, f"n{kind}", first)
        pathways.append(pathway)
        post.append(targets)
        first += order.size
    schedule = in_chip_order(populations, len(pathways), seed)
    return network_of(made, pathways, post, [np.ones(targets.size) for targets in post], schedule, stimulus, dt_ms)


def grouped(populations, pre, post, delay_ticks, kind):
    """What `joined` takes, of synapses anywhere in a network.

    Parameters
    ----------
    populations : mapping of str to TrueNorthCells or int
    pre, post, delay_ticks, kind : (n,) int arrays
        Ids of the whole network.
    """
    sizes = [c if isinstance(c, int) else c.size for c in populations.values()]
    names, starts = list(populations), np.concatenate([[0], np.cumsum(sizes)])
    source, target = (np.searchsorted(starts, ids, side="right") - 1 for ids in (pre, post))
    group = (source * len(names) + target) * N_TYPES + kind
    order = np.argsort(group, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(group[order], prepend=-1)))[1:]:
        s, t = source[rows[0]], target[rows[0]]
        yield names[s], names[t], kind[rows[0]], pre[rows] - starts[s], post[rows] - starts[t], delay_ticks[rows]


def in_chip_order(populations, n_pathways, seed):
    """A tick: inputs, deliveries, then update, threshold, negative threshold and reset of each population."""
    cells = [(k, c) for k, c in enumerate(populations.values()) if isinstance(c, TrueNorthCells)]
    sources = [k for k, c in enumerate(populations.values()) if not isinstance(c, TrueNorthCells)]
    of_cells = zip(*(c.operations(k, seed) for k, c in cells))
    return (*(Operation("emit", k) for k in sources), *(Operation("deliver", k) for k in range(n_pathways)),
            *(operation for place in of_cells for operation in place))  # fmt: skip


def _require_one_target(populations, axons):
    for name in (name for name, cells in populations.items() if isinstance(cells, TrueNorthCells)):
        driven = [np.ravel(group.pre) for group in axons if group.source == name]
        axons_of = np.bincount(np.concatenate([np.empty(0, np.int64), *driven]).astype(np.int64), minlength=1)
        if axons_of.max() > 1:
            raise ConfigError(f"neuron {axons_of.argmax()} of '{name}' drives {axons_of.max()} axons, 1 "
                              "allowed; put a splitter neuron in between, or a copy of it")  # fmt: skip


def _require_range(group, kind, delay):
    for what, values, low, high in (("kind", kind, 0, N_TYPES - 1), ("delay_ticks", delay, 1, _LONGEST_DELAY)):
        if values.size and (values.min() < low or values.max() > high):
            raise ConfigError(f"axons {group.source} to {group.target}: {what} from {values.min()} to {values.max()}, "
                              f"{low} to {high} allowed")  # fmt: skip
