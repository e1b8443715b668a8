"""A user's mistakes: one line on standard error and exit code 2, never a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from eventsim import packages
from eventsim.errors import EnvironmentProblem
from runs import cli

MISTAKES = {
    "unknown word in a list": (
        ["run", "digits-heads", "--set", 'codes=["phase"]'],
        "--set codes=[\"phase\"]: Invalid enum value 'phase'; choose one of rate, duration, latency",
    ),
    "unknown experiment": (["run", "nonsense"], "neither an experiment ("),
    "unknown key": (["run", "digits-attention", "--set", "suport=3"], "no key 'suport'; its keys are: support"),
    "wrong type": (
        ["run", "digits-attention", "--set", "support=many"],
        "--set support=many: Expected `int`, got `str`",
    ),
    "out of range": (["run", "digits-attention", "--set", "beta=-1"], "Expected `float` > 0.0"),
    "unknown word": (["run", "digits-attention", "--set", "softmax=soft"], "choose one of escape_inhibition"),
    "no equals sign": (["run", "digits-attention", "--set", "support"], "write key=value"),
    "too many digits": (
        ["run", "digits-attention", "--set", "support=1700", "--out", "{tmp}/x"],
        "exceed the 1797 digits",
    ),
    "unknown chip": (["run", "digits-attention", "--set", "chip=abacus", "--out", "{tmp}/x"], "abacus"),
    "impossible folder": (["run", "digits-attention", "--out", "{tmp}/file/x"], "cannot make this folder"),
    "unknown verb": (["frobnicate"], "No such command 'frobnicate'"),
    "unknown option": (["run", "digits-attention", "--fast"], "No such option"),
    "missing argument": (["audit"], "Missing argument 'TRACE'"),
    "no such trace": (["audit", "{tmp}/none.h5"], "none.h5"),
    "a text file": (["audit", "{tmp}/file"], "not an HDF5 file"),
    "a truncated trace": (["inspect", "{tmp}/half.h5"], "half.h5"),
    "another program's file": (["cost", "{tmp}/foreign.h5"], "another program"),
    "a folder": (["inspect", "{tmp}"], "folder"),
    "broken TOML": (["run", "{tmp}/broken.toml"], "not valid TOML"),
    "TOML of another kind": (["run", "{tmp}/other.toml"], "experiment None is unknown"),
    "TOML with an unknown key": (["run", "{tmp}/extra.toml"], "has no key 'colour'; its keys are: support, queries"),
    "a tick that is no number": (["cost", "{trace}", "--tick-us", "soon"], "--tick-us soon"),
    "a tick of no length": (["cost", "{trace}", "--tick-us", "0"], "tick_us"),
    "a tick that is too long": (["cost", "{trace}", "--tick-us", "1e308"], "below 2e+09"),
    "quick where nothing is": (["run", "on-chip", "--quick"], "--quick: 'on-chip' has no key 'quick'"),
    "a chip without costs": (["report", "{trace}", "--chip", "loihi2"], "no cost table of loihi2: there is none ("),
    "unknown table": (["cost", "{trace}", "--table", "davis"], "davies2018"),
}


@pytest.fixture(scope="module")
def files(small_run, tmp_path_factory):
    """Files that are not what they seem."""
    folder = tmp_path_factory.mktemp("mistakes")
    trace = small_run[0] / "trace.h5"
    (folder / "file").write_text("not HDF5\n")
    (folder / "half.h5").write_bytes(trace.read_bytes()[: trace.stat().st_size // 2])
    with h5py.File(folder / "foreign.h5", "w") as file:
        file["x"] = [1.0]
    (folder / "broken.toml").write_text("support = \n")
    (folder / "other.toml").write_text("support = 3\n")
    shipped = (cli.Path(cli.__file__).parent / "configs" / "digits_attention.toml").read_text()
    (folder / "extra.toml").write_text(shipped + 'colour = "blue"\n')
    return {"tmp": folder, "trace": trace}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_gives_one_line_and_exit_code_2(name, files, capsys):
    arguments, expected = MISTAKES[name]
    with pytest.raises(SystemExit) as stop:
        cli.main([argument.format(**files) for argument in arguments])
    printed = capsys.readouterr()
    assert stop.value.code == 2
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert expected in printed.err


def test_with_json_a_mistake_is_a_document_too(files, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["inspect", str(files["tmp"] / "file"), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert (stop.value.code, document["exit_code"]) == (2, 2)
    assert "not an HDF5 file" in document["error"]


def test_a_failed_run_leaves_the_results_of_the_one_before(small_run, tmp_path, capsys):
    (tmp_path / "trace.h5").write_bytes((small_run[0] / "trace.h5").read_bytes())
    with pytest.raises(SystemExit):
        cli.main(["run", "digits-attention", "--out", str(tmp_path), "--set", "support=1700"])
    assert (tmp_path / "trace.h5").read_bytes() == (small_run[0] / "trace.h5").read_bytes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_output_that_finds_no_room_is_one_line_and_exit_code_3():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "runs.cli", "chips"]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (ended.returncode, ended.stderr.count("\n")) == (3, 1)
    assert "No space left" in ended.stderr


INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Pressed:
    def find_spec(name, *_):
        if name == "eventsim":
            signal.raise_signal(signal.SIGINT)
from runs import cli
sys.meta_path.insert(0, Pressed)
cli.main(["chips"])
"""


def test_an_interrupt_while_the_command_is_loaded_ends_it_in_one_line():
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "eventsim: interrupted\n")


IGNORED = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
class Pressed:
    def find_spec(name, *_):
        if name == "runs.chips":
            import brian2
            for _ in range(20):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.001)
sys.meta_path.insert(0, Pressed)
from runs import cli
cli.main(["chips", "--json"])
"""


def test_an_interrupt_that_is_ignored_stays_so_when_brian2_handles_interrupts():
    ended = subprocess.run([sys.executable, "-c", IGNORED], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "") and "loihi" in ended.stdout


def test_a_broken_environment_is_exit_code_3(monkeypatch, capsys):
    def intruder():
        raise EnvironmentProblem("'circuits' is somebody else's; uninstall it")

    monkeypatch.setattr(packages, "check_siblings", intruder)
    with pytest.raises(SystemExit) as stop:
        cli.main(["doctor"])
    assert stop.value.code == 3
    assert "somebody else's" in capsys.readouterr().err


def test_doctor_says_what_it_looked_at(eventsim):
    findings = {finding["name"]: finding["ok"] for finding in eventsim("doctor", "--json").document["findings"]}
    assert findings["brian2 with numpy"]
    assert "packages" in findings


def test_every_verb_has_help_with_an_example(eventsim):
    for verb in cli.cli.commands:
        result = eventsim(verb, "--help")
        assert result.code == 0
        assert f"eventsim {verb}" in result.out
