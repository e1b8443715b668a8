"""The law of the record: every delivery that was written down has exactly one source spike at t - delay, and all are
there."""

import numpy as np

from analysis.audit.arrivals import Afferents
from analysis.audit.case import NotCheckableError, first_difference

__all__ = ["record"]

#: Deliveries that are compared at once, on average.
_PER_WINDOW = 1 << 22

#: Of a key, those that hold the synapse, whose ids are stored in 32 bits.
_BITS = 32


def record(case):
    """Hold the record of deliveries, made where they were scattered, against the spikes that must have caused them."""
    choice = case.trace.event_choice
    if choice is None:
        raise NotCheckableError("deliveries were not recorded; simulate(..., record_events=True) does")
    case.require_spikes()
    trace, network = case.trace, case.trace.network
    place_of = np.full(len(network.pathways), -1, dtype=np.int64)
    place_of[list(choice.pathways)] = 0
    expected = Afferents(network, trace.stimulus, np.zeros(network.n_neurons, dtype=np.int64), place_of)
    per_spike = 1 + expected.synapse.size / max(network.n_neurons, 1)
    step = max(1, int(max(trace.duration_ticks, 1) * _PER_WINDOW / max(trace.n_spikes * per_spike, 1)))
    checked = 0
    for begin in range(0, choice.stop_tick, step):
        end = min(begin + step, choice.stop_tick)
        case.progress(end / choice.stop_tick)
        tick, synapse = expected.unsorted(end, trace.spikes(start_tick=begin, stop_tick=end))
        inside = tick >= choice.start_tick
        due = np.sort(_keys(tick[inside], synapse[inside]))
        recorded = trace.recorded_events(max(begin, choice.start_tick), end)
        checked += due.size
        found = _keys(recorded.tick, recorded.synapse)
        if not np.array_equal(found, due):
            (key,), is_recorded, _ = first_difference((found, np.ones_like(found)), (due, np.ones_like(due)))
            return checked, "", _fault(case, key >> _BITS, key & ((1 << _BITS) - 1), bool(is_recorded))
    return checked, "recorded deliveries have each exactly one spike at their tick less their delay", None


def _keys(tick, synapse):
    """One number for each delivery, which sorts as (tick, synapse) does."""
    return (tick << _BITS) | synapse


def _fault(case, tick, synapse, is_recorded):
    network = case.trace.network
    pre, post, delay = (int(column[synapse]) for column in (network.pre, network.post, network.delay))
    where = f"synapse {synapse} onto {case.name(post)} at tick {tick}: a delivery"
    if is_recorded:
        return f"{where} is recorded, but {case.name(pre)} has no spike at tick {tick - delay} that it could be of"
    return f"{where} is missing from the record, though {case.name(pre)} fired at tick {tick - delay}"
