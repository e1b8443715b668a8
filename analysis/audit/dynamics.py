"""The laws of what neurons do: no spike in a refractory period, every spike justified, and every silence."""

import numpy as np

from analysis.audit.bundles import lost_at
from analysis.audit.case import NotCheckableError
from analysis.audit.condition import condition_of, told
from analysis.audit.replay import Replay

__all__ = ["justified", "refractory", "silences"]

#: By how many ticks two exact times may be off after being rounded.
_ROUNDING = 1e-9


def refractory(case):
    """Hold the time between any two spikes of a neuron against its population's refractory period."""
    case.require_spikes()
    network, continuous = case.trace.network, case.trace.clock == "continuous"
    period = np.zeros(network.n_neurons)
    open_, held = [], []
    for k, p in enumerate(network.populations):
        if p.refractory_s is not None:
            period[p.start : p.stop] = _period_ticks(network, k, continuous)
            held.append(p.name)
        elif p.guards or "not_refractory" in p.state:
            open_.append(p.name)
    elsewhere = f"; not of {', '.join(open_)}, whose period is no single number: the replay keeps it" if open_ else ""
    if not held:
        raise NotCheckableError(f"no population has a refractory period of one length{elsewhere}")
    checked, fault = _intervals(case, period)
    return checked, f"intervals of {', '.join(held)} are no shorter than their refractory period{elsewhere}", fault


def _period_ticks(network, k, continuous):
    """Ticks from a spike to the first at which population k may fire again, on its own clock unless in exact time."""
    exact = network.populations[k].refractory_s * 1e3 / network.dt_ms
    if continuous:
        return exact
    every = next((o.every for o in network.schedule if o.kind == "threshold" and o.index == k), 1)
    return int(exact / every + 1e-3) * every  # whole steps, a thousandth to spare, as Brian2 counts them


def _intervals(case, period):
    """How many intervals there are, and the first that is too short."""
    last, last_offset = np.full(period.size, -1, dtype=np.int64), np.zeros(period.size)
    checked, fault = 0, None
    for spikes in case.spike_windows():
        of_interest = period[spikes.neuron] > 0
        neuron, tick = spikes.neuron[of_interest].astype(np.int64), spikes.tick[of_interest]
        offset = np.zeros(tick.size) if getattr(spikes, "offset", None) is None else spikes.offset[of_interest]
        order = np.argsort(neuron, kind="stable")
        neuron, tick, offset = neuron[order], tick[order], offset[order]
        first = np.diff(neuron, prepend=-1) != 0
        before, before_offset = np.roll(tick, 1), np.roll(offset, 1)
        before[first], before_offset[first] = last[neuron[first]], last_offset[neuron[first]]
        follows = (before >= 0) & (lost_at(before, case.trace.stimulus) > tick)  # a reset by the host ends a period
        interval = (tick - before) + (offset - before_offset)
        short = np.flatnonzero(follows & (interval < period[neuron] - _ROUNDING))
        if short.size and fault is None:
            k = short[np.argmin(tick[short])]
            fault = (f"{case.place(neuron[k])} fired at tick {tick[k]}, {interval[k]:g} ticks after its spike at tick "
                     f"{before[k]}; it is refractory for {period[neuron[k]]:g}")  # fmt: skip
        checked += int(follows.sum())
        last[neuron], last_offset[neuron] = tick, offset  # of equal neurons the last one stays
    return checked, fault


def justified(case):
    """Replay neurons from their inputs: wherever one fired, its threshold condition must have held."""
    return _law(case, case.replay.spikes, "spikes", "fired, but")


def silences(case):
    """The same the other way: wherever a neuron did not fire, its threshold condition must not have held."""
    what = "stretches without a spike" if case.is_exact else "silent ticks"
    return _law(case, case.replay.silences, what, "did not fire, though")


def _law(case, verdict, what, did):
    found = f"{what} of {case.replayed} follow from their inputs, replayed"
    return verdict.checked, found, None if verdict.first is None else _first_fault(case, verdict, did)


def _first_fault(case, verdict, did):
    tick, neuron = verdict.first
    words, when = verdict.words, f"tick {tick}"
    if case.is_exact:
        when = f"tick {tick} + {verdict.offset:.6g}"
    else:
        again = Replay(case.trace, [neuron])
        again.run(tick)
        values = again.values(again.run(tick + 1, keep=True), neuron)
        words = told(condition_of(case.trace.network, neuron), values, tick)
    return f"{case.place(neuron)} at {when} {did} {words} ({verdict.wrong:,} in all)"
