"""What can go wrong in a softmax circuit: each failure switched on, in several strengths."""

from dataclasses import dataclass, replace

from circuits.softmax import escape_inhibition, first_spike, gated_counts, hard_reset, integrate_inhibition, leaky
from runs.experiments.softmax_convergence.copies import KINDS, latencies, pool, shifted

__all__ = ["FAILURES", "Failure"]


@dataclass(frozen=True)
class Failure:
    """One way to go wrong.

    Parameters
    ----------
    name, what : str
        In a few words, and in a sentence.
    circuit : str
        The sound circuit that it happens to.
    settings : tuple of (str, Kind, dict)
        Strength in words, how it is built, and what differs in the options.
    """

    name: str
    what: str
    circuit: str
    settings: tuple


def _variants(circuit, *variants):
    """(words, builder, options) of each variant into settings."""
    kind = KINDS[circuit]
    return tuple((words, replace(kind, build=build, law=None), options) for words, build, options in variants)


#: Each failure mode, with the circuit in which it is measured.
FAILURES = (
    Failure(
        "ties", "Ticks with several spikes are not vetoed: strong tokens saturate, the more the longer a tick is.",
        "escape_inhibition",
        _variants("escape_inhibition", *(
            (f"{rate:g} spikes per tick", pool(escape_inhibition, veto=False), {"rate_per_tick": rate})
            for rate in (0.05, 0.25, 1.0)
        )),
    ),
    Failure(
        "start of the inhibition", "The inhibition starts too high: the first spikes come late, K is smaller.",
        "integrate_inhibition",
        _variants("integrate_inhibition", *(
            (f"{by:g} too high", shifted(integrate_inhibition, -by), {}) for by in (5.0, 20.0)
        )),
    ),
    Failure(
        "start of the membranes", "Membranes start at 0 instead of 1/2: counts are rounded down.",
        "integrate_inhibition",
        _variants("integrate_inhibition", ("0", pool(integrate_inhibition, v_start=0.0), {})),
    ),
    Failure(
        "hard reset", "What exceeds the threshold is lost: a drive of r fires every ceil(1/r) ticks.",
        "integrate_inhibition",
        _variants("integrate_inhibition", *(
            (f"{rate:g} spikes per tick", pool(hard_reset), {"rate_per_tick": rate}) for rate in (0.1, 0.4, 0.8)
        )),
    ),
    Failure(
        "leaky membranes", "A drive below the leak never fires, one above it not in proportion.",
        "integrate_inhibition",
        _variants("integrate_inhibition", *(
            (f"gain {gain:g}", pool(leaky, gain=gain), {}) for gain in (10.0, 100.0, 1000.0)
        )),
    ),
    Failure(
        "refractory period", "A neuron rests after its spike: strong tokens lose.",
        "integrate_inhibition",
        _variants("integrate_inhibition", *(
            (f"{ticks} ticks", pool(integrate_inhibition, refractory_ticks=ticks), {}) for ticks in (1, 4, 16)
        )),
    ),
    Failure(
        "mismatched inhibition", "Inhibitory weights differ; without a leak the differences add up spike by spike.",
        "integrate_inhibition",
        _variants("integrate_inhibition",
            ("0.1 %", pool(integrate_inhibition, mismatch=0.001), {}),
            ("1 %", pool(integrate_inhibition, mismatch=0.01), {}),
            ("1 %, leak of 80 ticks", pool(integrate_inhibition, mismatch=0.01, leak_ticks=80.0), {}),
        ),
    ),
    Failure(
        "jitter", "Spike times are off by a normal deviate, in units of tau.",
        "first_spike",
        _variants("first_spike", *(
            (f"{jitter:g} tau", latencies(first_spike, jitter=jitter), {}) for jitter in (0.001, 0.01, 0.1)
        )),
    ),
    Failure(
        "mismatched ramps", "Slopes of the ramps differ: a logit is off in proportion to itself.",
        "first_spike",
        _variants("first_spike", *(
            (f"{mismatch:.1%}", latencies(first_spike, mismatch=mismatch), {}) for mismatch in (0.001, 0.01)
        )),
    ),
    Failure(
        "mismatched leaks", "Leaks of the traces differ, and so does what is left of them when the gate opens.",
        "gated_counts",
        _variants("gated_counts", *(
            (f"{mismatch:.1%}", latencies(gated_counts, mismatch=mismatch), {}) for mismatch in (0.001, 0.01)
        )),
    ),
)  # fmt: skip
