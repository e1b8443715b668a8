"""Spikes used beside spikes needed, on traces of circuits: the task in the manifest, decoders, evidence, refusals."""

import json

import numpy as np
import pytest

from analysis.spike_bounds import Task, describe_task, gaussian_bits, measure_bounds, rate_bound, read_task
from circuits.attention import DurationHead, LatencyHead, RateHead, StoredKeyAttention
from circuits.decoder import IntervalDecoder, ShareDecoder, ids_of, read_decoder
from circuits.readout import count_by_query
from eventsim import compile_network, open_trace, simulate
from eventsim.errors import ConfigError

QUERIES, VALUES = 80, ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1))


@pytest.fixture(scope="module")
def recall():
    """Queries in a disc over four stored keys; the outputs have two dimensions and a density."""
    radius, angle = np.random.default_rng(1).uniform(0, [[1], [2 * np.pi]], (2, QUERIES))
    keys = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), keys, np.array(VALUES)


def stored(recall, path, softmax, ticks=400):
    """A trace of attention over the stored keys, its circuit, and the exact outputs."""
    queries, keys, values = recall
    circuit = StoredKeyAttention(keys, np.asarray(values, dtype=float), beta=2.0, softmax=softmax, active_ticks=ticks,
                                 rate_per_tick=0.2, encode_ticks=4 * ticks, seed=2)  # fmt: skip
    exact = circuit.exact(queries) @ values
    exact = exact / exact.sum(axis=1, keepdims=True)  # shares of output spikes
    task = describe_task(circuit, exact, exact.argmax(axis=1), error="test", weights_ticks=ticks)
    manifest = {"circuit": {"populations": circuit.labels()}, "task": json.loads(json.dumps(task))}
    simulate(compile_network(circuit.network()), circuit.stimulus(queries), trace=path, manifest=manifest).close()
    return circuit, exact


@pytest.fixture(
    scope="module", params=["integrate_inhibition", pytest.param("escape_inhibition", marks=pytest.mark.slow)]
)
def attention(request, recall, tmp_path_factory):
    path = tmp_path_factory.mktemp("bounds") / "trace.h5"
    return request.param, path, *stored(recall, path, request.param)


def test_a_trace_alone_gives_the_outputs_that_its_circuit_decodes(attention):
    _, path, circuit, exact = attention
    with open_trace(path) as trace:
        task = read_task(trace, path)
        counts = circuit.decode(trace)
    np.testing.assert_array_equal(task.decoded, counts / counts.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(task.reference, exact)
    assert [cut.name for cut in task.cuts] == [circuit.cut, "output"]
    assert task.cuts[0].ticks == 400 and task.cuts[1].ticks is None


def test_every_bound_is_set_beside_the_spikes_of_its_own_cut(attention):
    _, path, circuit, _ = attention
    with open_trace(path) as trace:
        measured = measure_bounds(trace, read_task(trace, path))
        weights = circuit.weight_counts(trace).sum(axis=1).mean()
        outputs = circuit.decode(trace).sum(axis=1).mean()
    used = {row.bound.cut: row.spikes_used for row in measured.rows}
    assert used == {circuit.cut: weights, "output": outputs}
    names = {row.bound.name for row in measured.rows}
    assert names == {"coding-agnostic bound", "constant-drive bound", "count bound", "Poisson count bound"}
    assert {row.what for row in measured.rows} == {"the class, at this accuracy", "the output, at this error",
                                                   "the output, if it were Gaussian"}  # fmt: skip
    assert all(row.bound.channels == (4 if row.bound.cut == circuit.cut else 3) for row in measured.rows)
    json.dumps(measured.to_json(), allow_nan=False)


def test_no_bound_falls_that_does_not_speak_of_poisson_counts(attention):
    _, path, *_ = attention
    with open_trace(path) as trace:
        measured = measure_bounds(trace, read_task(trace, path))
    assert not any(row.beaten for row in measured.rows if row.bound.name in ("coding-agnostic bound", "count bound")
                   and row.bound.is_bound)  # fmt: skip


def test_a_deterministic_circuit_beats_the_poisson_bound_and_the_trace_says_why(recall, tmp_path):
    path = tmp_path / "trace.h5"
    stored(recall, path, "integrate_inhibition", ticks=2000)
    with open_trace(path) as trace:
        measured = measure_bounds(trace, read_task(trace, path))
    beaten = [row for row in measured.rows if row.beaten and row.bound.is_bound]
    assert beaten and {row.bound.name for row in beaten} == {"Poisson count bound"}
    assert all("Poisson" in row.failing[0] and "total count varies" in row.failing[0] for row in beaten)
    text = str(measured)
    assert "BELOW ONE" in text and "fails: given the query, counts are Poisson" in text


@pytest.mark.parametrize("head, decoder", [
    (LatencyHead, IntervalDecoder),
    *(pytest.param(head, ShareDecoder, marks=pytest.mark.slow) for head in (RateHead, DurationHead)),
])  # fmt: skip
def test_heads_say_how_they_are_read_and_a_trace_alone_repeats_it(head, decoder, tmp_path):
    rng = np.random.default_rng(3)
    q, k, v = rng.uniform(-1, 1, (3, 30, 1, 2, 2))
    circuit = head(2, 2, ticks=64)
    exact = circuit.exact(q, k, v)[2]
    task = describe_task(circuit, exact, error="test")
    manifest = {"circuit": {"populations": circuit.labels()}, "task": task}
    path = tmp_path / "head.h5"
    with simulate(compile_network(circuit.network()), circuit.stimulus(q, k, v), trace=path, manifest=manifest) as run:
        decoded = circuit.decode(run)
        plain = count_by_query(run, circuit.neuron_ids(circuit.outputs))
    with open_trace(path) as trace:
        found = read_task(trace, path)
        measured = measure_bounds(trace, found)
        assert count_by_query(trace, ids_of(trace, "output")).sum() == plain.sum()
    assert isinstance(read_decoder(task["decoder"], "here"), decoder)
    np.testing.assert_array_equal(found.decoded, decoded.reshape(30, -1))
    assert found.counts_only == (decoder is ShareDecoder)
    assert [cut.signed_pairs for cut in found.cuts] == [True, False]
    inputs = next(row for row in measured.rows if row.bound.name == "Poisson count bound, signed pairs")
    assert inputs.bound.channels == 2 * 12 and inputs.bound.cut == "q + k + v"
    assert any("reads times of spikes" in text for row in measured.rows for text in row.failing) == (
        decoder is IntervalDecoder
    )


def test_what_the_user_gives_wins_over_the_manifest(attention):
    _, path, _, exact = attention
    cuts = ["output", "input + control"]
    with open_trace(path) as trace:
        task = read_task(trace, path, cuts=cuts, decoded=exact + 0.01, refractory_ticks=2, ticks=90)
        assert [cut.name for cut in task.cuts] == ["output", "input + control"] and task.counts_only is None
        measured = measure_bounds(trace, task)
    assert measured.error == pytest.approx(0.01 * np.sqrt(3))
    assert any("2 ticks between spikes" in row.bound.name for row in measured.rows)
    assert {row.bound.ticks for row in measured.rows} == {90, None}


def test_a_query_without_an_answer_is_given_the_mean_of_the_references():
    reference = np.array([[0.0, 2.0], [2.0, 0.0]])
    task = Task((), reference, np.array([[np.nan, np.nan], [2.0, 0.0]]), True, None)
    assert task.squared_error.tolist() == [2.0, 0.0]


@pytest.mark.parametrize("classes", [-1, 3])
def test_an_answer_that_is_no_class_of_the_outputs_is_refused(attention, classes):
    _, path, _, exact = attention
    with open_trace(path) as trace, pytest.raises(ConfigError, match="classes are 0 to 2"):
        read_task(trace, path, answers=np.full(len(exact), classes))


def test_bits_come_from_error_and_covariance(attention):
    _, path, _, exact = attention
    with open_trace(path) as trace:
        task = read_task(trace, path)
        rows = measure_bounds(trace, task).rows
    bits = gaussian_bits(np.cov(exact, rowvar=False), task.squared_error.mean())
    gaussian = [row.bound for row in rows if row.what == "the output, if it were Gaussian"]
    assert {bound.bits for bound in gaussian} == {bits.bits} and not any(bound.is_bound for bound in gaussian)
    expected = rate_bound(bits, 3, cut="output").spikes_needed
    assert expected in [bound.spikes_needed for bound in gaussian]


@pytest.mark.parametrize(
    "change, message",
    [({"decoder": {"kind": "oracle"}}, "describes no decoder"), ({"decoder": {"kind": "shares", "of": 3}}, "wrongly"),
     ({"decoder": {"kind": "shares", "of": "nobody", "over": "output"}}, "nobody"), ({"cuts": []}, "names no cut"),
     ({"cuts": [{"people": 1}]}, "cuts wrongly"), ({"reference": [[1.0, 2.0]]}, "one row"),
     ({"reference": None}, "task.reference"),
     ({"reference": [["a"]]}, "give an array of numbers"), ({"answer": [1, 2]}, "as many whole numbers")],
)  # fmt: skip
def test_a_manifest_without_a_task_that_can_be_read_is_refused(attention, change, message, monkeypatch):
    _, path, *_ = attention
    with open_trace(path) as trace:
        monkeypatch.setitem(trace.manifest, "task", trace.manifest["task"] | change)
        with pytest.raises(ConfigError, match=message):
            read_task(trace, path)
