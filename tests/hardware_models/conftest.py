"""Networks, traces and chips of a few neurons, described as one would on paper."""

import msgspec
import numpy as np
import pytest

from eventsim.compiled_network import CompiledNetwork, Operation, Pathway, Population
from eventsim.stimulus import Stimulus
from eventsim.trace import TraceWriter
from eventsim.trace.schema import MESSAGE_COLUMNS
from hardware_models import load_chip


def _pathway(name, populations, ends, synapses, effects, first):
    """A pathway from (sending neuron, receiving neuron, delay, weight) rows, ids counted within the populations."""
    source, target = ends
    rows = np.array(synapses, dtype=np.float64).reshape(-1, 4)
    rows = rows[np.lexsort((rows[:, 2], rows[:, 0]))]
    delays, at = np.unique(rows[:, 2].astype(np.int32), return_inverse=True)
    delays = delays if delays.size else np.zeros(1, np.int32)
    slot = rows[:, 0].astype(np.int64) * delays.size + at
    filled = np.bincount(slot, minlength=populations[source].size * delays.size)
    offsets = np.concatenate([[0], np.cumsum(filled)]).astype(np.int64)
    pathway = Pathway(name, source, target, effects, {}, first, delays, offsets)
    return pathway, rows[:, 1].astype(np.int32) + populations[target].start, rows[:, 3]


@pytest.fixture
def build():
    """build([("in", 2, True), ("x", 3, False)], [((0, 1), rows)]): sizes, whether spike sources, and synapses."""

    def made(groups, synapses=(), effects=(("v", "add", "weight"),), schedule=(), parameters=None):
        populations, start = [], 0
        for name, size, is_source in groups:
            state = {} if is_source else {"v": np.zeros(size)}
            kept = {} if is_source else dict(parameters or {})
            populations.append(Population(name, start, size, "", state, kept, is_source))
            start += size
        parts, first = [], 0
        for k, (ends, rows) in enumerate(synapses):
            parts.append(_pathway(f"path{k}", populations, ends, rows, effects, first))
            first += parts[-1][0].size
        column = np.full(start, -1, dtype=np.int32)
        network = CompiledNetwork(
            dt_ms=1.0, populations=tuple(populations), pathways=tuple(part[0] for part in parts),
            schedule=(*schedule, *(Operation("deliver", k) for k in range(len(parts)))),
            post=np.concatenate([np.empty(0, np.int32), *(part[1] for part in parts)]).astype(np.int32),
            weight=np.concatenate([np.empty(0), *(part[2] for part in parts)]),
            key_lo=column, key_hi=column, token=column, path_id=column, paths=(), stimulus=Stimulus.silent(),
        )  # fmt: skip
        network.validate()
        return network

    return made


@pytest.fixture
def record():
    """record(network, [(tick, neuron), ...], duration): a trace that holds these spikes, whoever made them."""

    def made(network, spikes, duration_ticks, queries=(), reset="none"):
        stimulus = Stimulus.of([], [], queries, reset=reset, duration_ticks=duration_ticks)
        tick, neuron = np.array(sorted(spikes), dtype=np.int64).reshape(-1, 2).T
        n, none = network.n_neurons, np.empty(0, dtype=np.int64)
        with TraceWriter(None, network, stimulus, manifest={}) as writer:
            writer.write_segment(tick.copy(), neuron.astype(np.int32), none, none.astype(np.int32),
                                 none.astype(np.uint8), none)  # fmt: skip
            return writer.finish(
                received_count=np.zeros(n, np.int64), received_weight=np.zeros(n),
                delivered=np.zeros(len(network.pathways), np.int64), core_of=np.full(n, -1, np.int32),
                messages={name: np.empty(0, dtype) for name, dtype in MESSAGE_COLUMNS.items()},
            )  # fmt: skip

    return made


@pytest.fixture(scope="session")
def truenorth():
    return load_chip("truenorth")


@pytest.fixture(scope="session")
def loihi():
    return load_chip("loihi")


@pytest.fixture
def shrunk(loihi):
    """shrunk(neurons_per_core=4): Loihi with other limits."""

    def made(**limits):
        replace = msgspec.structs.replace
        counts = {name: replace(getattr(loihi.limits, name), value=value) for name, value in limits.items()}
        return replace(loihi, limits=replace(loihi.limits, **counts))

    return made
