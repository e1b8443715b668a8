"""The laws of a run, and `audit`, which tries a trace by each of them.

A law is a function of a Case. It returns how many things it compared, what it found in order, and the first fault or
None; or raises NotCheckableError. Each compares what was counted, event by event, while running with the recount, which
has seen nothing but spikes and synapses.
"""

import numpy as np

from analysis.audit.case import Case, NotCheckableError, first_difference
from analysis.audit.dynamics import justified, refractory, silences
from analysis.audit.energy import energy
from analysis.audit.progress import Progress
from analysis.audit.record import record
from analysis.audit.report import FAILED, NOT_CHECKABLE, PASSED, AuditReport, Law
from eventsim import Trace
from eventsim.arguments import require_kind
from eventsim.counts import KINDS, MESSAGES_IN, MESSAGES_OUT, SPIKES, SYNAPTIC_EVENTS
from eventsim.errors import EventSimError, NotRecordedError, TraceFormatError

__all__ = ["LAWS", "audit"]


def audit(trace, placement=None, cost_report=None, *, neurons=None, seed=0, progress=None):
    """Recount a run from its spikes and connectivity, replay its neurons, and hold everything it reports against that.

    Parameters
    ----------
    trace : Trace
    placement : Placement, optional
    cost_report : CostReport, optional
        Of the events of this trace, under `placement` if that is given, else under the cores of the run.
    neurons : "all" or sequence of int, optional
        Whose spikes and silences are justified by a replay; a random sample if left out.
    seed : int
        Of that sample.
    progress : True or callable, optional
        True writes to a terminal's standard error. A callable gets the name of the present law and the fraction of the
        whole audit that is done.

    Returns
    -------
    AuditReport

    Raises
    ------
    ConfigError
        `trace` is none.
    TraceFormatError
        The trace is not complete, or its network or stimulus cannot be read.
    """
    require_kind("trace", trace, Trace)
    if not trace.complete:
        raise TraceFormatError("the trace is not complete: its writer never finished; run it again")
    watch = Progress(progress, len(LAWS))
    case = Case(trace, placement, cost_report, neurons, seed, watch.within)
    laws = []
    for name, law in LAWS.items():
        watch.begin(name)
        laws.append(_verdict(name, law, case))
    watch.end()
    return AuditReport(tuple(laws))


def _verdict(name, law, case):
    try:
        checked, found, fault = law(case)
    except (NotCheckableError, NotRecordedError) as reason:
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
    foreign = case.trace.foreign
    if foreign is not None and not foreign.stimulus_apart:
        raise NotCheckableError(f"of {foreign.program}, stimulus and spikes of the sources are not known apart")
    stimulus, is_source, begin = case.trace.stimulus, case.trace.network.is_source, 0
    found, fault = "sources fired exactly as the stimulus says", None
    for stop, spikes in case.windows():
        end = int(np.searchsorted(stimulus.tick, stop))
        fault = fault or _other_than_asked(case, spikes.where(is_source[spikes.neuron]), slice(begin, end))
        begin = end
    return stimulus.tick.size, found, fault


def _other_than_asked(case, fired, asked):
    """The first spike of a source in a window that the stimulus does not have, or the other way round; or None."""
    stimulus = case.trace.stimulus
    if fired.offset is not None and fired.offset.any():
        k = int(fired.offset.argmax())
        return f"{case.place(fired.neuron[k])} fired within tick {fired.tick[k]}, not at its start"
    tick, neuron = stimulus.tick[asked], stimulus.neuron[asked]
    difference = first_difference((fired.tick, fired.neuron, np.ones_like(fired.tick)),
                                  (tick, neuron, np.ones_like(tick)))  # fmt: skip
    if difference is None:
        return None
    (at, source), is_fired, _ = difference
    what = "fired unbidden" if is_fired else "is in the stimulus, but did not fire"
    return f"{case.place(source)} at tick {at} {what}"


def _order(case):
    """Spikes rise by (tick, neuron); in continuous time, where a neuron may fire again at once, by offset too."""
    case.require_spikes()
    exact = case.trace.clock == "continuous"
    names = ("tick", "offset", "neuron") if exact else ("tick", "neuron")
    last, n = (-1,) * len(names), 0
    for spikes in case.spike_windows():
        columns = [np.append(before, getattr(spikes, name)) for before, name in zip(last, names)]
        falls, ties = np.zeros(len(spikes), dtype=bool), np.ones(len(spikes), dtype=bool)
        for step in map(np.diff, columns):
            falls |= ties & (step < 0)
            ties &= step == 0
        wrong = falls if exact else falls | ties
        if wrong.any():
            k = int(wrong.argmax())
            return n + k, "", f"{case.place(spikes.neuron[k])} at tick {spikes.tick[k]} is out of order, or there twice"
        last, n = [column[-1] for column in columns], n + len(spikes)
    return n, f"spikes rise by ({', '.join(names)})", None


def _deliveries(case):
    due, delivered = case.deliveries, case.trace.delivered()
    wrong, fault = np.flatnonzero(delivered != due.arrived), None
    if wrong.size:
        p = wrong[0]
        fault = (f"pathway '{case.trace.network.pathways[p].name}' delivered {delivered[p]:,}, due were "
                 f"{_due(due.sent[p], due.in_flight[p], due.dropped[p])}; {_among_targets(case, p)}")  # fmt: skip
    return delivered.size, f"delivered were {_due(due.sent.sum(), due.in_flight.sum(), due.dropped.sum())}", fault


def _among_targets(case, p):
    """Where the deliveries of a pathway went, in words: the first of its targets whose count is off, if one is."""
    pathway, (count, _), due = case.trace.network.pathways[p], case.trace.received(), case.deliveries.received
    posts = np.unique(case.trace.network.post[pathway.synapses])
    off = posts[count[posts] != due[posts]]
    if off.size:
        return f"{case.place(off[0])} received {count[off[0]]:,}, due were {due[off[0]]:,}"
    return f"its {posts.size:,} targets, {case.place(posts[0])} the first, received what was due" if posts.size else ""


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
        fault = f"{case.place(i)} received {count[i]:,} deliveries, due were {due.received[i]:,}"
        if count[i] == due.received[i]:
            fault = (f"{case.place(i)} received weight {float(weight[i])!r}, due was {float(due.weight[i])!r} within "
                     f"{due.rounding[i]:.1e}")  # fmt: skip
    found = f"deliveries to each neuron exactly, their weights to {difference.max(initial=0):.1e}, within rounding"
    return 2 * count.size, found, fault


def _counts(case):
    checked, fault = 0, None
    for online, due in case.compared_rows():
        checked, difference = checked + due[0].size, first_difference(online, due)
        if difference is not None and fault is None:
            (tick, core, kind), counted, expected = difference
            fault = f"tick {tick}, core {core}: {counted:,} {KINDS[kind]} counted, due were {expected:,}"
    return checked, "rows of (tick, core, kind) as recounted", fault


def _cores(case):
    """Sums over ticks, over cores, over pathways and over neurons of what was counted while running agree."""
    counted, core_of, (received, _) = case.counted_by_core, case.trace.core_of, case.trace.received()
    source, destination, messages = case.trace.messages()

    def by_core(core, values):
        sums = np.zeros(counted.shape[1], dtype=np.int64)
        np.add.at(sums, core + 1, values)
        return sums

    elsewhere = {
        SPIKES: ("its neurons fired", by_core(core_of, case.deliveries.fired)),
        SYNAPTIC_EVENTS: ("its neurons received", by_core(core_of, received)),
        MESSAGES_OUT: ("the message matrix has", by_core(source, messages)),
        MESSAGES_IN: ("the message matrix has", by_core(destination, messages)),
    }
    used = np.bincount(core_of + 1, minlength=counted.shape[1]) > 0
    for kind, (_, sums) in elsewhere.items():
        used |= (counted[kind] != 0) | (sums != 0)
    checked = len(elsewhere) * int(used.sum()) + 4
    for kind, (what, sums) in elsewhere.items():
        wrong = np.flatnonzero(counted[kind] != sums)
        if wrong.size:
            k = wrong[0]
            return checked, "", f"core {k - 1}: {counted[kind][k]:,} {KINDS[kind]} counted, {what} {sums[k]:,}"
    total = counted.sum(axis=1).tolist()
    totals = [("spikes", total[SPIKES], "stored", case.trace.n_spikes),
              ("synaptic_events", total[SYNAPTIC_EVENTS], "delivered", int(case.trace.delivered().sum())),
              ("synaptic_events", total[SYNAPTIC_EVENTS], "received", int(received.sum())),
              ("messages_out", total[MESSAGES_OUT], "messages_in", total[MESSAGES_IN])]  # fmt: skip
    faults = [f"{a:,} {left} counted in all, but {b:,} {right}" for left, a, right, b in totals if a != b]
    return checked, f"sums over {int(used.sum()):,} cores, neurons and pathways agree", faults[0] if faults else None


def _messages(case):
    online, due, fault = case.trace.messages(), case.messages, None
    difference = first_difference(online, due)
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
    counted = placement.core_of if case.trace.foreign is not None else case.trace.core_of
    elsewhere = np.flatnonzero(placement.core_of != counted)
    if elsewhere.size and not _costed_as_placed(case):
        i = elsewhere[0]
        fault = (f"{case.name(i)} is placed on core {placement.core_of[i]}, but was counted on core "
                 f"{counted[i]}; count with this placement")  # fmt: skip
    found = f"each neuron on one of {placement.n_cores:,} cores, every limit of {placement.chip.name} kept"
    return network.n_neurons, found, fault


def _costed_as_placed(case):
    """Whether the costed counts were made later, for this placement rather than for the cores of the run."""
    return case.cost_report is not None and case.cost_report.counts_hash == case.recounted_as_placed.hash


#: Every law, in the order of the report.
LAWS = {
    "columns": _columns, "hashes": _hashes, "stimulus": _stimulus, "order": _order, "refractory": refractory,
    "justified": justified, "silences": silences, "deliveries": _deliveries, "record": record, "received": _received,
    "counts": _counts, "cores": _cores, "messages": _messages, "energy": energy, "placement": _placement,
}  # fmt: skip
