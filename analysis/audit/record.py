"""The law of the record: every delivery that was written down has exactly one source spike at t - delay, and all are
there."""

import numpy as np

from analysis.audit.bundles import Bundles, UnderWay, agree
from analysis.audit.case import NotCheckableError, first_difference

__all__ = ["record"]

#: Deliveries that are compared at once, on average.
_PER_WINDOW = 1 << 22

#: Of a key, those that hold the synapse, whose ids are stored in 32 bits.
_BITS = 32


def record(case):
    """Hold the record of deliveries, made where they were scattered, against the spikes that must have caused them.

    What is due is worked out in bundles, runs of synapses that arrive together. Sorted by (tick, first synapse) they
    are in the order of the record, (tick, synapse), and need not be written out to be compared with it.
    """
    choice = case.trace.event_choice
    if choice is None:
        raise NotCheckableError("deliveries were not recorded; simulate(..., record_events=True) does")
    case.require_spikes()
    trace, bundles = case.trace, Bundles(case.trace.network, choice.pathways)
    under_way = UnderWay(bundles, trace.stimulus)
    per_spike = 1 + bundles.size[bundles.by_pre].sum() / max(trace.network.n_neurons, 1)
    step = max(1, int(max(trace.duration_ticks, 1) * _PER_WINDOW / max(trace.n_spikes * per_spike, 1)))
    checked = 0
    for begin in range(0, choice.stop_tick, step):
        end = min(begin + step, choice.stop_tick)
        case.progress(end / choice.stop_tick)
        due = _due(under_way.until(end, trace.spikes(start_tick=begin, stop_tick=end)), bundles, choice.start_tick)
        first = max(begin, choice.start_tick)
        marks, synapse = trace.recorded_synapses(first, end)
        checked += synapse.size
        if not agree(*due, marks.tick, np.cumsum(marks.n), synapse):
            return checked, "", _difference(case, due, trace.recorded_events(first, end))
    return checked, "recorded deliveries have each exactly one spike at their tick less their delay", None


def _due(chunks, bundles, start_tick):
    """(tick, first synapse, number of synapses) of bundles that arrive from a tick on, in the order of the record."""
    chunks = [(np.empty(0, np.int64),) * 2, *chunks]
    bundle, tick = (np.concatenate(columns) for columns in zip(*chunks))
    inside = tick >= start_tick
    bundle, tick = bundle[inside], tick[inside]
    order = np.lexsort((bundle, tick))
    return tick[order], bundles.first[bundle[order]], bundles.size[bundle[order]]


def _difference(case, due, recorded):
    """The fault, where bundles that are due and the events that are recorded differ."""
    tick, first, size = due
    synapse = np.repeat(first - np.cumsum(size) + size, size) + np.arange(size.sum())
    due, found = _keys(np.repeat(tick, size), synapse), _keys(recorded.tick, recorded.synapse)
    (key,), is_recorded, _ = first_difference((found, np.ones_like(found)), (due, np.ones_like(due)))
    return _fault(case, key >> _BITS, key & ((1 << _BITS) - 1), bool(is_recorded))


def _keys(tick, synapse):
    """One number for each delivery, which sorts as (tick, synapse) does."""
    return (tick << _BITS) | synapse


def _fault(case, tick, synapse, is_recorded):
    network = case.trace.network
    pre, post, delay = (int(column[synapse]) for column in (network.pre, network.post, network.delay))
    where = f"synapse {synapse} onto {case.place(post)} at tick {tick}: a delivery"
    if is_recorded:
        return f"{where} is recorded, but {case.place(pre)} has no spike at tick {tick - delay} that it could be of"
    return f"{where} is missing from the record, though {case.place(pre)} fired at tick {tick - delay}"
