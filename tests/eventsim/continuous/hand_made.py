"""Compiled networks written by hand: populations of one model each, and synapses as columns."""

import numpy as np

from eventsim.compiled_network import CompiledNetwork, Operation, Pathway, Population, Statement
from eventsim.stimulus import Stimulus

__all__ = ["Cells", "escape", "exponential", "gate", "integrate", "lif", "network", "sources", "wires"]

TICK_MS = 0.1


class Cells:
    """A population and its operations, before it has a place in a network."""

    def __init__(self, name, size, *, state=None, rates=None, constants=None, condition="", reset=(), update=(),
                 refractory_s=None, guarded=(), parameters=None, source=False):  # fmt: skip
        self.name, self.size, self.source = name, size, source
        self.state = {k: np.broadcast_to(np.asarray(v, float), size).copy() for k, v in (state or {}).items()}
        self.rates, self.constants, self.parameters = rates or {}, constants or {}, parameters or {}
        self.condition, self.reset, self.update, self.refractory_s = condition, reset, update, refractory_s
        self.guards = dict.fromkeys(guarded, "not_refractory")
        if refractory_s is not None:
            self.state["not_refractory"] = np.ones(size)
            self.condition = f"({condition}) and not_refractory"

    def population(self, start):
        booleans = ("not_refractory",) if "not_refractory" in self.state else ()
        return Population(self.name, start, self.size, state=self.state, parameters=self.parameters,
                          is_source=self.source, guards=self.guards, booleans=booleans, rates=self.rates,
                          rate_constants=self.constants, refractory_s=self.refractory_s)  # fmt: skip

    def operations(self, k):
        if self.source:
            return {"emit": Operation("emit", k)}
        made = {}
        if self.update:
            made["update"] = Operation("update", k, each=_statements(self.update))
        if self.condition:
            condition = (Statement("_cond", ":=", self.condition),)
            made["threshold"] = Operation("threshold", k, each=condition, constants=self.constants)
        if self.reset:
            made["reset"] = Operation("reset", k, each=_statements(self.reset), constants=self.constants)
        return made


def _statements(texts):
    return tuple(Statement(*text.split(" ", 2)) for text in texts)


def sources(name, size):
    return Cells(name, size, source=True)


def lif(name, size, *, tau=0.02, drive=0.0, theta=20.0, reset=0.0, v=0.0, refractory_s=None, strict=False,
        guarded=True):  # fmt: skip
    """dv/dt = (drive - v)/tau."""
    constants = {"tau": tau, "drive": drive, "theta": theta, "v_reset": reset}
    hold = guarded and refractory_s is not None
    return Cells(name, size, state={"v": v}, constants=constants, condition=f"v {'>' if strict else '>='} theta",
                 rates={"v": "int(not_refractory)*(drive - v)/tau" if hold else "(drive - v)/tau"},
                 reset=("v = v_reset",), refractory_s=refractory_s, guarded=("v",) if hold else ())  # fmt: skip


def integrate(name, size, *, drive=0.0, theta=1.0, v=0.0):
    """dv/dt = drive, subtractive reset."""
    rates = {"v": "drive"} if drive else {}
    return Cells(name, size, state={"v": v}, rates=rates, constants={"drive": drive, "theta": theta},
                 condition="v >= theta", reset=("v -= theta",))  # fmt: skip


def gate(name, size, theta):
    return Cells(name, size, state={"v": 0.0}, constants={"theta": theta}, condition="v > theta", update=("v = 0",))


def exponential(name, size, *, rate, drift, u=0.0, current=0.0, v=0.5, tick_s=TICK_MS * 1e-3):
    """dv/dt = rate exp(u)/tick, du/dt = (current + drift)/tick, v -= 1 at 1."""
    constants = {"rate": rate, "drift": drift, "tick": tick_s}
    return Cells(name, size, state={"v": v, "u": u, "current": current}, constants=constants, condition="v >= 1",
                 rates={"v": "rate*exp(u)/tick", "u": "(current + drift)/tick"}, reset=("v -= 1",))  # fmt: skip


def escape(name, size, *, rate, drift, u=0.0, current=0.0, seed=0, keys=None, tick_s=TICK_MS * 1e-3):
    """Hazard rate exp(u) per tick, du/dt = (current + drift)/tick."""
    keys, none = np.arange(size) if keys is None else keys, np.zeros(size, dtype=np.int64)
    parameters = {"key_lo": np.asarray(keys, dtype=np.int64), "key_hi": none, "purpose": none, "seed": none + seed}
    parameters["log_odds"] = np.full(size, np.log(rate))
    condition = "keyed_uniform(key_lo, key_hi, t_in_timesteps, purpose, seed) < 1/(1 + exp(-(u + log_odds)))"
    return Cells(name, size, state={"u": u, "current": current}, constants={"drift": drift, "tick": tick_s},
                 rates={"u": "(current + drift)/tick"}, condition=condition, parameters=parameters)  # fmt: skip


def wires(source, target, pre, post, weight, delay=0, *, variable="v", effects=None):
    """One pathway; pre and post count within their populations, delay in ticks."""
    pre, post, weight, delay = np.broadcast_arrays(pre, post, np.asarray(weight, float), delay)
    return (
        source,
        target,
        pre.ravel(),
        post.ravel(),
        weight.ravel(),
        delay.ravel(),
        effects or ((variable, "add", "weight"),),
    )


def network(cells, synapses=(), *, spikes=(), ticks=1000, dt_ms=TICK_MS):
    """A CompiledNetwork of populations and pathways; `spikes` is (tick, neuron id) pairs of the sources."""
    starts = np.concatenate([[0], np.cumsum([c.size for c in cells])]).astype(int)
    index = {c.name: k for k, c in enumerate(cells)}
    pathways, posts, weights, first = [], [], [], 0
    for number, (source, target, pre, post, weight, delay, effects) in enumerate(synapses):
        s, g = index[source], index[target]
        delays, at = np.unique(delay, return_inverse=True)
        delays = delays if delays.size else np.zeros(1, int)
        order = np.lexsort((np.arange(pre.size), at, pre))
        filled = np.bincount(pre * delays.size + at, minlength=cells[s].size * delays.size)
        rows = np.concatenate([[0], np.cumsum(filled)]).astype(np.int64)
        pathways.append(Pathway(f"wires{number}", s, g, effects, {}, first, delays.astype(np.int32), rows))
        posts.append(post[order] + starts[g])
        weights.append(weight[order])
        first += pre.size
    made = [c.operations(k) for k, c in enumerate(cells)]
    schedule = [m[kind] for kind in ("emit", "update", "threshold") for m in made if kind in m]
    schedule += [Operation("deliver", k) for k in range(len(pathways))]
    schedule += [m["reset"] for m in made if "reset" in m]
    n = int(starts[-1])
    spikes = np.array(list(spikes), dtype=np.int64).reshape(-1, 2)
    zeros = np.zeros(n, np.int32)
    built = CompiledNetwork(
        dt_ms, tuple(c.population(int(starts[k])) for k, c in enumerate(cells)), tuple(pathways), tuple(schedule),
        np.concatenate([np.empty(0), *posts]).astype(np.int32), np.concatenate([np.empty(0), *weights]),
        np.arange(n, dtype=np.int32), zeros, zeros, zeros - 1, (),
        Stimulus.of(spikes[:, 0], spikes[:, 1], duration_ticks=ticks),
    )  # fmt: skip
    built.validate()
    return built
