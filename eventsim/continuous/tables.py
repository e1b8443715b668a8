"""The event kernel's tables: a compiled network, its recognised models and its cores as flat arrays."""

import numpy as np

from eventsim.continuous.arrays import EFFECT, LANE, PATHWAY, Counters, Neurons, Sampling, Wires
from eventsim.counts import KINDS
from eventsim.errors import CompileError, ConfigError
from eventsim.network_parts import EFFECTS
from eventsim.neurons import ESCAPE
from eventsim.neurons.affine import affine_form
from eventsim.neurons.cell import CELL, FURTHER, KIND, N_PARAMETERS, NOISE, STATE
from eventsim.neurons.steps import changes_of
from eventsim.philox import uniform_array

__all__ = ["counters_of", "kinds_of", "neurons_of", "sampling_of", "unit_exponentials", "wires_of"]


def neurons_of(network, models):
    """Neurons: those of a network at time 0."""
    n = network.n_neurons
    cells, further, noise, kinds = _aligned(n, CELL), np.zeros(n, FURTHER), np.zeros(n, NOISE), []
    cells["release_tick"] = -1
    for k, (population, model) in enumerate(zip(network.populations, models)):
        part = slice(population.start, population.stop)
        changes = changes_of(network, k).size > 0
        own = kinds_of(k, model, changes)
        distinct, index = (own, np.arange(own.size)) if changes else _distinct(own)
        cells["kind"][part] = index + sum(array.size for array in kinds)
        kinds.append(distinct)
        for name, variable in zip(STATE, model.variables):
            if variable:
                (cells if name == "x" else further)[name][part] = population.state[variable]
        if model.family == ESCAPE:
            for name, column in zip(NOISE.names or (), model.noise.T):
                noise[name][part] = column
            cells["x"][part] = unit_exponentials(noise[part])
    kinds = np.concatenate([np.empty(0, KIND), *kinds])
    restless = np.flatnonzero(kinds["restless"][cells["kind"]])
    return Neurons(cells, further, kinds, noise, restless, np.full(len(models), -1, np.int64))


def kinds_of(population, model, changes):
    """(n,) records of KIND: the kind of each neuron of a population; `changes` says whether they do with time."""
    kinds = np.zeros(model.theta.size, KIND)
    kinds["family"], kinds["population"], kinds["theta"] = model.family, population, model.theta
    kinds["strict"], kinds["guarded"], kinds["restless"] = model.strict, model.guarded, model.restless or changes
    kinds["refractory_ticks"], kinds["refractory_part"] = np.divmod(model.refractory, 1.0)
    for place, name in enumerate(STATE):
        kinds[f"keep_{name}"], kinds[f"shift_{name}"] = model.keep[:, place], model.shift[:, place]
    for place in range(N_PARAMETERS):
        kinds[f"p{place}"] = model.parameters[:, place]
    return kinds


def _distinct(kinds):
    """The distinct ones, and for each which it is."""
    bits = kinds.view(np.uint64).reshape(kinds.size, -1)
    if (bits == bits[0]).all():
        return kinds[:1], np.zeros(kinds.size, np.uint32)
    _, first, index = np.unique(kinds.view(f"V{KIND.itemsize}"), return_index=True, return_inverse=True)
    return kinds[first], index


def _aligned(n, dtype):
    """Zeros that begin at a multiple of the record's size, so that none lies across two cache lines."""
    raw = np.zeros((n + 1) * dtype.itemsize, np.uint8)
    skip = -raw.ctypes.data % dtype.itemsize
    return raw[skip : skip + n * dtype.itemsize].view(dtype)


def unit_exponentials(noise):
    """(n,) float64: the unit exponential variate that each neuron's number of draws stands for."""
    return -np.log(uniform_array(*(noise[name] for name in ("key_lo", "key_hi", "draws", "purpose", "seed"))))


def wires_of(network, models):
    """The synapses of a network, what a delivery over each pathway does, and the lanes."""
    pathways, effects, slopes, intercepts, n_values = [], [], [], [], 0
    starts = [population.start for population in network.populations]
    rows_at = np.cumsum([0, *(p.rows.size for p in network.pathways)])
    for p, at in zip(network.pathways, rows_at):
        own = [_effect(network, models, p, effect) for effect in p.effects]
        plain = tuple(p.effects) == ((models[p.target].variables[0], "add", "weight"),)
        pathways.append((at, p.delays.size, p.first, starts[p.source], starts[p.target], len(effects),
                         len(effects) + len(own), plain, p.weighted))  # fmt: skip
        for place, sets, slope, intercept in own:
            effects.append((place, sets, n_values))
            slopes.append(slope)
            intercepts.append(intercept)
            n_values += slope.size
    lanes, lanes_of, lanes_at = _lanes(network)
    return Wires(
        post=network.post, weight=network.weight,
        rows=np.concatenate([np.empty(0, np.int64), *(p.rows for p in network.pathways)]),
        pathways=np.array(pathways, PATHWAY), effects=np.array(effects, EFFECT),
        slope=np.concatenate([np.empty(0), *slopes]), intercept=np.concatenate([np.empty(0), *intercepts]),
        lanes=lanes, lanes_of=lanes_of, lanes_at=lanes_at,
    )  # fmt: skip


def _lanes(network):
    """One lane for each delay of each pathway, in schedule order, longest delay first; and those of each population."""
    order = [o.index for o in network.schedule if o.kind == "deliver"]
    numbered = [(p, d) for p in order for d in reversed(range(network.pathways[p].delays.size))]
    lanes = np.array([(p, d, network.pathways[p].delays[d], -1) for p, d in numbered], LANE)
    source = np.array([network.pathways[p].source for p, _ in numbered], dtype=np.int64)
    lanes_of = np.argsort(source, kind="stable").astype(np.int64)
    return lanes, lanes_of, np.searchsorted(source[lanes_of], np.arange(len(network.populations) + 1)).astype(np.int64)


def _effect(network, models, pathway, effect):
    """(state place, whether it sets, slope, intercept) of one effect; the last two are (target.size,) float64."""
    variable, op, value = effect
    target, model = network.populations[pathway.target], models[pathway.target]
    if variable not in model.variables:
        places = ", ".join(v for v in model.variables if v) or "none"
        raise CompileError(pathway.name, f"an effect on '{variable}' of '{target.name}', in continuous time",
                           f"effects on its variables {places}")  # fmt: skip
    if op not in ("add", "set"):
        raise CompileError(pathway.name, f"'{variable}' {EFFECTS[op]} '{value}', in continuous time", "+= and =")
    form = affine_form(value, target.parameters | pathway.constants, ("weight",), pathway.name)
    if form.exponentials:
        raise CompileError(pathway.name, f"the value '{value}', in continuous time", "multiples of the weight")
    filled = [np.broadcast_to(np.asarray(x, dtype=np.float64), target.size) for x in (form.of("weight"), form.constant)]
    return model.variables.index(variable), op == "set", *filled


def counters_of(network, core_of, row_room):
    """Counters at zero, for neurons on cores."""
    n_slots = int(core_of.max(initial=0)) + 2
    slot_of = (core_of + 1).astype(np.uint16 if n_slots <= 1 << 16 else np.int32)  # small, so as to stay in a cache
    pairs = np.unique(network.pre.astype(np.int64) * n_slots + slot_of[network.post])
    n_places = n_slots * len(KINDS)
    rows = (np.empty(row_room + 2 * n_places, dtype) for dtype in (np.int64, np.int32, np.uint8, np.int64))
    return Counters(
        slot_of, pairs % n_slots, np.searchsorted(pairs // n_slots, np.arange(network.n_neurons + 1)).astype(np.int64),
        np.zeros(n_places, np.int64), np.empty(n_places, np.int64), np.zeros((n_slots, n_slots), np.int64),
        np.zeros(len(network.pathways), np.int64), *rows,
    )  # fmt: skip


def sampling_of(network, models, recorded, every, room):
    """What is sampled of (variable, neuron) pairs; raises ConfigError for what no neuron has."""
    starts, places = np.array([p.start for p in network.populations]), []
    for variable, neuron in recorded:
        inside = 0 <= neuron < network.n_neurons
        names = models[np.searchsorted(starts, neuron, side="right") - 1].variables if inside else ()
        if not variable or variable not in names:
            own = ", ".join(name for name in names if name) or "no variables"
            there_are = own if inside else f"neurons 0 to {network.n_neurons - 1}"
            raise ConfigError(
                f"cannot record '{variable}' of neuron {neuron} in continuous time; there are: {there_are}"
            )
        places.append(names.index(variable))
    neurons = np.array([neuron for _, neuron in recorded], dtype=np.int64)
    return Sampling(
        neurons, np.array(places, dtype=np.int64), np.array([every]), np.empty(room, np.int64),
        np.empty(room * neurons.size), np.zeros(1, CELL), np.zeros(1, FURTHER),
    )  # fmt: skip
