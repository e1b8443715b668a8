"""Many copies of one softmax circuit in one network, each with its own logits, run once and compared with softmax."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.shares import total_variation
from circuits import Circuit
from circuits.softmax import (
    escape_inhibition,
    first_spike,
    gated_counts,
    hard_reset,
    integrate_inhibition,
    latency_shares,
    leaky,
    race,
    self_inhibition,
    thinning,
    thinning_at_once,
    winner_take_all,
)
from eventsim import Stimulus, compile_network, simulate

__all__ = ["KINDS", "RESOLVED", "Copies", "Kind", "Runs", "latencies", "measure", "pool", "shifted"]

#: From this K p_min on every count of a deterministic circuit is of the size that its law takes it to be.
RESOLVED = 2.0


@dataclass(frozen=True, eq=False)
class Runs:
    """What m independent runs of one circuit did.

    Parameters
    ----------
    ticks : int
        Length of each.
    counts : (m,) int64
        Weight spikes, K; for `first_spike`, n.
    spikes : (m,) int64
        Spikes of all neurons of the circuit.
    tv, l2 : (m,) float64
        Total variation and Euclidean distance between shares and softmax.
    law : (m,) float64
        Root mean square of `l2` that the circuit's law predicts for this K and these logits; nan without a law.
    smallest : (m,) float64
        K times the smallest softmax weight: below about 2 the laws of the deterministic circuits do not hold.
    """

    ticks: int
    counts: np.ndarray
    spikes: np.ndarray
    tv: np.ndarray
    l2: np.ndarray
    law: np.ndarray
    smallest: np.ndarray

    def of(self, rows):
        """Some of the runs."""
        columns = {name: value[rows] for name, value in vars(self).items() if name != "ticks"}
        return Runs(self.ticks, **columns)


@dataclass(frozen=True)
class Kind:
    """How one circuit is built, for how long it runs, and what is expected of it.

    Parameters
    ----------
    build : callable (logits, length, options, seed) -> Circuit
        `logits` (n,); `length` is the wanted number of spikes, or tau in ticks for the latencies; `options` holds
        rate_per_tick, inhibition, span and d.
    ticks : callable (circuit, length, n, options) -> int
    slope : float or None
        Of the error against length; None for a control.
    law : callable (p, counts, length) -> squared L2 distance, or None
    rounded : bool
        Logits are rounded to whole numbers, of which the circuit's scores are made.
    timed : bool
        The answer is in the times of the spikes.
    """

    build: Callable
    ticks: Callable
    slope: float | None = None
    law: Callable | None = None
    rounded: bool = False
    timed: bool = False


def _settled(logits):
    """Logits less their log sum exp: what is left when the inhibition has settled."""
    return np.log(_softmax(logits))


def _softmax(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def pool(builder, **fixed):
    """How a circuit with shared inhibition is built, some of its arguments `fixed`."""
    return shifted(builder, 0.0, **fixed)


def shifted(builder, by, **fixed):
    """The same with log-drives that start `by` above where they settle."""

    def build(logits, length, options, seed):
        return builder(logits.size, rate_per_tick=options["rate_per_tick"], inhibition=options["inhibition"],
                       u_start=_settled(logits) + by, seed=seed, **fixed)  # fmt: skip

    return build


def _race(logits, length, options, seed):
    return race(logits.size, rate_per_tick=options["rate_per_tick"], u_start=_settled(logits), seed=seed,
                through="relay")  # fmt: skip


def latencies(builder, **fixed):
    """How a circuit of first spikes is built, some of its arguments `fixed`."""

    def build(logits, length, options, seed):
        counts = {"counts": length / 2} if builder is gated_counts else {}
        span = options["span"]
        return builder(logits.size, tau_ticks=float(length), span=span, start=logits - logits.min(), seed=seed,
                       **(counts | fixed))  # fmt: skip

    return build


def _by_score(builder):
    def build(logits, length, options, seed):
        d = options["d"]
        missing = np.minimum(np.round(logits.max() - logits).astype(np.int64), d)
        return builder(logits.size, d, beta=1.0, scores=d - missing, seed=seed)

    return build


def _self_inhibition(logits, length, options, seed):
    return self_inhibition(logits.size, logits=logits, tau_ticks=200.0)


def _for_spikes(circuit, length, n, options):
    return round(length / options["rate_per_tick"])


def _for_rounds(circuit, length, n, options):
    return length * n + 2  # the last candidate passes two ticks later


def _to_the_end(circuit, length, n, options):
    return circuit.duration_ticks


def _multinomial(p, counts, length):
    """(1 - sum p^2)/K."""
    return (1 - np.square(p).sum(axis=1)) / counts


def _binomial(p, counts, length):
    """sum_ij (delta_ij - p_i)^2 p_j (1 - q_j)/K, q_j = p_j/max p: a token of full score always passes."""
    weight = p * (1 - p / p.max(axis=1, keepdims=True))
    squares = np.square(p).sum(axis=1)
    return np.maximum((weight * (1 - 2 * p)).sum(axis=1) + weight.sum(axis=1) * squares, 0.0) / counts


def _rounding(p, counts, length):
    """(n - 2 + n sum p^2)/12 over K^2: every count rounded to nearest."""
    n = p.shape[1]
    return (n - 2 + n * np.square(p).sum(axis=1)) / 12 / counts.astype(float) ** 2


def _tick(p, counts, length):
    """g/12 over tau^2: every spike time rounded to a tick."""
    squares = np.square(p).sum(axis=1)
    return (squares - 2 * (p**3).sum(axis=1) + squares**2) / 12 / length**2


def _rounding_and_tick(p, counts, length):
    return _rounding(p, counts, length) + _tick(p, counts, length)


#: Every circuit that is measured, by name: the six, then the controls.
KINDS = {
    "race": Kind(_race, lambda c, length, n, o: round(length * (1 / o["rate_per_tick"] + 1)), -0.5, _multinomial),
    "escape_inhibition": Kind(pool(escape_inhibition), _for_spikes, -0.5, _multinomial),
    "thinning": Kind(_by_score(thinning), _for_rounds, -0.5, _binomial, rounded=True),
    "integrate_inhibition": Kind(pool(integrate_inhibition), _for_spikes, -1.0, _rounding),
    "gated_counts": Kind(latencies(gated_counts), _to_the_end, -1.0, _rounding_and_tick),
    "first_spike": Kind(latencies(first_spike), _to_the_end, -1.0, _tick, timed=True),
    "hard_reset": Kind(pool(hard_reset), _for_spikes),
    "leaky": Kind(pool(leaky, gain=10.0), _for_spikes),
    "winner_take_all": Kind(pool(winner_take_all), _for_spikes),
    "self_inhibition": Kind(_self_inhibition, lambda c, length, n, o: round(4 * length)),
    "thinning_at_once": Kind(_by_score(thinning_at_once), _for_spikes, rounded=True),
}


def measure(kind, logits, length, options, *, seed, clock="grid", trace=None, manifest=None):
    """Run one copy of a circuit for each row of logits, all in one network, as Runs.

    Parameters
    ----------
    kind : Kind
    logits : (m, n) float64
    length : int
    options : mapping
        rate_per_tick, inhibition; span and d are taken from the logits.
    seed : int
        Of the circuits' noise.
    clock : str
        "grid" or "continuous".
    trace : path, optional
    manifest : dict, optional
    """
    copies = Copies(kind, logits, length, options, seed)
    compiled = compile_network(copies.circuit.network())
    done = simulate(compiled, copies.stimulus(clock), clock=clock, trace=trace, manifest=manifest)
    spikes = done.spikes()
    done.close()
    shares, counts = copies.shares(spikes, compiled.n_neurons)
    p, ids = copies.p, copies.circuit.plan.neuron_ids
    tv = total_variation(counts, p) if counts is not None else 0.5 * np.abs(shares - p).sum(axis=1)
    total = np.full(len(p), p.shape[1]) if counts is None else counts.sum(axis=1)
    law = np.sqrt(kind.law(p, np.maximum(total, 1), length)) if kind.law else np.full(len(p), np.nan)
    fired = np.bincount(spikes.neuron, minlength=compiled.n_neurons)[ids]
    return Runs(
        ticks=copies.ticks, counts=total, spikes=fired.reshape(len(p), -1).sum(axis=1), tv=tv,
        l2=np.sqrt(np.square(shares - p).sum(axis=1)), law=law,
        smallest=(length if kind.timed else total) * p.min(axis=1),
    )  # fmt: skip


class Copies:
    """One copy of a circuit for each row of logits, all in one circuit.

    Parameters
    ----------
    kind, logits, length, options, seed
        As in `measure`.

    Attributes
    ----------
    circuit : Circuit
    ticks : int
        Length of a run.
    p : (m, n) float64
        Softmax of the logits that the circuits have.
    """

    def __init__(self, kind, logits, length, options, seed):
        if kind.rounded:
            logits = np.round(logits - logits.max(axis=1, keepdims=True))
        self.span = max(float(np.ceil(np.ptp(logits, axis=1).max())), 1.0)
        options = options | {"span": self.span, "d": int(self.span)}
        self.circuit, self.kind, self.length, self.p = Circuit("copies"), kind, length, _softmax(logits)
        self._parts, self._arms = [], []
        for row, z in enumerate(logits):
            made = kind.build(z, length, options, seed + 7919 * row)  # mismatch and jitter differ between copies too
            self._parts.append(self.circuit.use(made, f"run{row}"))
            self._arms += [made.arm_tick] if hasattr(made, "arm_tick") else []
        self.ticks = kind.ticks(made, length, logits.shape[1], options)

    def stimulus(self, clock="grid"):
        """The spikes that arm what has to be armed."""
        ids = self.circuit.plan.neuron_ids
        armed = [ids[part.arm.ids[0]] for part in self._parts[: len(self._arms)]]
        at = np.asarray(self._arms, dtype=np.int64) + (clock == "continuous")
        return Stimulus.of(at, armed, duration_ticks=self.ticks)

    def shares(self, spikes, n_neurons):
        """What spikes of a run say: shares (m, n), and the counts (m, n) that they are of, None where times are."""
        ids = self.circuit.plan.neuron_ids
        if not self.kind.timed:
            found = _at(np.bincount(spikes.neuron, minlength=n_neurons), ids, self._parts, "weights")
            return found / np.maximum(found.sum(axis=1), 1)[:, None], found
        times = _times(spikes, n_neurons)
        said = latency_shares(_at(times, ids, self._parts, "pool"), _at(times, ids, self._parts, "release")[:, 0],
                              tau_ticks=self.length, span=self.span)  # fmt: skip
        return said / said.sum(axis=1, keepdims=True), None


def _at(values, ids, parts, port):
    """Values of the neurons behind a port, one row per copy."""
    return np.stack([values[ids[getattr(part, port).ids.ravel()]] for part in parts])


def _times(spikes, n_neurons):
    """Time of each neuron's first spike, in ticks; nan for a neuron without one."""
    times = np.full(n_neurons, np.nan)
    offset = 0.0 if spikes.offset is None else spikes.offset
    times[spikes.neuron[::-1]] = (spikes.tick + offset)[::-1]
    return times
