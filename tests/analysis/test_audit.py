"""The audit as its users meet it: verdicts, reports, and what it refuses to call checked."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from analysis.audit import AuditReport, Law, audit
from circuits import Circuit, StoredKeyAttention
from eventsim import Stimulus, compile_network, simulate
from eventsim.errors import AuditError, ConfigError, TraceFormatError
from hardware_models import load_chip, place

LAWS = ["columns", "hashes", "stimulus", "order", "refractory", "justified", "silences", "deliveries", "record",
        "received", "counts", "cores", "messages", "energy", "placement"]  # fmt: skip


def verdicts(report):
    return {law.name: law.verdict for law in report.laws}


@pytest.mark.parametrize("reset", ["none", "spikes", "host"])
@pytest.mark.parametrize("seed", [0, 4])
def test_a_sound_run_passes_every_law(run, price, random_model, reset, seed):
    model = random_model(seed, reset)
    trace = run(model)
    report = audit(trace, model.placement, price(trace, model.placement))
    assert verdicts(report) == dict.fromkeys(LAWS, "passed"), str(report)
    assert all(law.checked > 0 for law in report.laws)
    report.raise_for_failures()


def test_the_compiled_kernel_passes_every_law_on_an_attention_circuit(price):
    rng = np.random.default_rng(0)
    keys, queries = rng.normal(size=(12, 6)), rng.normal(size=(3, 6))
    keys, queries = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (keys, queries))
    circuit = StoredKeyAttention(keys, np.eye(3)[rng.integers(3, size=12)], beta=3.0, active_ticks=400)
    stimulus = circuit.stimulus(queries)
    network = compile_network(circuit.network(stimulus))
    placement = place(network, load_chip("loihi"))
    trace = simulate(network, stimulus, core_of=placement.core_of)
    report = audit(trace, placement, price(trace, placement))
    not_here = dict.fromkeys(["refractory", "record"], "not checkable")
    assert verdicts(report) == dict.fromkeys(LAWS, "passed") | not_here, str(report)
    assert report["order"].checked == trace.n_spikes > 200


def test_what_was_not_given_is_not_called_passed(run, random_model):
    report = audit(run(random_model(0)))
    assert verdicts(report) == dict.fromkeys(LAWS, "passed") | dict.fromkeys(["energy", "placement"], "not checkable")
    assert report.passed


def test_numbers_in_flight_and_dropped_are_both_printed(run, random_model):
    detail = audit(run(random_model(0, "host")))["deliveries"].detail
    sent, in_flight, dropped = (int(detail.split(f" {what}")[0].split()[-1].replace(",", ""))
                                for what in ("sent", "in flight", "dropped"))  # fmt: skip
    arrived = int(detail.split()[2].replace(",", ""))
    assert arrived == sent - in_flight - dropped
    assert in_flight > 0 and dropped > 0


def test_a_cost_made_later_for_another_placement_is_accepted(run, price, random_model):
    model = random_model(0)
    trace = run(model)
    elsewhere = place(model.network, load_chip("loihi"))
    assert not np.array_equal(elsewhere.core_of, model.placement.core_of)
    report = audit(trace, elsewhere, price(trace, elsewhere))
    assert verdicts(report) == dict.fromkeys(LAWS, "passed"), str(report)
    assert verdicts(audit(trace, elsewhere))["placement"] == "failed"


def test_a_report_on_an_unknown_chip_is_not_checkable(run, price, random_model):
    model = random_model(0)
    trace = run(model)
    report = price(trace, model.placement)
    object.__setattr__(report, "chip", "no_such_chip")
    assert verdicts(audit(trace, None, report))["energy"] == "not checkable"
    assert verdicts(audit(trace, model.placement, report))["energy"] == "passed"


def test_a_silent_network_without_synapses_is_audited_too(run):
    circuit = Circuit("lonely")
    circuit.inputs("source", 1)
    network = compile_network(circuit.network())
    on_host = SimpleNamespace(core_of=np.array([-1]))
    report = audit(run(SimpleNamespace(network=network, stimulus=Stimulus.silent(5), placement=on_host)))
    assert set(verdicts(report).values()) == {"passed", "not checkable"}
    assert (report["order"].checked, report["deliveries"].checked, report["received"].checked) == (0, 0, 2)
    assert report["justified"].detail == "there is no neuron but spike sources to replay"


def test_an_unfinished_trace_is_refused():
    circuit = Circuit("lonely")
    circuit.inputs("source", 1)
    unfinished = simulate(compile_network(circuit.network()), Stimulus.silent(5))
    unfinished.stated["complete"] = False
    with pytest.raises(TraceFormatError, match="not complete"):
        audit(unfinished)


def test_what_is_no_trace_is_refused():
    with pytest.raises(ConfigError, match=r"trace is 'a\.h5'; give a Trace"):
        audit("a.h5")


@pytest.fixture
def mixed():
    return AuditReport((Law("order", "passed", 12, "fine"), Law("counts", "failed", 1234, "tick 3, core 1: off"),
                        Law("energy", "not checkable", 0, "no cost report was given")))  # fmt: skip


def test_a_failure_is_raised_with_the_name_and_place_of_the_law(mixed):
    assert not mixed.passed
    with pytest.raises(AuditError, match=r"^1 of 3 laws failed: counts \(tick 3, core 1: off\)$"):
        mixed.raise_for_failures()


def test_a_report_prints_one_aligned_line_per_law(mixed):
    assert str(mixed).splitlines() == [
        "order       passed                    12  fine",
        "counts      failed                 1,234  tick 3, core 1: off",
        "energy      not checkable              0  no cost report was given",
    ]


def test_a_report_becomes_plain_json_and_a_frame(run, random_model, mixed):
    document = json.loads(json.dumps(mixed.to_json()))
    assert document["passed"] is False
    assert document["laws"][1] == {
        "name": "counts", "verdict": "failed", "checked": 1234, "detail": "tick 3, core 1: off",
    }  # fmt: skip
    assert mixed.to_frame().loc["energy", "verdict"] == "not checkable"
    json.dumps(audit(run(random_model(0))).to_json())


def test_an_unknown_law_is_refused_by_name(mixed):
    with pytest.raises(KeyError, match="no law 'gravity'"):
        mixed["gravity"]
