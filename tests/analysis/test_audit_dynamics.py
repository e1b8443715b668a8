"""The laws of what neurons do are proved on kernels that were handed a slightly different network, and on forged files.

Everything that is counted follows from the spikes that such a kernel gives, so that only a replay can tell.
"""

import re
from dataclasses import replace

import h5py
import numpy as np
import pytest

from analysis.audit import audit
from analysis.audit.recount import recount_deliveries, recount_events
from eventsim import open_trace
from eventsim.arrays import decode_json, encode_json
from eventsim.trace import schema


def _with(network, kind, population, change):
    """The network with the operation of that kind and population changed."""
    names = [p.name for p in network.populations]
    schedule = tuple(
        change(o) if o.kind == kind and names[o.index] == population else o for o in network.schedule
    )  # fmt: skip
    assert schedule != network.schedule
    return replace(network, schedule=schedule)


def _rewritten(old, new, part="each"):
    """A change of the text of an operation's statements."""

    def change(operation):
        statements = tuple(replace(s, expression=s.expression.replace(old, new)) for s in getattr(operation, part))
        assert statements != getattr(operation, part)
        return replace(operation, **{part: statements})

    return change


def _constant(name, factor):
    return lambda operation: replace(operation, constants=operation.constants | {
        name: type(operation.constants[name])(operation.constants[name] * factor)})  # fmt: skip


def _population(name, **changes):
    return lambda network: replace(network, populations=tuple(
        replace(p, **{key: change(p) for key, change in changes.items()}) if p.name == name else p
        for p in network.populations))  # fmt: skip


def _restless(network):
    """A refractory neuron integrates, and takes what is delivered."""
    network = _with(network, "update", "tired", _rewritten("where(not_refractory,", "where(True,"))
    return _population("tired", guards=lambda p: {})(network)


def _awake(network):
    """Nobody is refractory: neither the threshold nor what integrates asks."""
    return _with(_restless(network), "threshold", "tired", _rewritten("and not_refractory", "and True"))


def _effect(value):
    return lambda network: replace(network, pathways=tuple(
        replace(p, effects=tuple((v, op, value) for v, op, _ in p.effects)) for p in network.pathways))  # fmt: skip


def _other_weights(network):
    weight = network.weight.copy()
    weight[network.pathway_of == 1] *= 1.5
    return replace(network, weight=weight)


#: Name -> (what the kernel is handed in place of the network, laws that must fail).
HANDED = {
    "refractoriness is ignored": (_awake, {"refractory", "justified"}),
    "a refractory period ends two ticks early": (
        lambda n: _with(n, "update", "tired", _constant("_lio_1", 0.5)), {"refractory", "justified"}),
    "a refractory period ends a tick early": (
        lambda n: _with(n, "update", "tired", _constant("_lio_1", 0.75)), {"justified"}),
    "a refractory period ends a tick late": (
        lambda n: _with(n, "update", "tired", _constant("_lio_1", 1.25)), {"silences"}),
    "a refractory neuron integrates": (_restless, {"justified"}),
    "a refractory neuron takes deliveries": (_population("tired", guards=lambda p: {}), {"silences"}),
    ">= becomes > at the threshold": (
        lambda n: _with(n, "threshold", "integrate", _rewritten(">=", ">")), {"silences"}),
    "> becomes >= at the threshold": (
        lambda n: _with(n, "threshold", "gate", _rewritten(">", ">=")), {"justified"}),
    "a potential is not reset": (
        lambda n: _with(n, "reset", "lif", _rewritten("v_reset", "v")), {"justified"}),
    "a reset subtracts too much": (
        lambda n: _with(n, "reset", "integrate", _rewritten("v_th", "2 * v_th")), {"silences"}),
    "a reset takes the place of a subtraction": (
        lambda n: _with(n, "reset", "integrate", lambda o: replace(
            o, each=tuple(replace(s, op="=", expression="0") for s in o.each))), {"silences"}),
    "a membrane leaks too slowly, by a hundredth": (
        lambda n: _with(n, "update", "lif", _constant("_lio_1", 1.01)), {"justified"}),
    "a membrane does not leak": (lambda n: _with(n, "update", "lif", _constant("_lio_1", 1.2)), {"justified"}),
    "a gate remembers": (lambda n: _with(n, "update", "gate", _rewritten("0", "v")), {"justified"}),
    "a delivery adds too little": (_effect("0.9 * weight"), {"justified", "silences"}),
    "a delivery adds its weight twice": (_effect("2 * weight"), {"justified", "silences"}),
    "neurons start elsewhere": (
        _population("lif", state=lambda p: {"v": p.state["v"] + 0.9}), {"justified"}),
    "weights of one pathway are others": (_other_weights, {"justified", "received"}),
    "thresholds are lower by a tenth": (
        _population("integrate", parameters=lambda p: {k: 0.9 * v for k, v in p.parameters.items()}), {"justified"}),
}  # fmt: skip


@pytest.mark.parametrize("name", HANDED)
def test_a_kernel_with_other_neurons_is_caught(name, sound, run, caught):
    handed, laws = HANDED[name]
    report = audit(run(sound.model, handed=handed), sound.placement)
    caught("neurons", name, report, laws)
    counted = {"columns", "hashes", "stimulus", "order", "deliveries", "record", "counts", "cores", "messages"}
    assert not counted & {law.name for law in report.laws if law.verdict == "failed"}


def test_a_kernel_that_is_handed_the_network_itself_passes(sound, run):
    assert audit(run(sound.model, handed=lambda network: network), sound.placement).passed


# -- files in which everything that is counted was made to fit


@pytest.fixture
def forged(sound, tmp_path):
    """A function (change of the list of spikes) -> the trace with those spikes, every count and hash made to fit."""

    def forge(change):
        path = tmp_path / "forged.h5"
        path.write_bytes(sound.trace.path.read_bytes())
        spikes = set(zip(sound.trace.spikes().tick.tolist(), sound.trace.spikes().neuron.tolist()))
        with h5py.File(path, "r+") as file:
            del file[schema.EVENTS]
            _write_spikes(file, sound.model.network, sorted(change(spikes)))
            _sign(file)
        with open_trace(path) as trace:
            due, counts = recount_deliveries(trace), recount_events(trace, trace.counts().core_of)
        with h5py.File(path, "r+") as file:
            columns = {schema.DELIVERED: due.arrived, schema.RECEIVED_COUNT: due.received,
                       schema.RECEIVED_WEIGHT: due.weight}  # fmt: skip
            columns |= {f"{schema.COUNTS}/{name}": values for name, values in counts.to_arrays().items()}
            for name, values in columns.items():
                _rewrite(file, name, values)
            _sign(file)
        return open_trace(path)

    return forge


def _rewrite(file, name, values):
    attributes, dtype = dict(file[name].attrs), file[name].dtype
    del file[name]
    schema.store(file, name, np.asarray(values, dtype=dtype))
    file[name].attrs.update(attributes)


def _write_spikes(file, network, spikes):
    tick, neuron = np.array(spikes).T
    for p in network.populations:
        own = (neuron >= p.start) & (neuron < p.stop)
        columns = {"ticks": tick[own], "node_ids": neuron[own] - p.start, "timestamps": tick[own] * network.dt_ms}
        for name, values in columns.items():
            _rewrite(file, f"spikes/{p.name}/{name}", values)


def _sign(file):
    manifest = decode_json(file[schema.MANIFEST][:], "manifest")
    manifest = {key: value for key, value in manifest.items() if not key.startswith("synaptic_events")}
    manifest["counts_hash"], manifest["spikes_hash"] = schema.stored_hash(file[schema.COUNTS]), schema.spikes_hash(file)
    for name in ("received", "delivered"):
        manifest[f"{name}_hash"] = schema.stored_hash(file[getattr(schema, name.upper())])
    _rewrite(file, schema.MANIFEST, encode_json(manifest))


def _moved(sound):
    spike = (sound.at.sink_tick, sound.at.sink)
    return lambda spikes: spikes - {spike} | {(spike[0] + 1, spike[1])}


def _added(sound):
    network = sound.model.network
    silent = network.population("lif").start, network.population("lif").stop

    def add(spikes):
        free = [(t, i) for t in range(3, 50) for i in range(*silent) if (t, i) not in spikes]
        return spikes | {free[len(free) // 2]}

    return add


#: Name -> (a function of the sound run that gives the change, laws that must fail; no other does).
FORGED = {
    "a spike is moved by a tick, and every count follows": (_moved, {"silences"}),
    "a spike is added, and every count follows": (_added, {"justified"}),
    "a spike is removed, and every count follows": (
        lambda sound: lambda spikes: spikes - {(sound.at.sink_tick, sound.at.sink)}, {"silences"}),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_file_in_which_every_count_fits_is_caught_by_the_replay_alone(name, forged, sound, caught):
    change, laws = FORGED[name]
    report = audit(forged(change(sound)))
    caught("forged", name, report, laws)
    assert {law.name for law in report.laws if law.verdict == "failed"} <= {"justified", "silences"}


def test_a_file_that_was_rewritten_without_a_change_passes(forged):
    report = audit(forged(lambda spikes: spikes))
    assert report.passed, str(report)
    assert report["record"].verdict == "not checkable"


# -- the record of deliveries


def _record(file, change):
    columns = {name: file[f"{schema.EVENTS}/{name}"][:] for name in ("tick", "end", "synapse")}
    for name, values in change(columns).items():
        _rewrite(file, f"{schema.EVENTS}/{name}", values)


def _drop_first(columns):
    rows = np.split(columns["synapse"], columns["end"][:-1])
    k = next(k for k, row in enumerate(rows) if row.size > 1)
    rows[k] = rows[k][1:]
    return {"synapse": np.concatenate(rows), "end": np.cumsum([row.size for row in rows])}


def _other_synapse(columns):
    synapse = columns["synapse"].copy()
    first = int(columns["end"][0])
    free = np.setdiff1d(np.arange(synapse.max()), synapse[:first])
    synapse[:first] = np.sort([*synapse[: first - 1], free[0]])
    return {"synapse": synapse}


def _late(columns):
    """One delivery of a tick that is not the last moves to the next."""
    rows = np.split(columns["synapse"], columns["end"][:-1])
    k = next(k for k in range(len(rows) - 1) if rows[k].size > 1 and columns["tick"][k + 1] == columns["tick"][k] + 1
             and not np.isin(rows[k][0], rows[k + 1]))  # fmt: skip
    rows[k : k + 2] = rows[k][1:], np.sort([*rows[k + 1], rows[k][0]])
    return {"synapse": np.concatenate(rows), "end": np.cumsum([row.size for row in rows])}


#: Name -> what is done to the columns of the record.
RECORD = {
    "a delivery is missing from the record": _drop_first,
    "a delivery is recorded of another synapse": _other_synapse,
    "a delivery is recorded a tick late": _late,
}  # fmt: skip


@pytest.mark.parametrize("name", RECORD)
def test_a_changed_record_is_caught(name, sound, tmp_path, caught):
    path = tmp_path / "record.h5"
    path.write_bytes(sound.trace.path.read_bytes())
    with h5py.File(path, "r+") as file:
        _record(file, RECORD[name])
    report = audit(open_trace(path))
    caught("record", name, report, {"record", "hashes"})
    assert {law.name for law in report.laws if law.verdict == "failed"} == {"record", "hashes"}
    assert re.match(r"synapse \d+ onto neuron \d+ .* on core \d at tick \d+: a delivery is", report["record"].detail)
