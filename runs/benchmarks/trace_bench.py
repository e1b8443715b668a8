"""What it costs to keep every synaptic event: bytes per event, and events per second, by way of keeping them.

One network is run without a file, with a trace of spikes (whose events are expanded when asked for), with a record of
every delivery, and into CSV. Where an interpreter that has SANA-FE (Boyle et al., IEEE TCAD 2025, doi
10.1109/TCAD.2025.3537971) is given, its message trace of a network of the same kind is measured too.

    python -m runs.benchmarks.trace_bench [--full] [--rounds N] [--sanafe PYTHON]
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median

import h5py
import numpy as np

import eventsim
from eventsim.trace.schema import EVENTS, SPIKES, datasets
from runs.benchmarks.networks import delta_lif
from runs.benchmarks.sanafe_side import message_trace_rows

__all__ = ["trace_bench"]

#: (neurons, synapses of each, ticks of 0.1 ms).
_SIZES = {"quick": (1000, 100, 2000), "full": (10_000, 1000, 10_000)}

#: Events that are written as CSV: a rate needs no more.
_CSV_EVENTS = 1_000_000

_COLUMNS = ("events", "seconds", "events_per_s", "bytes_per_event", "extra_run_time")


def trace_bench(quick=True, rounds=3, sanafe=None):
    """Measure every way of keeping events, in turn, round after round.

    Parameters
    ----------
    quick : bool
        A small network.
    rounds : int
        Counted rounds, after one that is not; figures are medians.
    sanafe : path, optional
        A Python interpreter whose packages include `sanafe`.

    Returns
    -------
    (document, text) : rows by name as plain types, with COLUMNS; the same as a table
    """
    neurons, fan_out, ticks = _SIZES["quick" if quick else "full"]
    compiled = eventsim.compile_network(delta_lif(neurons, fan_out))
    with tempfile.TemporaryDirectory() as folder:
        measured = [_round(compiled, ticks, Path(folder)) for _ in range(rounds + 1)][1:]
    rows = {name: {key: median(r[name][key] for r in measured) for key in measured[0][name]} for name in measured[0]}
    for name in ("spike trace", "full record"):
        rows[name]["extra_run_time"] = median(r[name]["seconds"] / r["no trace"]["seconds"] - 1 for r in measured)
    if sanafe is not None:
        rows |= message_trace_rows(sanafe, quick)
    document = {"network": {"neurons": neurons, "synapses": neurons * fan_out, "ticks": ticks}, "rows": rows}
    return document, _table(document)


def _round(compiled, ticks, folder):
    """Mapping name -> measurements, of one run each way."""
    seconds, trace = _timed_run(compiled, ticks, trace=None)
    events = int(trace.delivered().sum())
    rows = {"no trace": _row(events, seconds)}

    seconds, trace = _timed_run(compiled, ticks, trace=folder / "spikes.h5")
    rows["spike trace"] = _row(events, seconds, (folder / "spikes.h5").stat().st_size)
    rows["  of that, spikes alone"] = {
        "events": events,
        "bytes_per_event": _stored(folder / "spikes.h5", SPIKES) / events,
    }
    rows["  its expansion"] = _row(*_timed_expansion(trace, events))
    rows["CSV of the expansion"] = _csv_row(trace, folder / "events.csv")

    seconds, trace = _timed_run(compiled, ticks, trace=folder / "record.h5", record_events=True)
    rows["full record"] = _row(events, seconds, (folder / "record.h5").stat().st_size)
    rows["  of that, the record alone"] = {
        "events": events, "bytes_per_event": _stored(folder / "record.h5", EVENTS) / events,
    }  # fmt: skip
    start = time.perf_counter()
    read = sum(len(trace.recorded_events(*window)) for window in _windows(trace, events))
    rows["  reading it"] = _row(read, time.perf_counter() - start)
    return rows


def _timed_run(compiled, ticks, **options):
    """(seconds, Trace), from the first tick to the finished trace; compilation is over by then."""
    simulation = eventsim.Simulation(compiled, compiled.stimulus.lasting(ticks), **options).run(1)
    start = time.perf_counter()
    simulation.run()
    # A trace in memory is not finished within the time: what is compared with is a run that keeps nothing.
    if options["trace"] is None:
        seconds = time.perf_counter() - start
        return seconds, simulation.finish()
    trace = simulation.finish()
    return time.perf_counter() - start, trace


def _windows(trace, events, at_once=1 << 22):
    """Windows of ticks with some four million events each."""
    ticks = max(1, trace.duration_ticks * at_once // max(events, 1))
    return [(start, start + ticks) for start in range(0, trace.duration_ticks, ticks)]


def _timed_expansion(trace, events):
    windows = _windows(trace, events)
    trace.synaptic_events(*windows[0])  # compiled, and the network read
    start = time.perf_counter()
    expanded = sum(len(trace.synaptic_events(*window)) for window in windows)
    return expanded, time.perf_counter() - start


def _csv_row(trace, path):
    """time, synapse, sender, receiver and weight of the first million events, a line each."""
    ticks = max(1, trace.duration_ticks * _CSV_EVENTS // int(trace.delivered().sum()))
    frame = trace.synaptic_events(0, ticks).to_frame()[["tick", "synapse", "pre", "post", "weight"]]
    start = time.perf_counter()
    frame.to_csv(path, index=False)
    return _row(len(frame), time.perf_counter() - start, path.stat().st_size)


def _row(events, seconds, size=None):
    row = {"events": events, "seconds": seconds, "events_per_s": events / seconds}
    return row if size is None else row | {"bytes_per_event": size / events}


def _stored(path, group):
    with h5py.File(path) as file:
        return sum(dataset.id.get_storage_size() for dataset in datasets(file[group]).values())


def _table(document):
    lines = [f"{'':28}{'events':>14}{'seconds':>10}{'M events/s':>12}{'bytes/event':>13}{'extra time':>12}"]
    for name, row in document["rows"].items():
        events, seconds, rate, size, extra = (row.get(column, np.nan) for column in _COLUMNS)
        cells = f"{events:>14,.0f}{seconds:>10.3g}{rate / 1e6:>12.3g}{size:>13.3g}{extra:>12.0%}"
        lines.append(f"{name:28}{cells}".replace("nan%", "   -").replace("nan", "  -"))
    n = document["network"]
    return "\n".join([f"{n['neurons']:,} neurons, {n['synapses']:,} synapses, {n['ticks']:,} ticks", *lines])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="10,000 neurons with 1,000 synapses each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sanafe", help="a Python interpreter that has SANA-FE")
    parser.add_argument("--json", action="store_true", help="the document instead of the table")
    options = parser.parse_args()
    document, text = trace_bench(not options.full, options.rounds, options.sanafe)
    print(json.dumps(document) if options.json else text)


if __name__ == "__main__":
    main()
