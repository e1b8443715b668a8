"""build_network: a Circuit becomes a brian2.Network of few objects."""

import zlib

import brian2
import numpy as np

from circuits.arguments import checked
from circuits.errors import require
from circuits.wiring import RESET, Wiring
from eventsim.compile import numpy_target
from eventsim.noise import keyed_uniform

__all__ = ["Plan", "build_network"]

#: Reset synapses act before the others of their tick; Brian2's own order for on_pre is -1.
_RESET_ORDER, _ORDER = -2, -1


class Plan:
    """Which Brian2 group and index each neuron of a circuit gets.

    Attributes
    ----------
    groups : list of (name, list of blocks)
        In order of name, as the compiler numbers them; blocks of one group share their model's signature.
    neuron_ids : (n_neurons,) int64
        Id of each neuron in the compiled network.
    group_of, index_of : (n_neurons,) int64
        Position in `groups`, and index within that group.
    """

    def __init__(self, circuit):
        by_signature = {}
        for block in circuit.blocks:
            by_signature.setdefault(block.model.signature, []).append(block)
        named = {}
        for blocks in by_signature.values():
            kind = blocks[0].model.kind
            twins = sum(other[0].model.kind == kind for other in named.values())
            named[kind + (f"_{twins + 1}" if twins else "")] = blocks
        self.groups = sorted(named.items())
        self.neuron_ids = np.empty(circuit.n_neurons, dtype=np.int64)
        self.group_of, self.index_of = np.empty_like(self.neuron_ids), np.empty_like(self.neuron_ids)
        start = 0
        for g, (_, blocks) in enumerate(self.groups):
            index = 0
            for block in blocks:
                members = slice(block.start, block.start + block.size)
                self.group_of[members] = g
                self.index_of[members] = np.arange(index, index + block.size)
                index += block.size
            members = self.group_of == g
            self.neuron_ids[members] = start + self.index_of[members]
            start += index


@checked()
def build_network(circuit, stimulus=None):
    """See Circuit.network."""
    require(circuit.blocks, f"circuit '{circuit.name}' has no neurons")
    with numpy_target():  # building needs no compiler; what runs the network later is the user's choice
        return _build(circuit, stimulus)


def _build(circuit, stimulus):
    plan = circuit.plan
    paths = sorted(block.path for block in circuit.blocks)
    clock = brian2.Clock(circuit.dt_ms * brian2.ms, name=f"{circuit.name}_clock")
    groups = [_group(name, blocks, paths, clock, circuit.dt_ms) for name, blocks in plan.groups]
    if stimulus is not None:
        _load_stimulus(groups, plan, stimulus, circuit.dt_ms)
    network = brian2.Network(*groups, *_synapses(circuit, plan, groups), name=f"{circuit.name}_network")
    network.path_table = tuple(paths)
    return network


def _group(name, blocks, paths, clock, dt_ms):
    columns = _columns(blocks, paths)
    model = blocks[0].model
    if model.kind == "source":
        group = brian2.SpikeGeneratorGroup(columns["token"].size, [], [] * brian2.ms, name=name, clock=clock)
        for column, values in columns.items():
            group.variables.add_array(column, size=values.size, dtype=np.int32, values=values, constant=True)
        return group
    values = {what: _gathered(blocks, lambda m, w=what: m.state[w]) for what in model.state}
    values = {f"{what}_start": start for what, start in values.items()}
    units = dict.fromkeys(values, "1") | {what: unit for what, (unit, _) in model.parameters.items()}
    values |= {what: _gathered(blocks, lambda m, w=what: m.parameters[w][1]) for what in model.parameters}
    shared = {what: bool((array == array[0]).all()) for what, array in values.items()}
    declared = [f"{what} : {units[what]} (constant{', shared' if shared[what] else ''})" for what in values]
    declared += [f"{column} : integer (constant)" for column in columns]
    group = brian2.NeuronGroup(
        columns["token"].size, "\n".join([model.equations, *declared]), threshold=model.threshold or None,
        reset=model.reset if model.threshold else None,
        refractory=model.refractory or False, method=model.method, name=name, clock=clock,
        namespace={"tick": dt_ms * brian2.ms, "keyed_uniform": keyed_uniform},
    )  # fmt: skip
    for what, array in (values | columns).items():
        group.variables[what].set_value(array[0] if shared.get(what) else array)
    for what in model.state:
        group.variables[what].set_value(values[f"{what}_start"])
    if model.each_tick:
        code, when = model.each_tick
        group.run_regularly(code, when=when, name=f"{name}_each_tick")
    return group


def _gathered(blocks, value_of):
    return np.concatenate([np.broadcast_to(value_of(b.model), b.shape).ravel() for b in blocks])


def _columns(blocks, paths):
    """The integer constants that travel with the neurons."""
    return {
        "key_lo": np.concatenate([b.key for b in blocks]).astype(np.int32),
        "key_hi": np.concatenate([np.full(b.size, path_key(b.path)) for b in blocks]).astype(np.int32),
        "token": np.concatenate([b.token for b in blocks]).astype(np.int32),
        "path_id": np.concatenate([np.full(b.size, paths.index(b.path)) for b in blocks]).astype(np.int32),
    }


def path_key(path):
    """The upper half of a neuron's random key: CRC-32 of its path, so that it depends on nothing else."""
    return np.uint32(zlib.crc32(path.encode())).astype(np.int32)


def _synapses(circuit, plan, groups):
    """One Synapses per source group, target group and variable."""
    whole = Wiring.joined(circuit.wirings)
    names = sorted({wiring.receptor or "" for wiring in circuit.wirings})
    receptor = np.repeat(
        np.array([names.index(wiring.receptor or "") for wiring in circuit.wirings], dtype=np.int64),
        [wiring.size for wiring in circuit.wirings],
    )
    kinds = (len(groups), len(groups), max(1, len(names)))
    kind = np.ravel_multi_index((plan.group_of[whole.pre], plan.group_of[whole.post], receptor), kinds)
    kinds_of = {}
    for k in np.flatnonzero(np.bincount(kind, minlength=1)):
        s, g, r = (int(index) for index in np.unravel_index(k, kinds))
        variable = _variable(plan.groups[g][1][0].model, names[r])
        kinds_of.setdefault((s, g, variable), []).append(k)
    made = []
    for (s, g, variable), ks in sorted(kinds_of.items()):
        chosen = np.flatnonzero(np.isin(kind, ks))
        part = Wiring(*(getattr(whole, column)[chosen] for column in ("pre", "post", "weight", "delay")))
        made.append(_pathway(part, groups[s], groups[g], plan.groups[g][1][0].model, variable, plan, circuit.dt_ms))
    return made


def _variable(model, receptor):
    """The state variable a receptor adds to; RESET stands for itself."""
    return RESET if receptor == RESET else model.receptors[receptor or next(iter(model.receptors))]


def _pathway(part, source, target, model, variable, plan, dt_ms):
    one_delay = np.unique(part.delay).size == 1
    restore = "\n".join(f"{state}_post = {state}_start_post" for state in model.state)
    synapses = brian2.Synapses(
        source, target, "" if variable == RESET else "weight : 1",
        on_pre=restore if variable == RESET else f"{variable}_post += weight",
        delay=part.delay[0] * dt_ms * brian2.ms if one_delay else None,
        name=f"{source.name}_to_{target.name}_{variable}", clock=source.clock,
    )  # fmt: skip
    synapses.pre.order = _RESET_ORDER if variable == RESET else _ORDER
    synapses.connect(i=plan.index_of[part.pre], j=plan.index_of[part.post])
    if variable != RESET:
        synapses.variables["weight"].set_value(part.weight)
    if not one_delay:
        synapses.pre.delay = part.delay * dt_ms * brian2.ms
    return synapses


def _load_stimulus(groups, plan, stimulus, dt_ms):
    starts = np.cumsum([0, *(len(group) for group in groups)])
    for group, start in zip(groups, starts, strict=False):
        mine = (stimulus.neuron >= start) & (stimulus.neuron < start + len(group))
        if isinstance(group, brian2.SpikeGeneratorGroup):
            group.set_spikes(stimulus.neuron[mine] - start, stimulus.tick[mine] * dt_ms * brian2.ms)
        else:
            require(not mine.any(), f"the stimulus drives '{group.name}', which is not a spike source")
