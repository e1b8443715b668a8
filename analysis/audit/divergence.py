"""diverge: where two traces first differ, and what led to it."""

from dataclasses import dataclass

import numpy as np

from analysis.audit.explain import Explanation, name_of, why
from eventsim.errors import ConfigError

__all__ = ["Divergence", "diverge"]


@dataclass(frozen=True, eq=False)
class Divergence:
    """Where two traces first differ.

    Parameters
    ----------
    different : tuple of str
        What differs besides the spikes: networks, stimuli, durations; one line each.
    tick, neuron : int or None
        The first spike that only one of them has; None when all spikes are the same.
    name : str
    only_in : str
        "the first" or "the second" trace.
    n_spikes : int
        Spikes that were compared before it.
    explanations : tuple of Explanation
        Why the neuron fired or not, in the first trace and in the second.
    arrivals : tuple of str
        Arrivals that only one of them has, in the ticks that are explained.
    potential : str
        Where the potentials of the neuron first part.
    """

    different: tuple[str, ...]
    tick: int | None = None
    neuron: int | None = None
    name: str = ""
    only_in: str = ""
    n_spikes: int = 0
    explanations: tuple[Explanation, ...] = ()
    arrivals: tuple[str, ...] = ()
    potential: str = ""

    @property
    def same(self):
        """Whether networks, stimuli and spikes are all the same."""
        return not self.different and self.tick is None

    def to_json(self):
        """In plain types."""
        names = ("same", "tick", "neuron", "name", "only_in", "n_spikes", "potential")
        return {name: getattr(self, name) for name in names} | {
            "different": list(self.different), "arrivals": list(self.arrivals),
            "explanations": [explanation.to_json() for explanation in self.explanations],
        }  # fmt: skip

    def __str__(self):
        lines = list(self.different)
        if self.tick is None:
            return "\n".join([*lines, f"all {self.n_spikes:,} spikes are the same"])
        lines.append(f"after {self.n_spikes:,} equal spikes, {self.name} fires at tick {self.tick} in {self.only_in} "
                     "trace only")  # fmt: skip
        lines += [line for line in (self.potential, *self.arrivals) if line]
        for which, explanation in zip(("first", "second"), self.explanations):
            lines += ["", f"-- {which} trace", str(explanation)]
        return "\n".join(lines)


def diverge(first, second, *, ticks=20):
    """Compare two traces spike by spike.

    Parameters
    ----------
    first, second : Trace
        On the same clock.
    ticks : int
        How many ticks up to the divergence are explained.

    Returns
    -------
    Divergence

    Raises
    ------
    ConfigError
        When one is on the grid and the other in continuous time.
    """
    if first.clock != second.clock:
        raise ConfigError(f"one trace is of clock '{first.clock}', the other of '{second.clock}': their spikes differ")
    different = tuple(_other_differences(first, second))
    n, found = _first_difference(first, second)
    if found is None:
        return Divergence(different, n_spikes=n)
    tick, neuron, only_in = found
    name = name_of((first, second)[only_in], neuron)
    where = {"tick": tick, "neuron": neuron, "name": name, "n_spikes": n}
    where["only_in"] = ("the first", "the second")[only_in]
    inside = all(neuron < t.network.n_neurons and tick < t.duration_ticks for t in (first, second))
    if not inside:
        return Divergence(different, **where)
    explanations = tuple(why(trace, neuron, tick, ticks=ticks) for trace in (first, second))
    return Divergence(different, **where, explanations=explanations, arrivals=tuple(_other_arrivals(*explanations)),
                      potential=_parting(*explanations))  # fmt: skip


def _other_differences(first, second):
    """What differs besides spikes, in the order in which it would matter."""
    left, right = (trace.network.to_arrays() for trace in (first, second))
    if first.network.hash != second.network.hash:
        names = sorted(name for name in left.keys() | right.keys() if not _equal(left.get(name), right.get(name)))
        yield f"the networks differ: {', '.join(names[:5])}{' and more' if len(names) > 5 else ''}"
    if first.stimulus.hash != second.stimulus.hash:
        yield f"the stimuli differ: {_other_stimulus(first.stimulus, second.stimulus)}"


def _equal(left, right):
    return left is not None and right is not None and np.array_equal(left, right)


def _other_stimulus(left, right):
    for name in ("reset", "duration_ticks"):
        if getattr(left, name) != getattr(right, name):
            return f"{name} is {getattr(left, name)} in the first, {getattr(right, name)} in the second"
    spikes = [set(zip(s.tick.tolist(), s.neuron.tolist())) for s in (left, right)]
    if spikes[0] != spikes[1]:
        tick, neuron = min(spikes[0] ^ spikes[1])
        only = "first" if (tick, neuron) in spikes[0] else "second"
        return f"the first spike that differs is of neuron {neuron} at tick {tick}, in the {only} only"
    return "queries or input ids"


def _first_difference(first, second):
    """(spikes compared, (tick, neuron, which trace has it) or None)."""
    duration = max(first.duration_ticks, second.duration_ticks)
    step = max(1, duration * (1 << 20) // max(first.n_spikes, second.n_spikes, 1))
    compared = 0
    for start in range(0, duration, step):
        left, right = (trace.spikes(start_tick=start, stop_tick=start + step) for trace in (first, second))
        names = ("tick", "neuron") if getattr(left, "offset", None) is None else ("tick", "offset", "neuron")
        columns = [(getattr(left, name), getattr(right, name)) for name in names]
        common = min(len(left), len(right))
        differs = np.any([a[:common] != b[:common] for a, b in columns], axis=0)
        if len(left) != len(right) or differs.any():
            k = int(differs.argmax()) if differs.any() else common
            rows = [tuple(column[k] for column in side) if k < side[0].size else (np.inf,) for side in zip(*columns)]
            which = int(rows[1] < rows[0])
            return compared + k, (int(rows[which][0]), int(rows[which][-1]), which)
        compared += common
    return compared, None


def _other_arrivals(left, right):
    """Lines about arrivals, the earliest first, that only one of two explanations has."""
    columns = ["tick", "synapse", "pre", "weight"]
    sides = [{tuple(row): row for row in e.arrivals[columns].itertuples(index=False)} for e in (left, right)]
    for key in sorted(sides[0].keys() ^ sides[1].keys())[:10]:
        tick, synapse, _, weight = key
        which, source = ("first", left) if key in sides[0] else ("second", right)
        name = source.arrivals.pre_name[source.arrivals.synapse == synapse].iloc[0]
        yield f"only in the {which}: synapse {synapse} of {name} delivers {weight:g} at tick {tick}"


def _parting(left, right):
    """Where two potentials first differ, in words."""
    if "potential" not in left.potential or "potential" not in right.potential:
        return ""
    moment = ["tick", "offset"] if "offset" in left.potential else ["tick"]
    both = left.potential.merge(right.potential, on=moment)  # in continuous time, moments that both have
    a, b = both.potential_x.to_numpy(), both.potential_y.to_numpy()
    apart = np.flatnonzero(a != b)
    if not apart.size:
        return f"its potentials are the same, in each {'moment that both have' if len(moment) > 1 else 'tick shown'}"
    k = int(apart[0])
    at = " + ".join(f"{both[name].iloc[k]:.9g}" for name in moment)
    before = " or before" if k == 0 and both.tick.iloc[0] > 0 else ""
    return f"its potentials part at tick {at}{before}: {a[k]:.17g} and {b[k]:.17g}"
