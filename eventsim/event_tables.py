"""The event kernel's tables: a compiled network and its recognised models as flat arrays."""

import numpy as np

from eventsim.errors import CompileError
from eventsim.event_kernel import EFFECT, LANE, PATHWAY, Neurons, Wires
from eventsim.neurons import ESCAPE
from eventsim.neurons.affine import affine_form
from eventsim.neurons.cell import CELL, FURTHER, KIND, N_PARAMETERS, NOISE, STATE
from eventsim.philox import uniform_array

__all__ = ["neurons_of", "unit_exponentials", "wires_of"]


def neurons_of(network, models):
    """Neurons: those of a network at time 0."""
    n = network.n_neurons
    cells, further, noise, kinds = _aligned(n, CELL), np.zeros(n, FURTHER), np.zeros(n, NOISE), []
    cells["release_tick"] = -1
    for k, (population, model) in enumerate(zip(network.populations, models)):
        part = slice(population.start, population.stop)
        distinct, index = _kinds(population.size, k, model)
        cells["kind"][part] = index + sum(array.size for array in kinds)
        kinds.append(distinct)
        for name, variable in zip(STATE, model.variables):
            if variable:
                (cells if name == "x" else further)[name][part] = population.state[variable]
        if model.family == ESCAPE:
            for name, column in zip(NOISE.names, model.noise.T):
                noise[name][part] = column
            cells["x"][part] = unit_exponentials(noise[part])
    return Neurons(cells, further, np.concatenate([np.empty(0, KIND), *kinds]), noise)


def _kinds(size, population, model):
    """The distinct kinds of a population's neurons, and for each neuron which it is."""
    kinds = np.zeros(size, KIND)
    kinds["family"], kinds["population"], kinds["theta"] = model.family, population, model.theta
    kinds["strict"], kinds["guarded"], kinds["restless"] = model.strict, model.guarded, model.restless
    kinds["refractory_ticks"], kinds["refractory_part"] = divmod(model.refractory, 1.0)
    for place, name in enumerate(STATE):
        kinds[f"keep_{name}"], kinds[f"shift_{name}"] = model.keep[:, place], model.shift[:, place]
    for place in range(N_PARAMETERS):
        kinds[f"p{place}"] = model.parameters[:, place]
    if (kinds == kinds[0]).all():
        return kinds[:1], np.zeros(size, np.uint32)
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
                         len(effects) + len(own), plain))  # fmt: skip
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
    form = affine_form(value, target.parameters | pathway.constants, ("weight",), pathway.name)
    if form.exponentials:
        raise CompileError(pathway.name, f"the value '{value}', in continuous time", "multiples of the weight")
    filled = [np.broadcast_to(np.asarray(x, dtype=np.float64), target.size) for x in (form.of("weight"), form.constant)]
    return model.variables.index(variable), op == "set", *filled
