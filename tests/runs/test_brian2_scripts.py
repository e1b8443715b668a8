"""`eventsim run --brian2`: a user's script runs as it is, on eventsim's engine, and prints what it prints in Brian2."""

import json
import subprocess
import sys

import pytest

from eventsim import open_trace
from runs import cli
from runs.brian2_scripts.compared import compare

#: Every kind of monitor, two neurons by their potentials, the final state, and the time.
SCRIPT = """
from brian2 import *
prefs.codegen.target = "numpy"
cells = NeuronGroup(6, "dv/dt = (1.5 - v)/(10*ms) : 1 (unless refractory)", threshold="v > 1", reset="v = 0",
                    refractory=3*ms, method="exact")
cells.v = "i/6.0"
wires = Synapses(cells, cells, "w : 1", on_pre="v_post += w", delay=1*ms)
wires.connect(condition="i != j")
wires.w = 0.03
spikes, early = SpikeMonitor(cells), SpikeMonitor(cells[:2])
rate, potential = PopulationRateMonitor(cells), StateMonitor(cells, "v", record=[4, 1])
{run}
print(spikes.num_spikes, early.count[:], (spikes.t / ms)[:5], spikes.i[:5], spikes.spike_trains()[3])
print(rate.rate[:200].sum(), potential.v.shape, potential[1].v[137], potential.t[-1], cells.v[:], defaultclock.t)
"""


def script(folder, run="run(50*ms)"):
    path = folder / "cells.py"
    path.write_text(SCRIPT.format(run=run))
    return path


def call(capsys, *arguments):
    """(exit code, standard output, standard error)."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return stop.value.code, printed.out, printed.err


@pytest.mark.parametrize("run", ["run(50*ms)", "net = Network(collect())\nnet.run(50*ms, report=None)"])
def test_a_script_prints_what_it_prints_in_brian2_and_leaves_a_trace(tmp_path, capsys, run):
    path = script(tmp_path, run)
    theirs = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True).stdout
    code, ours, _ = call(capsys, "run", "--brian2", path, "--out", tmp_path / "out")
    assert code == 0 and ours.startswith(theirs) and theirs.count("\n") >= 2
    with open_trace(tmp_path / "out" / "trace.h5") as trace:
        assert f"{trace.n_spikes} [" in theirs.splitlines()[0]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["runs"][0]["neurons"] == 6 and summary["runs"][0]["notes"] == []


def test_what_cannot_be_filled_is_said(tmp_path, capsys):
    path = script(tmp_path, "late = StateMonitor(cells, 'v', record=True, when='end', name='late')\nrun(20*ms)")
    _, out, _ = call(capsys, "run", "--brian2", path, "--out", tmp_path / "out")
    assert "StateMonitor 'late' stays empty: it records at 'end'" in out


MISTAKES = {
    "never runs": ("x = 1\n", "never ran a network"),
    "fails by itself": ("\nx = 1/0\n", "mistake.py, line 2: ZeroDivisionError"),
    "is no Python": ("x = (\n", "mistake.py, line 1: SyntaxError"),
    "ends itself": ("raise SystemExit(4)\n", "exit code 4"),
    "uses noise": ("from brian2 import *\nP = PoissonGroup(3, 10*Hz)\nrun(1*ms)\n",
                   "mistake.py, line 3: cannot compile"),
    "goes on": ("from brian2 import *\nG = NeuronGroup(1, 'v : 1', threshold='v > 1')\nrun(1*ms)\nrun(1*ms)\n",
                "mistake.py, line 4: cannot compile"),
}  # fmt: skip


@pytest.mark.parametrize("text, message", MISTAKES.values(), ids=MISTAKES)
def test_a_script_that_cannot_run_is_one_line_that_names_the_place(tmp_path, capsys, text, message):
    (tmp_path / "mistake.py").write_text(text)
    code, _, err = call(capsys, "run", "--brian2", tmp_path / "mistake.py", "--out", tmp_path / "out")
    assert code == 2 and err.count("\n") == 1 and message in err


def test_neither_or_both_of_experiment_and_script_is_a_mistake(tmp_path, capsys):
    for arguments in ([], ["digits-attention", "--brian2", tmp_path / "x.py"]):
        code, _, err = call(capsys, "run", *arguments)
        assert code == 2 and "either an experiment or --brian2" in err
    code, _, err = call(capsys, "run", "--brian2", tmp_path / "x.py", "--ranks", 2)
    assert code == 2 and "runs stay in one process" in err
    code, _, err = call(capsys, "run", "--brian2", tmp_path / "x.py", "--set", "noise=loud", "--out", tmp_path)
    assert code == 2 and "choose one of refuse, rekey" in err


def test_noise_runs_re_keyed_where_asked(tmp_path, capsys):
    (tmp_path / "noisy.py").write_text("from brian2 import *\nP = PoissonGroup(50, 100*Hz)\nrun(100*ms)\n")
    code, out, _ = call(capsys, "run", "--brian2", tmp_path / "noisy.py", "--set", "noise=rekey", "--out",
                        tmp_path / "out", "--json")  # fmt: skip
    assert code == 0 and 350 < json.loads(out)["runs"][0]["spikes"] < 650  # 500 expected, deviation 22


def test_a_script_is_compared_with_brian2_itself(tmp_path):
    found = compare(script(tmp_path), 20.0)
    assert found["error"] is None and [run["outcome"] for run in found["runs"]] == ["equal"]
    assert found["runs"][0]["spikes"] == found["runs"][0]["our_spikes"] > 5


def test_a_script_that_differs_is_found_to_differ(tmp_path, monkeypatch):
    def compiled_wrongly(network, **options):
        from dataclasses import replace

        from eventsim.compile import compile_network

        right = compile_network(network, **options)
        return replace(right, weight=right.weight * 4)

    monkeypatch.setattr("eventsim.compile_network", compiled_wrongly)
    assert [run["outcome"] for run in compare(script(tmp_path), 20.0)["runs"]] == ["differs"]
