"""What a grid kernel records of deliveries: its buffers, and their content as a block for the trace."""

import numpy as np

from eventsim.errors import CapacityError
from eventsim.trace.event_record import EventBlock

__all__ = ["event_arrays", "take_events"]

_MOST_SYNAPSES = 2**32  # an id is stored as uint32


def event_arrays(network, choice, room, first_synapse, synapse_of):
    """The fields of GridArrays by which deliveries are recorded.

    Parameters
    ----------
    network : CompiledNetwork
    choice : EventChoice or None
        What is recorded; nothing when None.
    room : int
        Deliveries that the buffers hold at least, besides those of one tick.
    first_synapse : (n_parts, n_pathways) int64
        Where each part's synapses of a pathway begin.
    synapse_of : (n_synapses,) int64 or None
        Id of each synapse, where the parts number them in another way.

    Returns
    -------
    dict

    Raises
    ------
    CapacityError
        When there are more synapses than the record has ids.
    """
    if choice is not None and network.n_synapses > _MOST_SYNAPSES:
        raise CapacityError("synapses of a run whose deliveries are recorded", "this trace format", network.n_synapses,
                            _MOST_SYNAPSES, "leave out record_events")  # fmt: skip
    n_parts = len(first_synapse)
    sizes = np.diff(np.append(first_synapse.ravel(), network.n_synapses)).reshape(first_synapse.shape)
    most = sizes[:, list(choice.pathways)].sum(axis=1) if choice else np.zeros(n_parts, dtype=np.int64)
    window = np.zeros((len(network.pathways), 2), dtype=np.int64)
    if choice is not None:
        window[list(choice.pathways)] = choice.start_tick, choice.stop_tick
    # Memory that is never written is never taken, so room for the busiest tick there could be costs nothing.
    at = np.concatenate([[0], np.cumsum(most + (room // n_parts if choice else 0))]).astype(np.int64)
    marks = max(1, room // 4) if choice else 0
    return {
        "event_window": window,
        "event_at": at, "event_most": most.astype(np.int64), "event_end": at[:-1].copy(),
        "event_synapse": np.empty(int(at[-1]), dtype=np.uint32),
        "mark_tick": np.empty(marks, dtype=np.int64), "mark_end": np.empty((marks, n_parts), dtype=np.int64),
        "n_marks": np.zeros(1, dtype=np.int64),
        "synapse_of": np.empty(0, np.uint32) if choice is None or synapse_of is None else synapse_of.astype(np.uint32),
    }  # fmt: skip


def take_events(arrays):
    """What was recorded since the last time, as an EventBlock; its place in the buffers is free again."""
    n_marks, begin = int(arrays.n_marks[0]), arrays.event_at[:-1]
    synapse = tuple(
        arrays.event_synapse[start:end].copy() for start, end in zip(begin.tolist(), arrays.event_end.tolist())
    )
    block = EventBlock(
        arrays.mark_tick[:n_marks].copy(), arrays.mark_end[:n_marks] - begin, synapse,
        arrays.synapse_of if arrays.synapse_of.size else None,
    )  # fmt: skip
    arrays.event_end[:], arrays.n_marks[0] = begin, 0
    return block
