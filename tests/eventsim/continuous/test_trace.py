"""The trace of a run in continuous time: exact times are kept, and every law of the audit holds or breaks for cause."""

import h5py
import numpy as np
import pytest

import eventsim
from analysis.audit import audit
from eventsim.counts import KINDS
from eventsim.errors import ConfigError, TraceFormatError
from eventsim.trace import SpikeTable
from hardware_models import count_events, load_chip, place
from hardware_models.costing.cost import cost
from tests.eventsim.continuous.networks import TICKS, mixed


@pytest.fixture(scope="module")
def made():
    return mixed()[0]


@pytest.fixture(scope="module")
def core_of(made):
    return np.where(made.is_source, -1, np.arange(made.n_neurons) % 3)


@pytest.fixture
def path(made, core_of, tmp_path):
    eventsim.simulate(made, clock="continuous", trace=tmp_path / "run.h5", core_of=core_of).close()
    return tmp_path / "run.h5"


def _failed(path):
    with eventsim.open_trace(path) as trace:
        return {law.name for law in audit(trace).laws if law.verdict == "failed"}


def _population(file, name="driven"):
    return {column: file[f"spikes/{name}/{column}"] for column in ("timestamps", "node_ids", "ticks", "offsets")}


def test_a_trace_keeps_exact_times_and_says_which_clock_ran(path, made):
    with eventsim.open_trace(path) as trace:
        spikes = trace.spikes()
        assert (trace.clock, trace.manifest["clock"]) == ("continuous", "continuous")
        assert len(spikes) > 300 and (spikes.offset > 0).any()
        assert spikes.t_ms.tobytes() == ((spikes.tick + spikes.offset) * made.dt_ms).tobytes()
        assert trace.t.tobytes() == spikes.t_ms.tobytes()
        assert spikes.to_frame()["offset"].to_numpy().tobytes() == spikes.offset.tobytes()
        order = np.lexsort((spikes.neuron, spikes.offset, spikes.tick))
        assert order.tolist() == list(range(len(spikes)))
        keys = list(zip(spikes.tick.tolist(), spikes.offset.tolist(), spikes.neuron.tolist()))
        assert len(set(keys)) < len(keys)  # a counter that was given several units at once
    grid = eventsim.simulate(made)
    assert grid.clock == "grid" and grid.spikes().offset is None


def test_the_audit_of_a_continuous_trace_passes(path):
    with eventsim.open_trace(path) as trace:
        report = audit(trace)
        verdicts = {law.name: law.verdict for law in report.laws}
        checked = ("columns", "hashes", "stimulus", "order", "deliveries", "received", "counts", "cores", "messages")
        assert [verdicts[name] for name in checked] == ["passed"] * 9, str(report)
        assert report.passed


def _shift_an_offset(file):
    offsets = _population(file)["offsets"]
    offsets[5] = offsets[5] / 2


def _shift_an_offset_and_its_timestamp(file):
    columns = _population(file)
    columns["offsets"][5] /= 2
    columns["timestamps"][5] = (columns["ticks"][5] + columns["offsets"][5]) * 0.1


def _swap_two_spikes(file):
    for column in _population(file).values():
        column[[5, 6]] = column[:][[6, 5]]


def _drop_the_last_spike(file):
    group = file["spikes/driven"]
    for name, column in _population(file).items():
        kept, attributes = column[:-1], dict(column.attrs)
        del group[name]
        group.create_dataset(name, data=kept)
        group[name].attrs.update(attributes)


def _move_a_source_off_its_tick(file):
    columns = _population(file, "input")
    columns["offsets"][-1] = 0.5
    columns["timestamps"][-1] = (columns["ticks"][-1] + 0.5) * 0.1


@pytest.mark.parametrize("change, laws", [
    (_shift_an_offset, {"columns"}), (_shift_an_offset_and_its_timestamp, {"hashes"}), (_swap_two_spikes, {"columns"}),
    (_drop_the_last_spike, {"hashes", "counts", "cores"}), (_move_a_source_off_its_tick, {"hashes", "stimulus"}),
])  # fmt: skip
def test_what_is_changed_afterwards_breaks_the_law_that_it_offends(path, change, laws):
    path.chmod(0o600)
    with h5py.File(path, "r+") as file:
        change(file)
    assert laws <= _failed(path)


def test_a_reader_that_lists_spikes_out_of_order_is_caught(path, monkeypatch):
    def unsorted(tables, dt_ms):
        columns = zip(*((table.tick, table.neuron, table.offset) for table in tables))
        tick, neuron, offset = (np.concatenate(column) for column in columns)
        return SpikeTable(tick, neuron, dt_ms, offset)

    monkeypatch.setattr("eventsim.trace.chosen.merge", unsorted)
    assert "order" in _failed(path)


@pytest.mark.parametrize("value", [1.0, -1e-9, np.nan])
def test_an_offset_that_is_none_is_refused(path, value):
    path.chmod(0o600)
    with h5py.File(path, "r+") as file:
        _population(file)["offsets"][5] = value
    with eventsim.open_trace(path) as trace, pytest.raises(TraceFormatError, match=r"'driven': an offset lies outside"):
        trace.spikes()


def _recount(made, trace, core_of):
    """{(tick, core, kind): count} in plain Python, spike by spike."""
    rows, spikes, table = {}, trace.spikes(), made.synapse_table()
    weighted = {p.name for p in made.pathways if p.weighted}

    def add(tick, core, kind):
        if tick < TICKS:
            rows[tick, core, KINDS.index(kind)] = rows.get((tick, core, KINDS.index(kind)), 0) + 1

    for tick, neuron in zip(spikes.tick.tolist(), spikes.neuron.tolist()):
        add(tick, core_of[neuron], "spikes")
        mine = table[table["pre"] == neuron]
        for there in {int(core_of[post]) for post in mine["post"]}:
            add(tick, core_of[neuron], "messages_out")
            add(tick, there, "messages_in")
        for synapse in mine.itertuples():
            add(tick + synapse.delay_ticks, core_of[synapse.post], "synaptic_events")
            if synapse.pathway in weighted and synapse.weight == 0:
                add(tick + synapse.delay_ticks, core_of[synapse.post], "zero_weight_events")
    return rows


def test_online_counters_go_by_whole_ticks_and_equal_a_plain_recount(path, made, core_of):
    with eventsim.open_trace(path) as trace:
        counts = trace.counts()
        rows = zip(counts.tick.tolist(), counts.core.tolist(), counts.kind.tolist())
        assert dict(zip(rows, counts.count.tolist())) == _recount(made, trace, core_of.tolist())
        assert counts.total("zero_weight_events") > 10
        assert counts.binning == "floor"
        assert trace.delivered().sum() == counts.total("synaptic_events") == trace.received()[0].sum()


def test_a_continuous_run_is_costed_only_when_it_is_said_how_it_is_binned(made):
    trace = eventsim.simulate(made, clock="continuous")
    placement = place(made, load_chip("loihi"))
    with pytest.raises(ConfigError, match="say how its times become ticks with binning='floor'"):
        count_events(trace, placement)
    counts = count_events(trace, placement, binning="floor")
    assert counts.hash == trace.counts().hash  # the online counters, on one core as well
    report = cost(counts, network=made)
    assert report.binning == report.to_json()["binning"] == "floor"
    assert "in continuous time, binned to ticks: floor" in str(report)
    assert {law.verdict for law in audit(trace, placement, report).laws} == {"passed", "not checkable"}
    with pytest.raises(ConfigError, match="on the grid and has ticks already"):
        count_events(eventsim.simulate(made), placement, binning="floor")


@pytest.mark.optional
def test_other_programs_read_the_exact_times(path):
    libsonata = pytest.importorskip("libsonata")
    read = libsonata.SpikeReader(str(path))["driven"].get()
    with eventsim.open_trace(path) as trace:
        assert sorted(time for _, time in read) == sorted(trace.spikes("driven").t_ms.tolist())
