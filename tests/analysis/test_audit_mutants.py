"""Every law is proved: something is broken on purpose, and the law that watches it must say so.

A row of a table names what is broken, how, and which laws must be among those that fail. The unbroken run passes all.
"""

import inspect
import re
import textwrap
from dataclasses import replace
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from analysis.audit import LAWS, audit
from eventsim import open_trace
from eventsim.arrays import decode_json, encode_json
from eventsim.errors import ConfigError
from eventsim.grid import GridEngine, allocate, reach, spread
from eventsim.trace import chosen, schema
from hardware_models import cost
from tests.analysis.altered_columns import FILE, UNREADABLE, Columns, first_source_spike, remove_spike
from tests.support.audits import failed


def not_checkable(report):
    return {law.name for law in report.laws if law.verdict == "not checkable"}


def test_the_unbroken_run_passes_every_law(sound):
    report = audit(sound.trace, sound.placement, sound.report)
    assert {law.verdict for law in report.laws} == {"passed"}, str(report)


IN_LISTS = " " * 8 + "_count_lists(a, part, pathway, n_landed, landed, lowest)"
LISTED_AGAIN = """.copy()
        if rows.size == 0:
            return
        _count_lists(a, part, pathway, rows.size, rows, lowest)"""

#: Name -> (kernel text, its replacement, laws that must fail). {x} is a landmark.
KERNEL = {
    "one synapse is dropped": (
        "i = target[synapse]\n",
        f"i = target[synapse]\n{' ' * 24}if synapse == {{synapse}}:\n{' ' * 28}continue\n",
        {"deliveries", "record", "cores"}),
    "the last synapse of every row is dropped": (
        "in range(first, last):", "in range(first, last - 1):", {"deliveries", "record", "cores"}),
    "every row is doubled": (
        "in range(first, last):", "in 2 * list(range(first, last)):", {"deliveries", "record", "cores"}),
    "a delivery is recorded and counted, but goes to another neuron": (
        "i = target[synapse]\n", "i = (target[synapse] + (synapse == {synapse})) % n{target}\n", {"justified"}),
    "one pathway delivers a tick early": (
        "a.delays[first_delay + d]) %", "max(0, a.delays[first_delay + d] - (pathway == {pathway}))) %", {"counts"}),
    "one pathway delivers a tick late": (
        "a.delays[first_delay + d]) %",
        "min(history_count.shape[2] - 1, a.delays[first_delay + d] + (pathway == {pathway}))) %", {"counts"}),
    "the last spike of each tick is forgotten before it is sent": (
        "a.history_count[0, k, slot] = fired", "a.history_count[0, k, slot] = max(0, fired - (k == {source}))",
        {"counts", "cores"}),
    "a synapse is left out of its pathway's count": (
        "done += 1", "done += synapse != {synapse}", {"deliveries", "cores"}),
    "a row is left out for its cores": (
        IN_LISTS, " " * 8 + "rows = landed[:n_landed][landed[:n_landed] != {row}]" + LISTED_AGAIN, {"counts", "cores"}),
    "a row is counted twice for its cores": (
        IN_LISTS, " " * 8 + "rows = np.repeat(landed[:n_landed], 1 + (landed[:n_landed] == {row}))" + LISTED_AGAIN,
        {"counts", "cores"}),
    "a row is left out for its receivers": (
        "rows[row, 1] += 1", "rows[row, 1] += row != {row}", {"received", "cores"}),
    "a row is counted twice for its receivers": (
        "rows[row, 1] += 1", "rows[row, 1] += 1 + (row == {row})",
        {"received", "cores"}),
    "one pathway's deliveries are booked on the next core, row by row": (
        IN_LISTS, IN_LISTS.replace("lowest", "lowest + (first_row == {first_row})"), {"counts", "cores"}),
    "deliveries of weight zero are not counted": (
        "for kind in range(n_kinds):", "for kind in range(n_kinds - (n_kinds > 1)):", {"counts"}),
    "a neuron's spikes and messages are not counted": (
        "reach_at, sender, np.int64(1)", "reach_at, sender, np.int64(start + history[j] != {neuron})",
        {"counts", "cores", "messages"}),
    "messages of kinds of neurons are not counted": (
        "senders[at + _1] += np.uint64(times)", "senders[at + _1] += np.uint64(times > 1)", {"messages", "cores"}),
    "incoming messages are booked on the next core": (
        "np.int64(reach[r]) + 1]", "(np.int64(reach[r]) + 1) % (n_cores - 1) + 1]", {"counts", "cores"}),
    "one spike is not recorded": (
        "spikes += 1\n", "spikes += not (tick == {tick} and neuron == {neuron})\n",
        {"deliveries", "received", "counts", "cores", "messages"}),
    "one spike of a sink is not recorded": (
        "spikes += 1\n", "spikes += not (tick == {sink_tick} and neuron == {sink})\n", {"counts", "cores"}),
    "sources fire a tick late": ("spike)] == tick:", "spike)] == tick - 1:", {"stimulus"}),
    "a row that lands is not delivered": (
        " row = np.uint64(landed[part, j])\n",
        f" row = np.uint64(landed[part, j])\n{' ' * 20}if row == {{row}}:\n{' ' * 24}continue\n",
        {"deliveries", "record", "cores"}),
}  # fmt: skip


ROWS_COUNTED = "landed, first, min(first + at_once, n_landed))\n"
ROW_LEFT_OUT = "*(lambda rows: (rows, first, rows.size))(landed[:n_landed][landed[:n_landed] != {row}]))\n"

LANES = {"LANES": 1e9, "MOST_BYTES": 1e9}  # wherever rows are on several cores

#: Name -> (what makes the kernel count in this form, kernel text, its replacement, laws that must fail).
FORMS = {
    "a core for each row: where rows are a few, the first of each tick is left out": (
        (spread, {}), "range(IN_TURN * apart, np.uint64(n_landed))",
        "range(IN_TURN * apart + np.uint64(apart == 0), np.uint64(n_landed))", {"counts", "cores"}),
    "a core for each row: where rows are counted in turn, the last are left out": (
        (spread, {}), "range(IN_TURN):\n            _count_cell(", "range(IN_TURN - _1):\n            _count_cell(",
        {"counts", "cores"}),
    "a core for each row: deliveries of weight zero are not counted": (
        (spread, {}), "+= a.row_zeros[row]", "+= 0 * a.row_zeros[row]", {"counts"}),
    "lanes: a row is left out": (
        (spread, LANES), ROWS_COUNTED, ROW_LEFT_OUT, {"counts", "cores"}),
    "lanes: deliveries are booked on the next core": (
        (spread, LANES), "cells[first + lane] +=", "cells[first + (lane + _1) % n] +=", {"counts", "cores"}),
    "lanes: every delivery passes for one of weight zero": (
        (spread, LANES), "sums[n + lane]", "sums[lane]", {"counts"}),
    "lanes: what was counted is counted again": (
        (spread, LANES), "sums[lane] = 0", "sums[lane] *= lane > 0",
        {"counts", "cores"}),
    "lanes: the upper halves of bytes, deliveries of weight zero, are not counted": (
        (spread, LANES), "sums, lanes,", "sums, lanes & np.uint64(0xFF0FFF0FFF0FFF0F),", {"counts"}),
    "lanes of whole bytes: a row is left out": (
        (spread, LANES | {"_MOST_OF_HALF": 0}), ROWS_COUNTED, ROW_LEFT_OUT, {"counts", "cores"}),
    "bits: a neuron's messages are not counted": (
        (reach, {"_FEW": 0}), "senders[at + _1] += np.uint64(times)",
        "senders[at + _1] += np.uint64(sender != {neuron})", {"messages", "cores"}),
    "bits: a neuron's spikes are not counted": (
        (reach, {"_FEW": 0}), "cells[core + SPIKES * n_cores] += times",
        "cells[core + SPIKES * n_cores] += sender != {neuron}", {"counts", "cores"}),
    "bits: incoming messages are booked on the next core": (
        (reach, {"_FEW": 0}), "cells[first + core] +=", "cells[first + np.uint64((core + 1) % (n_cores - 1))] +=",
        {"counts", "cores"}),
    "lists: a neuron's messages are booked on the next core": (
        (reach, {"_FEW": 0, "_BYTES": 0}), "np.int64(reach[r]) + 1]",
        "(np.int64(reach[r]) + (sender == {neuron})) % (n_cores - 1) + 1]",
        {"counts", "cores"}),
    "lists: the first core that a neuron reaches is forgotten": (
        (reach, {"_FEW": 0, "_BYTES": 0}), "in range(reach_at[sender],",
        "in range(reach_at[sender] + (sender == {neuron}),", {"counts", "cores"}),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_miscount_is_caught_in_each_form_of_counting(name, sound, run, price, caught, monkeypatch):
    (module, form), *change, laws = FORMS[name]
    for constant, value in form.items():
        monkeypatch.setattr(module, constant, value)
    assert {law.verdict for law in audit(run(sound.model)).laws} == {"passed", "not checkable"}
    trace = run(sound.model, tuple(text.format(**vars(sound.at)) for text in change))
    caught("kernel", name, audit(trace, sound.placement, price(trace, sound.placement)), laws)


MANY = ("if fired < min(max(_FEW, (behind - lowest) // _LOOKS), a.alike_from[k]):", "if fired < 0:")
STRETCHES = ("if 0 < _SEARCH * (a.alike_at[k + 1] - a.alike_at[k]) <= fired:", "if a.alike_at[k + 1] > a.alike_at[k]:")
ONE_BY_ONE = ("apart = np.uint64(fired) // IN_TURN", "apart = np.uint64(0)")

#: Name -> (what makes the kernel tell kinds apart in this way, kernel text, its replacement).
TOLD_APART = {
    "a neuron's spikes are left out": (
        (MANY, ONE_BY_ONE), "told_apart[sender_of[np.uint64(start + history[j])]] += 1",
        "told_apart[sender_of[start + history[j]]] += start + history[j] != {neuron}"),
    "in turn, the last are left out": (
        (MANY,), "range(IN_TURN):\n            told_apart", "range(IN_TURN - _1):\n            told_apart"),
    "by stretches, a neuron passes for one of the next": (
        (MANY, STRETCHES), "stop, alike[stretch, 0])", "stop, alike[stretch, 0] - 1)"),
    "by stretches, each is told for all before": (
        (MANY, STRETCHES), "before, place = place, _first_from(", "before, place = at, _first_from("),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD_APART)
def test_a_miscount_is_caught_where_many_spikes_are_told_apart(name, sound, run, caught):
    way, *change = TOLD_APART[name]
    assert {law.verdict for law in audit(run(sound.model, *way)).laws} == {"passed", "not checkable"}
    trace = run(sound.model, *way, tuple(text.format(**vars(sound.at)) for text in change))
    caught("kernel", f"kinds told apart: {name}", audit(trace, sound.placement), {"counts", "cores", "messages"})


def test_a_miscount_is_caught_where_all_neurons_are_on_one_core(sound, run, caught):
    core_of = np.where(sound.model.network.is_source, -1, 0)
    model = SimpleNamespace(**vars(sound.model) | {"placement": replace(sound.placement, core_of=core_of)})
    trace = run(model, ("cells[lowest] += done", "cells[lowest] += done + (done > 3)"))
    caught("kernel", "one core: a delivery too many is counted in a busy tick", audit(trace), {"counts", "cores"})


def _wrong_target(arrays, at):
    """The packed lists with one synapse onto another neuron, which is on another core."""
    arrays["target"] = arrays["target"].copy()
    arrays["target"][at.synapse] = at.elsewhere


#: Name -> (what is broken after the synapses were laid out, laws that must fail).
LAID_OUT = {
    "a synapse is laid out onto another neuron": (_wrong_target, {"received", "counts"}),
    "a synapse is laid out with another weight": (
        lambda arrays, at: arrays["weight"].__setitem__(at.synapse, 0.0), {"received", "counts"}),
    "a synapse is laid out with the row before": (
        lambda arrays, at: arrays["rows"].__setitem__(at.row, arrays["rows"][at.row] + 1), {"record", "counts"}),
}  # fmt: skip


@pytest.mark.parametrize("name", LAID_OUT)
def test_a_broken_layout_is_caught(name, sound, run, caught, monkeypatch):
    (change, laws), divide = LAID_OUT[name], allocate.divide

    def broken(*arguments, **options):
        arrays = divide(*arguments, **options)
        change(arrays, sound.at)
        return arrays

    monkeypatch.setattr(allocate, "divide", broken)
    caught("layout", name, audit(run(sound.model)), laws)


def test_zero_weights_that_are_not_told_apart_are_caught(sound, run, caught, monkeypatch):
    monkeypatch.setattr(spread, "_is_zero", lambda *_: np.empty(0, dtype=bool))
    caught("layout", "no synapse is taken for one of weight zero", audit(run(sound.model)), {"counts"})


@pytest.mark.parametrize("name", KERNEL)
def test_a_broken_kernel_is_caught(name, sound, run, price, caught):
    old, new, laws = KERNEL[name]
    trace = run(sound.model, *[tuple(text.format(**vars(sound.at)) for text in (old, new))])
    report = audit(trace, sound.placement, price(trace, sound.placement))
    caught("kernel", name, report, laws)
    assert "hashes" not in failed(report)


def test_a_kernel_that_records_a_spike_late_is_refused_by_the_writer(sound, run):
    change = ("= tick, neuron\n", "= tick + (tick == {tick} and neuron == {neuron}), neuron\n".format(**vars(sound.at)))
    with pytest.raises(ConfigError, match="do not rise by"):
        run(sound.model, change)


def test_a_host_reset_that_drops_nothing_is_caught(sound, run, caught):
    text, drop = textwrap.dedent(inspect.getsource(GridEngine.start_again)), "in self._start.items()"
    assert drop in text
    broken = {}
    keep = "in ((n, v) for n, v in self._start.items() if n != 'history_count')"
    exec(text.replace(drop, keep), vars(inspect.getmodule(GridEngine)) | {}, broken)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GridEngine, "start_again", broken["start_again"])
        report = audit(run(sound.model))
    caught("driver", "a reset by the host leaves what is in flight", report, {"deliveries", "received", "counts"})


def test_a_cost_of_miscounted_events_is_caught(sound, run, price, monkeypatch):
    """The energy law recounts; a report that is true to wrong counts is wrong."""
    monkeypatch.setattr(reach, "_FEW", 0)
    added = "senders, start * width + word"
    own = "(int(senders[i - i % width] & _32_BITS) - 1)"
    bit = f"np.uint64(8 * ({own} % 8) + {own} // 8 % 8)"
    others = f"np.array([bits & ~((i % width == 2 + {own} // 64) * _1 << {bit}) for i, bits in enumerate(senders)])"
    trace = run(sound.model, (added, added.replace("senders", others)))
    report = audit(trace, sound.placement, sound.report)
    assert "energy" not in failed(report)
    assert "energy" in failed(audit(trace, sound.placement, cost(trace.counts())))


def test_a_reader_that_does_not_sort_is_caught(sound, monkeypatch):
    def unsorted(tables, dt_ms):
        columns = ([getattr(table, name) for table in tables] for name in ("tick", "neuron"))
        return type(tables[0])(*(np.concatenate(column) for column in columns), dt_ms)

    monkeypatch.setattr(chosen, "merge", unsorted)
    report = audit(sound.trace)
    assert "order" in failed(report)
    assert "is out of order, or there twice" in report["order"].detail


@pytest.fixture
def tampered(sound, tmp_path):
    """A function (change, forge) -> the trace in a changed copy of the file."""

    def tamper(change, forge=False):
        path = tmp_path / "tampered.h5"
        path.write_bytes(sound.trace.path.read_bytes())
        with h5py.File(path, "r+") as file:
            columns = Columns(file, sound)
            change(columns)
            if forge:
                columns.forge_hashes()
        return open_trace(path)

    return tamper


def test_a_copy_that_is_not_changed_passes(tampered):
    assert audit(tampered(lambda columns: None)).passed
    assert audit(tampered(lambda columns: columns.change(schema.RECEIVED_COUNT, 0, 0), forge=True)).passed


@pytest.mark.parametrize("name", FILE)
def test_a_changed_file_is_caught_by_its_hash_and_by_its_law(name, tampered, caught):
    change, laws = FILE[name]
    assert laws | {"hashes"} <= failed(audit(tampered(change)))
    forged = audit(tampered(change, forge=True))
    caught("file", name, forged, laws)
    assert "hashes" not in failed(forged)


@pytest.mark.parametrize("name", ["received", "delivered"])
def test_totals_whose_hash_was_taken_out_are_not_called_as_written(name, tampered):
    def unsign(columns):
        manifest = decode_json(columns.file[schema.MANIFEST][:], "manifest")
        del manifest[f"{name}_hash"]
        columns.rewrite(schema.MANIFEST, encode_json(manifest))

    report = audit(tampered(unsign))
    assert failed(report) == {"hashes"}
    assert report["hashes"].detail == f"stored {name} changed since the run, or never hashed"


@pytest.mark.parametrize("name", UNREADABLE)
def test_columns_that_contradict_each_other_fail_and_nothing_is_read_from_them(name, tampered, sound):
    report = audit(tampered(UNREADABLE[name]), sound.placement, sound.report)
    assert "columns" in failed(report)
    spikes_needed = {"stimulus", "order", "refractory", "justified", "silences", "deliveries", "record", "received",
                     "counts", "cores", "messages", "energy"}  # fmt: skip
    assert not_checkable(report) == spikes_needed, str(report)
    assert not report.passed


def test_a_counts_column_that_cannot_be_read_fails_what_reads_it(tampered):
    report = audit(tampered(lambda columns: columns.change(f"{schema.COUNTS}/core", 0, 1000)))
    assert {"counts", "cores"} <= failed(report) and "messages" not in failed(report)


def test_every_law_has_something_that_it_alone_or_with_others_catches():
    in_tables = set().union(*(row[-1] for table in (KERNEL, FILE) for row in table.values()))
    in_tests_of_their_own = {"columns", "hashes", "order", "energy", "placement"}
    in_tests_of_their_own |= {"refractory", "justified", "silences", "record"}  # of test_audit_dynamics
    assert in_tables | in_tests_of_their_own == set(LAWS)


def test_a_fault_names_its_place(sound, tampered):
    report = audit(tampered(lambda c: remove_spike(c, c.at.sink_tick, c.at.sink)))
    core = sound.placement.core_of[sound.at.sink]
    n_due = report["counts"].detail
    assert n_due.startswith(f"tick {sound.at.sink_tick}, core {core}: ") and " spikes counted, due were " in n_due
    removed = audit(tampered(lambda c: remove_spike(c, *first_source_spike(c))))
    assert removed["stimulus"].detail.endswith("is in the stimulus, but did not fire")
    assert removed["stimulus"].detail.startswith(f"neuron {sound.model.stimulus.neuron[0]} ('source'[")
    assert " on the host at tick " in removed["stimulus"].detail


@pytest.mark.parametrize("law, name", [
    ("deliveries", "the deliveries of a pathway are changed"), ("received", "the deliveries to a neuron are changed"),
    ("received", "the weight to a neuron is changed by a billionth"), ("stimulus", "a source's spike is removed"),
    ("silences", "a spike of a sink is removed"),
])  # fmt: skip
def test_a_fault_names_the_core_too(law, name, tampered):
    detail = audit(tampered(FILE[name][0]), neurons="all")[law].detail
    assert re.search(r"neuron \d+ \('[^']+'\[\d+\]\) on (core \d|the host)", detail), detail
