"""One network small enough that every spike and every delivery of its run can be written down."""

from itertools import pairwise

import numpy as np
import pytest

from eventsim.compiled_network import CompiledNetwork, Operation, Pathway, Population
from eventsim.stimulus import Stimulus
from eventsim.trace import TraceWriter

DURATION = 10
SPIKES = [(0, 0), (1, 3), (2, 1), (4, 0), (4, 2), (9, 0)]  # (tick, neuron)
COUNTS = [(0, -1, 0, 1), (1, 0, 0, 1), (1, 0, 1, 3), (2, -1, 0, 1), (4, -1, 0, 1), (4, 0, 0, 1)]


@pytest.fixture
def network():
    """Two inputs (0, 1), three neurons (2, 3, 4), a silent population (5).

    Synapses: 0: 0 -> 2 and 1: 0 -> 3 after 1 tick, 2: 0 -> 4 and 3: 1 -> 2 after 3 ticks, 4: 3 -> 4 at once.
    """
    populations = (
        Population("inputs", 0, 2, is_source=True),
        Population("pool", 2, 3, "dv/dt = -v/tau : 1", {"v": np.zeros(3)}, {"bias": np.array([1, 2, 3])}),
        Population("silent", 5, 1, "v : 1", {"v": np.zeros(1)}),
    )
    pathways = (
        Pathway("forward", 0, 1, (("v", "add", "weight"),), {}, first=0,
                delays=np.array([1, 3], np.int32), rows=np.array([0, 2, 3, 3, 4])),
        Pathway("clear", 1, 1, (("v", "set", "0"),), {}, first=4,
                delays=np.array([0], np.int32), rows=np.array([0, 0, 1, 1])),
    )  # fmt: skip
    made = CompiledNetwork(
        dt_ms=0.1, populations=populations, pathways=pathways, schedule=(Operation("emit", 0),),
        post=np.array([2, 3, 4, 2, 4], np.int32), weight=np.array([0.5, 1.0, 2.0, -4.0, 0.0]),
        key_lo=np.arange(6, dtype=np.int32), key_hi=np.zeros(6, np.int32), token=np.full(6, -1, np.int32),
        path_id=np.full(6, -1, np.int32), paths=(), stimulus=Stimulus.silent(),
    )  # fmt: skip
    made.validate()
    return made


def stimulus(reset="none"):
    """The inputs' spikes among SPIKES, in two queries of five ticks."""
    return Stimulus.of([0, 2, 4, 9], [0, 1, 0, 0], [(0, 5), (5, 10)], reset=reset, duration_ticks=DURATION)


def segment(first_tick, stop_tick):
    """The arguments of write_segment for the stretch first_tick <= tick < stop_tick."""
    spikes = np.array([row for row in SPIKES if first_tick <= row[0] < stop_tick], dtype=np.int64).reshape(-1, 2)
    counts = np.array([row for row in COUNTS if first_tick <= row[0] < stop_tick], dtype=np.int64).reshape(-1, 4)
    dtypes = (np.int64, np.int32, np.int64, np.int32, np.uint8, np.int64)
    return [column.astype(dtype) for column, dtype in zip([*spikes.T, *counts.T], dtypes, strict=True)]


TOTALS = {
    "received_count": np.array([0, 0, 3, 2, 2, 0]), "received_weight": np.array([0, 0, -3.0, 2.0, 4.0, 0]),
    "delivered": np.array([7, 1]), "core_of": np.array([-1, -1, 0, 0, 0, 0], np.int32),
    "messages": {"message_source": np.array([-1], np.int32), "message_destination": np.array([0], np.int32),
                 "message_count": np.array([4])},
}  # fmt: skip


@pytest.fixture
def record(network):
    """Call record(path=None, edges=(0, 10), reset="none", manifest=...) to write the example and open it."""

    def write(path=None, edges=(0, DURATION), reset="none", manifest=None):
        with TraceWriter(path, network, stimulus(reset), manifest=manifest or {}) as writer:
            for first, stop in pairwise(edges):
                writer.write_segment(*segment(first, stop))
            return writer.finish(**TOTALS)

    return write


@pytest.fixture
def start(network):
    """Call start(path, segments=n) for a writer that has taken n of the two halves of the run."""

    def begin(path, segments=0):
        writer = TraceWriter(path, network, stimulus(), manifest={})
        for first in range(0, 5 * segments, 5):
            writer.write_segment(*segment(first, first + 5))
        return writer

    return begin


@pytest.fixture
def halves():
    """The arguments of write_segment for the two halves of the run."""
    return [segment(0, 5), segment(5, 10)]


@pytest.fixture
def totals():
    """The arguments of finish."""
    return dict(TOTALS)
