"""The laws of a run, and `audit`, which tries a trace by each of them.

A law is a function of a Case. It returns how many things it compared, what it found in order, and the first fault or
None; or raises NotCheckableError. Each compares what was counted, event by event, while running with the recount, which
has seen nothing but spikes and synapses.
"""

import numpy as np

from analysis.audit.case import Case, NotCheckableError, first_difference
from analysis.audit.energy import energy
from analysis.audit.recount import spike_windows
from analysis.audit.report import FAILED, NOT_CHECKABLE, PASSED, AuditReport, Law
from eventsim.counts import KINDS, MESSAGES_IN, MESSAGES_OUT, SPIKES, SYNAPTIC_EVENTS
from eventsim.errors import EventSimError, TraceFormatError

__all__ = ["LAWS", "audit"]


def audit(trace, placement=None, cost_report=None):
    """Recount a run from its spikes and connectivity and hold everything it reports against that.

    Parameters
    ----------
    trace : Trace
    placement : Placement, optional
    cost_report : CostReport, optional
        Of the events of this trace, under `placement` if that is given, else under the cores of the run.

    Returns
    -------
    AuditReport

    Raises
    ------
    TraceFormatError
        The trace is not complete, or its network or stimulus cannot be read.
    """
    if not trace.complete:
        raise TraceFormatError("the trace is not complete: its writer never finished; run it again")
    case = Case(trace, placement, cost_report)
    return AuditReport(tuple(_verdict(name, law, case) for name, law in LAWS.items()))


def _verdict(name, law, case):
    try:
        checked, found, fault = law(case)
    except NotCheckableError as reason:
        return Law(name, NOT_CHECKABLE, 0, str(reason))
    except TraceFormatError as damage:
        return Law(name, FAILED, 0, str(damage))
    return Law(name, PASSED, checked, found) if fault is None else Law(name, FAILED, checked, fault)


def _columns(case):
    n = len(case.trace.network.populations)
    return n, "timestamps, node_ids and ticks of every population agree", "; ".join(case.column_faults) or None


def _hashes(case):
    verified = case.trace.verify_hashes()
    wrong = [name for name, holds in verified if not holds]
    fault = f"stored {', '.join(wrong)} changed since the run, or never hashed" if wrong else None
    return len(verified), f"{', '.join(name for name, _ in verified)} are as written", fault


def _stimulus(case):
    case.require_spikes()
    stimulus, is_source = case.trace.stimulus, case.trace.network.is_source
    of_sources = [spikes.where(is_source[spikes.neuron]) for spikes in spike_windows(case.trace)]
    tick, neuron = (np.concatenate([np.empty(0, np.int64), *(getattr(part, name) for part in of_sources)])
                    for name in ("tick", "neuron"))  # fmt: skip
    difference = first_difference((tick, neuron, np.ones_like(tick)),
                                  (stimulus.tick, stimulus.neuron, np.ones_like(stimulus.tick)))  # fmt: skip
    fault = None
    if difference is not None:
        (at, source), fired, _ = difference
        what = "fired unbidden" if fired else "is in the stimulus, but did not fire"
        fault = f"{case.name(source)} at tick {at} {what}"
    return stimulus.tick.size, "sources fired exactly as the stimulus says", fault


def _order(case):
    case.require_spikes()
    last, n = (-1, -1), 0
    for spikes in spike_windows(case.trace):
        tick, neuron = (np.append(before, column) for before, column in zip(last, (spikes.tick, spikes.neuron)))
        stays = (np.diff(tick) < 0) | ((np.diff(tick) == 0) & (np.diff(neuron) <= 0))
        if stays.any():
            k = int(stays.argmax())
            return n + k, "", f"{case.name(spikes.neuron[k])} at tick {spikes.tick[k]} is out of order, or there twice"
        last, n = (tick[-1], neuron[-1]), n + len(spikes)
    return n, "spikes rise by (tick, neuron)", None


def _deliveries(case):
    due, delivered = case.deliveries, case.trace.delivered()
    wrong, fault = np.flatnonzero(delivered != due.arrived), None
    if wrong.size:
        p = wrong[0]
        fault = (f"pathway '{case.trace.network.pathways[p].name}' delivered {delivered[p]:,}, due were "
                 f"{_due(due.sent[p], due.in_flight[p], due.dropped[p])}")  # fmt: skip
    return delivered.size, f"delivered were {_due(due.sent.sum(), due.in_flight.sum(), due.dropped.sum())}", fault


def _due(sent, in_flight, dropped):
    return f"{sent - in_flight - dropped:,} = {sent:,} sent - {in_flight:,} in flight - {dropped:,} dropped by resets"


def _received(case):
    due, (count, weight) = case.deliveries, case.trace.received()
    difference = np.abs(weight - due.weight)
    # Written so that a sum or bound that is not finite counts as wrong.
    off = ~((difference <= due.rounding) & np.isfinite(due.rounding))
    wrong, fault = np.flatnonzero((count != due.received) | off), None
    if wrong.size:
        i = wrong[0]
        fault = f"{case.name(i)} received {count[i]:,} deliveries, due were {due.received[i]:,}"
        if count[i] == due.received[i]:
            fault = (f"{case.name(i)} received weight {float(weight[i])!r}, due was {float(due.weight[i])!r} within "
                     f"{due.rounding[i]:.1e}")  # fmt: skip
    found = f"deliveries to each neuron exactly, their weights to {difference.max(initial=0):.1e}, within rounding"
    return 2 * count.size, found, fault


def _counts(case):
    online, due = ((c.tick, c.core, c.kind, c.count) for c in (case.counts, case.recounted))
    difference, fault = first_difference(online, due), None
    if difference is not None:
        (tick, core, kind), counted, expected = difference
        fault = f"tick {tick}, core {core}: {counted:,} {KINDS[kind]} counted, due were {expected:,}"
    return due[0].size, "rows of (tick, core, kind) as recounted", fault


def _cores(case):
    """Sums over ticks, over cores, over pathways and over neurons of what was counted while running agree."""
    counts, (received, _) = case.counts, case.trace.received()
    cores = np.unique(np.concatenate([counts.core_of, counts.core, counts.message_source, counts.message_destination]))

    def by_core(core, values):
        sums = np.zeros(cores.size, dtype=np.int64)
        np.add.at(sums, np.searchsorted(cores, core), values)
        return sums

    counted = [by_core(counts.core[counts.kind == k], counts.count[counts.kind == k]) for k in range(len(KINDS))]
    elsewhere = {
        SPIKES: ("its neurons fired", by_core(counts.core_of, case.deliveries.fired)),
        SYNAPTIC_EVENTS: ("its neurons received", by_core(counts.core_of, received)),
        MESSAGES_OUT: ("the message matrix has", by_core(counts.message_source, counts.message_count)),
        MESSAGES_IN: ("the message matrix has", by_core(counts.message_destination, counts.message_count)),
    }
    checked = len(elsewhere) * cores.size + 4
    for kind, (what, sums) in elsewhere.items():
        wrong = np.flatnonzero(counted[kind] != sums)
        if wrong.size:
            k = wrong[0]
            return checked, "", f"core {cores[k]}: {counted[kind][k]:,} {KINDS[kind]} counted, {what} {sums[k]:,}"
    totals = [("spikes", counts.total(SPIKES), "stored", case.trace.n_spikes),
              ("synaptic_events", counts.total(SYNAPTIC_EVENTS), "delivered", int(case.trace.delivered().sum())),
              ("synaptic_events", counts.total(SYNAPTIC_EVENTS), "received", int(received.sum())),
              ("messages_out", counts.total(MESSAGES_OUT), "messages_in", counts.total(MESSAGES_IN))]  # fmt: skip
    faults = [f"{a:,} {left} counted in all, but {b:,} {right}" for left, a, right, b in totals if a != b]
    return checked, f"sums over {cores.size:,} cores, neurons and pathways agree", faults[0] if faults else None


def _messages(case):
    online, due = ((c.message_source, c.message_destination, c.message_count) for c in (case.counts, case.recounted))
    difference, fault = first_difference(online, due), None
    if difference is not None:
        (source, destination), counted, expected = difference
        fault = f"core {source} to core {destination}: {counted:,} messages counted, due were {expected:,}"
    return due[0].size, f"{due[2].sum():,} messages between pairs of cores (-1 is the host)", fault


def _placement(case):
    placement, network = case.placement, case.trace.network
    if placement is None:
        raise NotCheckableError("no placement was given")
    try:
        used = placement.validate(network)
    except EventSimError as error:
        return network.n_neurons, "", str(error)
    fault = None
    if placement.used is not None and not np.array_equal(placement.used, used):
        fault = "what the placement says its cores hold is not what they hold"
    elsewhere = np.flatnonzero(placement.core_of != case.counts.core_of)
    if elsewhere.size and not _costed_as_placed(case):
        i = elsewhere[0]
        fault = (f"{case.name(i)} is placed on core {placement.core_of[i]}, but was counted on core "
                 f"{case.counts.core_of[i]}; count with this placement")  # fmt: skip
    found = f"each neuron on one of {placement.n_cores:,} cores, every limit of {placement.chip.name} kept"
    return network.n_neurons, found, fault


def _costed_as_placed(case):
    """Whether the costed counts were made later, for this placement rather than for the cores of the run."""
    return case.cost_report is not None and case.cost_report.counts_hash == case.recounted_as_placed.hash


#: Every law, in the order of the report.
LAWS = {
    "columns": _columns, "hashes": _hashes, "stimulus": _stimulus, "order": _order, "deliveries": _deliveries,
    "received": _received, "counts": _counts, "cores": _cores, "messages": _messages, "energy": energy,
    "placement": _placement,
}  # fmt: skip
