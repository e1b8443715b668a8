"""Export to NEST: what is mapped and what is refused; and, where NEST is installed, the same spikes, brought back."""

import subprocess
import sys

import numpy as np
import pytest

import eventsim
from eventsim import Trace, open_trace
from eventsim.errors import CompileError, ConfigError
from eventsim.reference import reference_run
from eventsim.trace.exports import export, nest

TICKS = 300


def network(model, *, seed=3, delay=(1, 4), weight=(0.1, 0.5), n=12, **columns):
    """12 sources, and 12 neurons of a model that they and their like drive."""
    rng = np.random.default_rng(seed)
    neurons = {"model": ["source"] * n + [model] * n, "population": ["in"] * n + ["cells"] * n}
    neurons |= {name: [np.nan] * n + np.broadcast_to(value, n).tolist() for name, value in columns.items()}
    pre, post = rng.integers(0, 2 * n, 10 * n), rng.integers(n, 2 * n, 10 * n)
    synapses = {"pre": pre, "post": post, "weight": rng.uniform(*weight, 10 * n),
                "delay_ms": rng.integers(*delay, 10 * n).astype(float)}  # fmt: skip
    return eventsim.network(neurons, synapses)


def traced(made, tmp_path, chance=0.15):
    """A trace, made by the reference, of random spikes of the sources."""
    rng = np.random.default_rng(0)
    tick, neuron = np.nonzero(rng.random((TICKS, made.populations[0].size)) < chance)
    stimulus = eventsim.Stimulus.of(tick, neuron, duration_ticks=TICKS)
    tick, neuron = zip(*reference_run(made, stimulus).spikes)
    return Trace.from_arrays(made, neuron, tick=tick, stimulus=stimulus, path=tmp_path / "ours.h5")


EXACT = {
    "delta": network("lif", tau_ms=10.0, v_th=1.0),
    "delta, several leaks": network("lif", tau_ms=np.linspace(5, 20, 12), v_th=1.0),
    "delta, refractory": network("lif", tau_ms=10.0, refractory_ms=3.0, weight=(-0.2, 0.6)),
    "currents": network("lif_exp", tau_ms=20.0, tau_exc_ms=5.0, tau_inh_ms=8.0, drive=0.6, weight=(-0.3, 0.9)),
    "currents, refractory": network("lif_exp", tau_ms=20.0, tau_exc_ms=5.0, tau_inh_ms=8.0, drive=0.8,
                                    refractory_ms=4.0, v_reset=0.2, weight=(-0.3, 0.9)),
    "alpha": network("lif_alpha", tau_ms=20.0, tau_syn_ms=4.0, drive=0.7, weight=(0.0, 1.5)),
    "gates": network("gate", v_th=1.5, weight=(0.5, 1.0), delay=(0, 4)),
}  # fmt: skip


@pytest.mark.optional
@pytest.mark.parametrize("made", EXACT.values(), ids=EXACT)
def test_nest_fires_the_same_spikes_and_the_trace_of_it_is_whole(made, tmp_path):
    pytest.importorskip("nest")
    with traced(made, tmp_path) as ours:
        export(ours, "nest", tmp_path / "nest")
        done = subprocess.run([sys.executable, tmp_path / "nest" / "run_in_nest.py"], capture_output=True, text=True,
                              check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
        with open_trace(tmp_path / "nest" / "nest.h5") as theirs:
            assert theirs.foreign.program == "NEST" and theirs.network.hash == made.hash
            found, expected = theirs.spikes(), ours.spikes()
            assert (expected.neuron >= 12).sum() > 40
            assert found.tick.tolist() == expected.tick.tolist() and found.neuron.tolist() == expected.neuron.tolist()


@pytest.mark.optional
def test_an_approximation_is_named_and_is_one(tmp_path):
    pytest.importorskip("nest")
    made = network("lif", tau_ms=10.0, drive=1.3, refractory_ms=3.0)
    with traced(made, tmp_path) as ours:
        export(ours, "nest", tmp_path / "nest", approximate=True)
        (note,) = nest.approximations(tmp_path / "nest")
        assert note.startswith("'cells': what arrives in the last tick of a refractory period")
        subprocess.run([sys.executable, tmp_path / "nest" / "run_in_nest.py"], capture_output=True, check=True)
        with open_trace(tmp_path / "nest" / "nest.h5") as theirs:
            assert theirs.spikes().tick.tolist() != ours.spikes().tick.tolist()
            assert ours.n_spikes < theirs.n_spikes < 1.5 * ours.n_spikes  # what is kept excites


REFUSED = {
    "a drive after a delta reset": (network("lif", tau_ms=10.0, drive=1.3), "moves on from its reset value"),
    "no leak": (network("integrate"), "no leak to a constant"),
    "a delay of 0 onto a current": (network("lif_exp", tau_ms=20.0, tau_exc_ms=5.0, tau_inh_ms=8.0, delay=(0, 3)),
                                    "a delay of 0 onto a current"),
}  # fmt: skip


@pytest.mark.parametrize("made, message", REFUSED.values(), ids=REFUSED)
def test_what_nest_has_no_equal_of_is_refused_by_name(made, message, tmp_path):
    with Trace.from_arrays(made, [0], tick=[0]) as trace:
        with pytest.raises(CompileError, match=message):
            export(trace, "nest", tmp_path / "nest")
        if "approximate" in message or "drive" in message or "delay" in message:
            export(trace, "nest", tmp_path / "nest", approximate=True)
            assert len(nest.approximations(tmp_path / "nest")) >= 1
    assert not (tmp_path / "nest" / "nest.h5").exists()


def test_weights_and_delays_are_written_as_nest_has_them(tmp_path):
    made = eventsim.network({"model": ["source", "lif"], "tau_ms": [np.nan, 20.0]},
                            {"pre": [0], "post": [1], "weight": [0.5], "delay_ms": [2.0]})  # fmt: skip
    with Trace.from_arrays(made, [0], tick=[0]) as trace:
        export(trace, "nest", tmp_path)
    with np.load(tmp_path / "network.npz") as arrays:
        assert arrays["weight"].tolist() == pytest.approx([0.5 * np.exp(-1 / 20)], rel=1e-15)
        assert arrays["delay_ticks"].tolist() == [3] and arrays["parameters/1/t_ref"].tolist() == [1.0]


def test_a_window_and_a_folder_without_a_run_are_mistakes(tmp_path):
    with Trace.from_arrays(EXACT["delta"], [0], tick=[0]) as trace:
        with pytest.raises(ConfigError, match="from its start"):
            export(trace, "nest", tmp_path, start_tick=0, stop_tick=1)
        with pytest.raises(ConfigError, match="approximate is for"):
            export(trace, "csv", tmp_path, approximate=True)
    with pytest.raises(ConfigError, match=r"run its run_in_nest\.py first"):
        nest.bring_back(tmp_path)
