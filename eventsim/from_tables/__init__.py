"""network: two tables, of neurons and of synapses, become a CompiledNetwork without Brian2.

The statements are those that Brian2's exact integrator and its optimiser give for the equations below, in the same
association order and with constants evaluated by numpy, so that the spikes are those of the same network in Brian2.

    model      equations                                   threshold    reset
    source     none: it fires when the stimulus says so
    lif        dv/dt = (drive - v)/tau, held while          v >= v_th    v = v_reset
               refractory
    lif_exp    the same with two exponential currents      v >= v_th    v = v_reset
    lif_alpha  the same with an alpha current              v >= v_th    v = v_reset
    integrate  dv/dt = drive per tick                       v >= v_th    v -= v_th
    gate       v forgets at the end of each tick            v > v_th

A synapse adds its weight after the threshold test of its tick, as Brian2's `on_pre="v_post += w"`: to v or, in the last
two leaky models, to a current (see `eventsim.from_tables.currents`).
"""

import numpy as np

from eventsim.arguments import number_above_zero
from eventsim.compiled_network import CompiledNetwork, Operation
from eventsim.errors import ConfigError
from eventsim.from_tables.columns import columns_of, integers
from eventsim.from_tables.models import MODELS, NUMBERS, groups_of
from eventsim.from_tables.wiring import SYNAPSE_COLUMNS, wire
from eventsim.stimulus import Stimulus

__all__ = ["MODELS", "network"]

_KEYS = ("key_lo", "key_hi", "token")
_LONGEST_TICK_MS = 1e12  # thirty years: a slip of the pen


def network(neurons, synapses, *, dt_ms=1.0, model=None, max_bytes=None):
    """A network from a table of neurons and a table of synapses.

    Parameters
    ----------
    neurons : pandas.DataFrame or mapping of str to (n_neurons,) array or scalar
        Row k is neuron k. Columns: `model`, one of MODELS; `population`, a name (the model's by default), whose rows
        follow each other; the columns of the model, NaN for its default and where the model has no such column;
        `key_lo`, `key_hi`, `token`, integers that travel with the neuron.
    synapses : pandas.DataFrame or mapping of str to (n_synapses,) array or scalar
        Columns `pre`, `post` (rows of `neurons`), `weight`, `delay_ms`.
    dt_ms : float
        Length of a tick.
    model : str, optional
        The model of all neurons, in place of the column.
    max_bytes : int, optional
        Memory that sorting the synapses may take; what the machine has available if left out.

    Returns
    -------
    CompiledNetwork
        With a silent stimulus.

    Raises
    ------
    ConfigError
        Naming the column and the row at fault.
    CapacityError
        When there is not enough memory; none of it has been taken then.

    Examples
    --------
    >>> pair = network({"model": ["source", "lif"], "tau_ms": [float("nan"), 20.0]},
    ...                {"pre": [0], "post": [1], "weight": [1.5], "delay_ms": [2.0]})
    >>> pair.n_neurons, pair.n_synapses
    (2, 1)
    """
    dt_ms = number_above_zero("dt_ms", dt_ms, _LONGEST_TICK_MS)
    neurons = columns_of(neurons, "neurons", ("model", "population", *NUMBERS, *_KEYS))
    groups = groups_of(neurons, model, dt_ms * 1e-3)
    if not groups:
        raise ConfigError("neurons: the table has no rows; a network needs a neuron")
    n_neurons = groups[-1].start + groups[-1].size
    synapses = columns_of(synapses, "synapses", SYNAPSE_COLUMNS)
    pathways, post, weight = wire(synapses, groups, n_neurons, dt_ms, max_bytes)
    index = np.concatenate([np.arange(g.size) for g in groups])
    order = np.repeat(np.arange(len(groups)), [g.size for g in groups])
    keys = {"key_lo": index, "key_hi": order, "token": np.full(n_neurons, -1)}
    made = CompiledNetwork(
        dt_ms=dt_ms, populations=tuple(g.population() for g in groups), pathways=pathways,
        schedule=_schedule(groups, pathways), post=post, weight=weight, path_id=np.full(n_neurons, -1, np.int32),
        paths=(), stimulus=Stimulus.silent(),
        **{name: integers(neurons, "neurons", name, default).astype(np.int32) for name, default in keys.items()},
    )  # fmt: skip
    made.validate()
    return made


#: Brian2's slots that are used, in its order within a tick.
_SLOTS = ("groups", "thresholds", "before_synapses", "synapses", "resets")


def _schedule(groups, pathways):
    """All operations in Brian2's order: by slot, and by name within it."""
    parts = [(_SLOTS.index(slot), name, Operation(kind, k, **rest))
             for k, g in enumerate(groups) for slot, name, kind, rest in g.operations]  # fmt: skip
    parts += [(_SLOTS.index("synapses"), p.name, Operation("deliver", k)) for k, p in enumerate(pathways)]
    return tuple(operation for _, _, operation in sorted(parts, key=lambda part: part[:2]))
