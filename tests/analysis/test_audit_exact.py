"""The replay in continuous time: it passes what is exact, and sees engines that are off by a millionth.

Everything that is counted follows from the spikes that a broken engine gives, so that only a replay can tell.
"""

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import h5py
import numpy as np
import pytest

import eventsim
from analysis.audit import audit, diverge, exact_replay, recount, why
from analysis.audit.exact_replay import ExactReplay
from eventsim.arrays import decode_json, encode_json
from eventsim.continuous import ContinuousEngine
from eventsim.trace import schema
from tests.eventsim.continuous import hand_made
from tests.support.audits import failed

TICKS = 900
_COUNTED = {"columns", "hashes", "stimulus", "order", "deliveries", "received", "counts", "cores", "messages"}


def _cells(rng):
    """A population of each family that there is in continuous time."""
    two = {"tau": 0.01, "drive": 0.95, "s": 0.003, "r": 0.006, "theta": 1.0}
    slow = {"tau": 0.01, "drive": 1.7, "rest": 0.9, "slow": 0.02}
    return [
        hand_made.sources("input", 5),
        hand_made.lif("driven", 4, tau=0.008, drive=1.3, theta=1.0, v=rng.uniform(0, 1, 4), refractory_s=1.05e-3),
        hand_made.lif("open", 3, tau=0.02, theta=1.0, refractory_s=2e-3, guarded=False),
        hand_made.Cells("two", 4, state={"v": rng.uniform(0, 1, 4), "a": 0.0, "b": 0.0}, constants=two,
                        rates={"v": "(drive + a + b - v)/tau", "a": "-a/s", "b": "-b/r"}, condition="v > theta",
                        reset=("v = 0",)),
        hand_made.Cells("alpha", 2, state={"v": 0.0, "a": 0.0, "b": 0.0}, constants=two, condition="v > theta",
                        rates={"v": "(a - v)/tau", "a": "(b - a)/s", "b": "-b/s"}, reset=("v = 0",)),
        hand_made.Cells("adapts", 2, state={"v": 0.0, "theta": [1.0, 1.2]}, constants=slow, condition="v > theta",
                        rates={"v": "(drive - v)/tau", "theta": "(rest - theta)/slow"},
                        reset=("v = 0", "theta += 0.25")),
        hand_made.integrate("ramps", 2, drive=900.0, v=[0.0, 0.3]), hand_made.integrate("counts", 3),
        hand_made.gate("gates", 2, 0.75),
        hand_made.exponential("grows", 2, rate=0.02, drift=0.001), hand_made.escape("noisy", 5, rate=0.03, drift=0.002),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def made():
    """A network of all families, with ties, delays of 0, weights of 0, and something that each of them receives."""
    rng = np.random.default_rng(2)
    cells = _cells(rng)
    sizes = {c.name: c.size for c in cells}

    def wire(source, target, n, low, high, delays, variable="v"):
        return hand_made.wires(source, target, rng.integers(0, sizes[source], n), rng.integers(0, sizes[target], n),
                               rng.integers(low, high, n) / 8, rng.choice(delays, n), variable=variable)  # fmt: skip

    synapses = [
        wire("input", "driven", 8, -2, 4, (0, 3)), wire("input", "open", 9, 1, 9, (1,)),
        wire("input", "counts", 8, 0, 14, (2,)), wire("input", "two", 10, 0, 6, (1, 4), "a"),
        wire("two", "two", 6, -4, 1, (5,), "b"), wire("driven", "counts", 8, 0, 9, (0, 7)),
        hand_made.wires("input", "gates", [0, 1, 2, 3, 4], [0, 0, 1, 1, 0], [0.75, 0.5, 0.5, 0.875, 1.0], 1),
        wire("input", "alpha", 6, 4, 20, (2,), "b"),
        wire("two", "ramps", 4, -4, 2, (3,)), wire("noisy", "adapts", 5, -1, 2, (1,)),
        wire("input", "grows", 4, -2, 2, (1,), "u"), wire("grows", "noisy", 6, -2, 1, (1, 2), "u"),
        wire("input", "noisy", 4, -1, 2, (0,), "u"),
    ]  # fmt: skip
    chosen = np.unique(rng.integers(0, 5 * TICKS, 260))
    return hand_made.network(cells, synapses, spikes=[(c // 5, c % 5) for c in chosen.tolist()], ticks=TICKS)


@pytest.fixture(scope="module")
def run(made):
    """A function (handed, host_resets, trace) -> Trace: the engine given `handed(network)` in the network's place."""
    core_of = np.where(made.is_source, -1, np.arange(made.n_neurons) % 4)

    def simulate(handed=lambda network: network, host_resets=(), trace=None):
        stimulus, original = made.stimulus, ContinuousEngine.__init__
        if host_resets:
            edges = np.array([0, *host_resets, TICKS])
            queries = np.column_stack([edges[:-1], edges[1:]])
            stimulus = type(stimulus).of(stimulus.tick, stimulus.neuron, queries, None, "host", TICKS)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ContinuousEngine, "__init__", lambda e, n, *a, **k: original(e, handed(n), *a, **k))
            return eventsim.simulate(made, stimulus, clock="continuous", core_of=core_of, trace=trace)

    return simulate


@pytest.fixture(scope="module")
def sound(run, tmp_path_factory):
    return run(trace=tmp_path_factory.mktemp("exact") / "run.h5")


def _fired(trace):
    return {p.name: len(trace.spikes(p.name)) for p in trace.network.populations}


@pytest.mark.parametrize("resets", [(), (250, 600)])
def test_every_spike_and_stretch_of_every_family_is_justified(run, made, resets):
    trace = run(host_resets=resets)
    report = audit(trace, neurons="all")
    assert not failed(report), str(report)
    fired = _fired(trace)
    assert min(fired.values()) > 3, fired
    assert report["justified"].checked == trace.n_spikes - fired["input"]
    assert report["silences"].checked > 2 * report["justified"].checked
    assert "not checkable" not in report["justified"].detail


def test_windows_and_the_choice_of_neurons_change_no_verdict(sound, made, monkeypatch):
    everyone = np.flatnonzero(~made.is_source)
    whole = ExactReplay(sound, everyone)
    whole.run()
    alone = [ExactReplay(sound, [i]) for i in everyone]
    for one in alone:
        one.run()
    assert sum(one.spikes.checked for one in alone) == whole.spikes.checked
    assert sum(one.silences.checked for one in alone) == whole.silences.checked
    monkeypatch.setattr(exact_replay, "_PER_WINDOW", 300)
    cut = ExactReplay(sound, everyone)
    cut.run()
    assert (cut.spikes.checked, cut.spikes.wrong, cut.silences.wrong) == (whole.spikes.checked, 0, 0)
    assert cut.silences.checked > whole.silences.checked  # stretches are cut too


def test_the_replay_leaves_neurons_as_the_engine_does(made, run):
    trace = run()
    with eventsim.Simulation(made, clock="continuous") as simulation:
        state = simulation.run().state()
    replay = ExactReplay(trace, np.flatnonzero(~made.is_source))
    replay.run()
    for p in made.populations:
        if p.is_source or p.name == "gates":
            continue
        for name in set(p.rates) | {"v"} & set(p.state):
            mine = [life.state(name) for life in replay.lives if p.start <= life.neuron < p.stop]
            np.testing.assert_allclose(mine, state[p.name, name], rtol=1e-11, atol=1e-12, err_msg=f"{p.name}.{name}")


def test_the_replay_imports_nothing_of_what_it_checks():
    modules = ("forms", "statements", "equations", "bracket", "exact_points", "exact_life", "exact_replay", "arrivals")
    for name in modules:
        source = Path(import_module(f"analysis.audit.{name}").__file__).read_text()
        imported = re.findall(r"^(?:from|import) (eventsim\S*)", source, re.MULTILINE)
        assert set(imported) <= {"eventsim.errors", "eventsim.interpreter", "eventsim.compiled_network"}, name


# -- engines that were handed a slightly different network


def _population(name, **changes):
    return lambda network: replace(network, populations=tuple(
        replace(p, **{key: change(getattr(p, key)) for key, change in changes.items()}) if p.name == name else p
        for p in network.populations))  # fmt: skip


def _scaled(population, constant, factor):
    """A constant of a population's equations, threshold and reset, times a factor."""

    def change(network):
        k = [p.name for p in network.populations].index(population)
        own = [o.index == k and o.kind in ("threshold", "reset") for o in network.schedule]
        schedule = tuple(replace(o, constants=_times(o.constants, constant, factor)) if mine else o
                         for o, mine in zip(network.schedule, own))  # fmt: skip
        network = replace(network, schedule=schedule)
        return _population(population, rate_constants=lambda c: _times(c, constant, factor))(network)

    return change


def _times(constants, name, factor):
    return constants | ({name: constants[name] * factor} if name in constants else {})


def _texts(kind, population, old, new):
    """The text of an operation's statements, changed."""

    def change(network):
        k = [p.name for p in network.populations].index(population)
        schedule = tuple(
            replace(o, each=tuple(replace(s, expression=s.expression.replace(old, new)) for s in o.each))
            if o.kind == kind and o.index == k else o for o in network.schedule)  # fmt: skip
        assert schedule != network.schedule
        return replace(network, schedule=schedule)

    return change


def _effects(target, value):
    return lambda network: replace(network, pathways=tuple(
        replace(p, effects=tuple((v, op, value) for v, op, _ in p.effects))
        if network.populations[p.target].name == target else p for p in network.pathways))  # fmt: skip


def _parameter(population, name, change):
    return _population(population, parameters=lambda p: p | {name: change(p[name])})


#: Name -> (what the engine is handed in place of the network, laws that must fail).
HANDED = {
    "refractoriness is ignored": (_population("driven", refractory_s=lambda s: 1e-9), {"refractory", "justified"}),
    "a refractory period ends early by a millionth of a tick": (
        _population("driven", refractory_s=lambda s: s - 1e-10), {"justified"}),
    "a refractory period ends late by a millionth of a tick": (
        _population("driven", refractory_s=lambda s: s + 1e-10), {"silences"}),
    "an open refractory period ends a tick late": (
        _population("open", refractory_s=lambda s: s + 1e-4), {"silences"}),
    "a membrane leaks more slowly, by a millionth": (_scaled("driven", "tau", 1.000001), {"silences"}),
    "a membrane leaks faster, by a millionth": (_scaled("driven", "tau", 0.999999), {"justified"}),
    "a drive is larger, by a millionth": (_scaled("driven", "drive", 1.000001), {"justified"}),
    "a threshold is lower, by a millionth": (_scaled("two", "theta", 0.999999), {"justified"}),
    "a threshold is higher, by a millionth": (_scaled("two", "theta", 1.000001), {"silences"}),
    "a current decays more slowly, by a millionth": (_scaled("two", "s", 1.000001), {"justified"}),
    "an alpha current rises more slowly, by a millionth": (_scaled("alpha", "s", 1.000001), {"justified"}),
    "a threshold relaxes more slowly, by a millionth": (_scaled("adapts", "slow", 1.000001), {"silences"}),
    "a threshold jumps less": (_texts("reset", "adapts", "0.25", "0.2499999"), {"justified"}),
    "a reset does not go all the way": (_texts("reset", "ramps", "theta", "0.999999 * theta"), {"justified"}),
    "a counter is reset to 0 rather than by subtraction": (
        _texts("reset", "counts", "theta", "v"), {"silences"}),
    ">= becomes > at a counter's threshold": (_texts("threshold", "counts", ">=", ">"), {"silences"}),
    "a gate opens too early": (_scaled("gates", "theta", 0.6), {"justified"}),
    "a gate opens at its threshold, not above it": (_texts("threshold", "gates", ">", ">="), {"justified"}),
    "a delivery adds too much, by a millionth": (_effects("two", "1.000001 * weight"), {"justified"}),
    "an exponential drive is larger, by a millionth": (_scaled("grows", "rate", 1.000001), {"justified"}),
    "a logarithmic drive drifts faster": (_scaled("grows", "drift", 1.0001), {"justified"}),
    "a hazard is larger, by a millionth": (
        _parameter("noisy", "log_odds", lambda x: x + 1e-6), {"justified"}),
    "a hazard is smaller, by a millionth": (_parameter("noisy", "log_odds", lambda x: x - 1e-6), {"silences"}),
    "a hazard drifts faster": (_scaled("noisy", "drift", 1.0001), {"justified"}),
    "another random stream is drawn": (_parameter("noisy", "seed", lambda s: s + 1), {"justified", "silences"}),
    "neurons have each other's random streams": (
        _parameter("noisy", "key_lo", lambda keys: keys[::-1].copy()), {"justified", "silences"}),
}  # fmt: skip


@pytest.mark.parametrize("name", HANDED)
def test_an_engine_with_other_neurons_is_caught(name, run, caught):
    handed, laws = HANDED[name]
    report = audit(run(handed), neurons="all")
    caught("exact", name, report, laws)
    assert not _COUNTED & failed(report)


def test_a_fault_says_where_it_is_and_what_was_missing(run, made):
    law = audit(run(HANDED["a drive is larger, by a millionth"][0]), neurons="all")["justified"]
    found = re.match(r"neuron (\d+) \('driven'\[\d\]\) on core (\d) at tick \d+ \+ 0\.\d+ fired, but v = 0\.99999\d+ "
                     r"is not >= theta = 1 \(\d+ in all\)", law.detail)  # fmt: skip
    assert found, law.detail
    assert int(found[2]) == int(found[1]) % 4


# -- files in which everything that is counted was made to fit


@pytest.fixture
def forged(sound, made, tmp_path):
    """A function (population, change of its rows (tick, offset, node)) -> the trace, all counts and hashes made to
    fit."""

    def forge(population, change):
        path = tmp_path / "forged.h5"
        path.write_bytes(sound.path.read_bytes())
        with h5py.File(path, "r+") as file:
            group = file[f"spikes/{population}"]
            rows = sorted(change(list(zip(*(group[name][:].tolist() for name in ("ticks", "offsets", "node_ids"))))))
            tick, offset, node = (np.array(column) for column in zip(*rows))
            columns = {"ticks": tick, "offsets": offset, "node_ids": node, "timestamps": (tick + offset) * made.dt_ms}
            for name, values in columns.items():
                _rewrite(file, f"spikes/{population}/{name}", values)
            _sign(file)
        with eventsim.open_trace(path) as trace:
            due, counts = recount.recount_deliveries(trace), recount.recount_events(trace, trace.core_of)
        with h5py.File(path, "r+") as file:
            columns = {schema.DELIVERED: due.arrived, schema.RECEIVED_COUNT: due.received,
                       schema.RECEIVED_WEIGHT: due.weight}  # fmt: skip
            columns |= {f"{schema.COUNTS}/{name}": values for name, values in counts.to_arrays().items()}
            for name, values in columns.items():
                _rewrite(file, name, values)
            _sign(file)
        return eventsim.open_trace(path)

    return forge


def _rewrite(file, name, values):
    attributes, dtype = dict(file[name].attrs), file[name].dtype
    del file[name]
    schema.store(file, name, np.asarray(values, dtype=dtype))
    file[name].attrs.update(attributes)


def _sign(file):
    manifest = decode_json(file[schema.MANIFEST][:], "manifest")
    for name, path in schema.COUNTED.items():
        manifest[f"{name}_hash"] = schema.stored_hash(file[path])
    manifest["spikes_hash"] = schema.spikes_hash(file)
    _rewrite(file, schema.MANIFEST, encode_json(manifest))


def _moved(by):
    """The middle one of the spikes between ticks, moved by a part of a tick."""

    def change(rows):
        inner = [row for row in rows if 0.1 < row[1] < 0.9]
        tick, offset, node = inner[len(inner) // 2]
        return [row for row in rows if row != (tick, offset, node)] + [(tick, offset + by, node)]

    return change


def _without_one(rows):
    return rows[: len(rows) // 2] + rows[len(rows) // 2 + 1 :]


def _with_another(rows):
    tick, offset, node = rows[len(rows) // 2]
    return [*rows, (tick, offset, node)]


#: Name -> (population, what is done to its spikes, laws that must fail; no others do but justified and silences).
FORGED = {
    "a spike is earlier by a millionth of a tick": ("driven", _moved(-1e-6), {"justified"}),
    "a spike is later by a millionth of a tick": ("driven", _moved(1e-6), {"silences"}),
    "a spike under currents is earlier by a millionth of a tick": ("two", _moved(-1e-6), {"justified"}),
    "a random spike is earlier by a millionth of a tick": ("noisy", _moved(-1e-6), {"justified"}),
    "a random spike is later by a millionth of a tick": ("noisy", _moved(1e-6), {"silences"}),
    "a spike under exponential drive is later by a millionth of a tick": ("grows", _moved(1e-6), {"silences"}),
    "a counter's spike is removed": ("counts", _without_one, {"silences"}),
    "a counter fires once more": ("counts", _with_another, {"justified"}),
    "a random spike is removed": ("noisy", _without_one, {"silences"}),
    "a gate's spike is removed": ("gates", _without_one, {"silences"}),
    "a gate fires twice at once": ("gates", _with_another, {"justified"}),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_file_in_which_every_count_fits_is_caught_by_the_replay_alone(name, forged, caught):
    population, change, laws = FORGED[name]
    with forged(population, change) as trace:
        report = audit(trace, neurons="all")
    caught("forged", f"{name}, in exact time", report, laws)
    assert failed(report) <= {"justified", "silences"}


def test_a_file_that_was_rewritten_without_a_change_passes(forged):
    with forged("driven", lambda rows: rows) as trace:
        assert not failed(audit(trace, neurons="all"))


# -- explanations


def test_an_explanation_of_what_is_not_justified_says_so(run, sound):
    broken = run(HANDED["a drive is larger, by a millionth"][0])
    replay = ExactReplay(broken, np.flatnonzero(~broken.network.is_source))
    replay.run()
    tick, neuron = replay.spikes.first
    found = why(broken, neuron, tick)
    assert found.justified is False and "the record contradicts the replay: this is not justified" in found.reasons
    parted = diverge(sound, broken)
    assert [e.justified for e in parted.explanations] in ([True, False], [True, True]) and parted.tick <= tick
    assert "tick" in str(parted)


def test_a_random_neuron_is_explained_by_its_hazard_and_its_draw(sound, tmp_path):
    spikes = sound.spikes("noisy")
    found = why(sound, int(spikes.neuron[3]), int(spikes.tick[3]))
    row = found.potential[found.potential.fired > 0].iloc[-1]
    assert row.potential == pytest.approx(row.threshold, rel=1e-9) and found.justified
    assert found.comparison == "its hazard since its last spike >= its draw"
    found.plot(tmp_path / "why.png")
    assert (tmp_path / "why.png").stat().st_size > 5000
