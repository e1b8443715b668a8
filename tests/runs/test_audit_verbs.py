"""audit and why at the command line."""

import json

import pytest

from runs import cli


def call(capsys, *arguments):
    """(exit code, standard output, standard error) of the command in this process."""
    with pytest.raises(SystemExit) as stop:
        cli.main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return stop.value.code, printed.out, printed.err


@pytest.fixture(scope="module")
def trace(small_run):
    return small_run[0] / "trace.h5"


def test_every_neuron_can_be_replayed(trace, capsys):
    code, out, _ = call(capsys, "audit", trace, "--all", "--json")
    laws = {law["name"]: law for law in json.loads(out)["laws"]}
    assert code == 0
    assert laws["justified"]["verdict"] == laws["silences"]["verdict"] == "passed"
    assert "spikes of all" in laws["justified"]["detail"]


def test_a_trace_against_itself_is_the_same_and_against_another_is_not(trace, tmp_path, capsys):
    assert call(capsys, "audit", trace, "--against", trace)[0] == 0
    settings = [part for setting in ("support=40", "queries=12", "ticks=400", "encode_ticks=64", "seed=4")
                for part in ("--set", setting)]  # fmt: skip
    assert call(capsys, "run", "digits-attention", "--out", tmp_path, *settings)[0] == 0
    code, out, _ = call(capsys, "audit", trace, "--against", tmp_path / "trace.h5", "--json")
    found = json.loads(out)
    assert code == 1
    assert found["different"][0].startswith("the networks differ: ") and found["tick"] is not None


def test_why_explains_a_neuron_by_its_label(trace, tmp_path, capsys):
    picture = tmp_path / "why.svg"
    code, out, _ = call(capsys, "why", trace, "--neuron", "softmax/pool[3]", "--tick", 100, "--plot", picture, "--json")
    found = json.loads(out)
    assert (code, found["fired"], found["justified"], found["tick"]) == (0, False, True, 100)
    assert found["name"].endswith("('softmax/pool'[3])") and len(found["potential"]) == 20
    assert picture.read_text().startswith("<?xml")
    code, out, _ = call(capsys, "why", trace, "--neuron", "softmax/pool[3]", "--tick", 100)
    assert code == 0 and "did not fire at tick 100" in out


def test_permutation_is_a_verb_of_an_experiment(capsys):
    settings = [
        part for setting in ("support=12", "queries=2", "ticks=120", "encode_ticks=32") for part in ("--set", setting)
    ]
    code, out, _ = call(capsys, "audit", "digits-attention", "--permutation", *settings)
    assert code == 0 and out.startswith("permutation  passed") and "control" in out


@pytest.mark.parametrize("arguments, words", [
    (["audit", "{trace}", "--all", "--against", "{trace}"], "exclude each other"),
    (["audit", "{trace}", "--set", "support=3"], "--set goes with --permutation"),
    (["audit", "{trace}", "--permutation"], "is neither an experiment"),
    (["why", "{trace}", "--neuron", "softmax/pool", "--tick", "3"], "write 'softmax/pool[k]'"),
    (["why", "{trace}", "--neuron", "nobody", "--tick", "3"], "nothing is called 'nobody'"),
    (["why", "{trace}", "--neuron", "0", "--tick", "99999999"], "there is no tick"),
    (["why", "{trace}", "--neuron", "0", "--tick", "3", "--plot", "{trace}/x.png"], "--plot"),
    (["why", "{trace}", "--neuron", "0", "--tick", "3", "--plot", "picture.abc"], "--plot"),
])  # fmt: skip
def test_a_mistake_is_one_line(arguments, words, trace, capsys):
    code, out, err = call(capsys, *[argument.format(trace=trace) for argument in arguments])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err
