"""A trace ten times larger than the memory allowed is written, read in windows, and summarised within it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_SLACK_MB = 8  # of the allocator and of HDF5, which knows of each chunk it has seen

#: Peak resident memory is measured against that of a short run of the same kind, which has touched every buffer, every
#: library and every kernel, but has less to hold. It is read in longer windows, so that one held as many deliveries.
SCRIPT = """
import json, sys
import numpy as np
import eventsim
from eventsim.memory import taken_bytes  # ru_maxrss begins with what the parent had
from eventsim.trace.schema import datasets
from runs.benchmarks.networks import delta_lif

folder, buffer_mb, short, long = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
compiled = eventsim.compile_network(delta_lif(1000, 200))
cores = np.arange(1000) % 4

def peak_mb():
    return taken_bytes()[1] / 1e6

def run(ticks):
    path = f"{folder}/{ticks}.h5"
    return eventsim.simulate(compiled, compiled.stimulus.lasting(ticks), trace=path, core_of=cores, buffer_mb=buffer_mb,
                             record_events=True, record={"v": range(50)})

def read(trace, ticks, window):
    recorded = sampled = 0
    for start in range(0, ticks, window):
        events, expanded = (made(start, start + window) for made in (trace.recorded_events, trace.synaptic_events))
        assert events.synapse.tobytes() == expanded.synapse.tobytes()
        recorded += len(events)
        sampled += trace.samples(start, start + window).tick.size
    assert all(intact for _, intact in trace.verify_hashes()) and trace.column_faults() == []
    return {"recorded": recorded, "delivered": int(trace.delivered().sum()), "sampled": sampled, "summary": repr(trace)}

with run(short) as few:
    before = peak_mb()
    with run(long) as trace:
        found = {"writing_mb": peak_mb() - before}
        read(few, short, 750)
        before = peak_mb()
        found |= read(trace, long, 500) | {"reading_mb": peak_mb() - before}
        found["trace_mb"] = sum(column.nbytes for column in datasets(trace._file).values()) / 1e6
print(json.dumps(found))
"""


def grown(tmp_path, buffer_mb, short, long):
    """What the script measured, by a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), *map(str, (buffer_mb, short, long))],
        cwd=Path(__file__).parents[3], capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["recorded"] == found["delivered"] and found["sampled"] == long
    return found


@pytest.mark.parametrize(
    "buffer_mb, short, long",
    [(2, 1500, 10_000), pytest.param(32, 60_000, 150_000, marks=pytest.mark.slow)],
)
def test_a_trace_ten_times_larger_than_the_memory_allowed(tmp_path, buffer_mb, short, long):
    found = grown(tmp_path, buffer_mb, short, long)
    assert found["trace_mb"] > 10 * buffer_mb
    assert found["writing_mb"] < buffer_mb + _SLACK_MB < found["trace_mb"] / 2
    assert found["reading_mb"] < buffer_mb + _SLACK_MB
