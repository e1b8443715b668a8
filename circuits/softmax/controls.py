"""Negative controls: circuits that resemble a softmax and are none. Each says what it gets wrong."""

import numpy as np

from circuits.arguments import checked
from circuits.circuit import Circuit, Phases
from circuits.errors import require
from circuits.neurons import LIF, Gate
from circuits.size import Size, sized
from circuits.softmax.integrate import integrators
from circuits.softmax.pool import PASSAGE_TICKS, checked_logits, count, inhibit, pool_size, veto_size, veto_ties
from circuits.softmax.ring import candidates

__all__ = ["hard_reset", "leaky", "self_inhibition", "thinning_at_once", "winner_take_all"]

#: Inhibition of the others by each spike of the winner-take-all, in units of the logit: one spike of lead
#: makes a rival exp(5) = 148 times slower.
WINNER_LEAD = 5.0


@checked()
@sized(lambda n, through, **_: pool_size("hard_reset", n, through))
def hard_reset(n, *, rate_per_tick, inhibition, u_start=0.0, seed=0, token_keys=None, dt_ms=1.0, through="relay"):
    """`integrate_inhibition` that throws away what exceeds the threshold: v = 0 after a spike.

    A neuron of constant drive r per tick fires every ceil(1/r) ticks, as though its drive were 1/ceil(1/r): the shares
    have a floor that no time removes and that grows with rate_per_tick. In continuous time nothing exceeds the
    threshold, and the floor is gone. `seed` is not used.
    """
    circuit = integrators("hard_reset", n, rate_per_tick, inhibition, u_start, token_keys, dt_ms, through, v_start=0.0,
                          keeps_overshoot=False)  # fmt: skip
    inhibit(circuit, inhibition)
    return circuit


@checked()
@sized(lambda n, through, **_: pool_size("leaky", n, through))
def leaky(n, *, rate_per_tick, inhibition, u_start=0.0, seed=0, token_keys=None, dt_ms=1.0, through="relay", gain=10.0):
    """`integrate_inhibition` with membranes that leak: dv = R exp(z_i - I) - (R/gain) v per tick.

    A token whose drive never reaches the threshold against its leak is silent for ever, and the others' rates are those
    of a leaky neuron, r = leak/ln(x/(x - 1)) at a drive of x leaks: a floor of the shares. `seed` is not used.

    Parameters
    ----------
    gain : float
        Drive of the whole pool over the leak.
    """
    require(gain > 0, f"leaky: gain is {gain}; it must be positive")
    circuit = integrators("leaky", n, rate_per_tick, inhibition, u_start, token_keys, dt_ms, through, v_start=0.0,
                          v_leak_per_tick=rate_per_tick / gain)  # fmt: skip
    inhibit(circuit, inhibition)
    return circuit


@checked()
@sized(lambda n, through, **_: pool_size("winner_take_all", n, through) + Size(0, n * (n - 1)))
def winner_take_all(n, *, rate_per_tick, inhibition, u_start=0.0, seed=0, token_keys=None, dt_ms=1.0, through="relay"):
    """`integrate_inhibition` plus n(n-1) lateral synapses: subtractive inhibition of all others, none of oneself.

    Every spike also inhibits all other neurons by WINNER_LEAD, and this is never made up for, so who leads
    stays ahead and ends up with nearly all spikes. `seed` is not used.
    """
    circuit = integrators("winner_take_all", n, rate_per_tick, inhibition, u_start, token_keys, dt_ms, through)
    pool = inhibit(circuit, inhibition)
    circuit.connect(pool, pool, np.ma.masked_array(np.full((n, n), -WINNER_LEAD), mask=np.eye(n, dtype=bool)))
    return circuit


def _self_inhibition_size(n, **_):
    count("self_inhibition", "n", n, least=2)
    return Size(n, n)


@checked()
@sized(_self_inhibition_size)
def self_inhibition(n, *, alpha=1.0, tau_ticks=1000.0, logits=0.0, dt_ms=1.0, token_keys=None):
    """Lateral inhibition read literally as w_ij = -alpha delta_ij, which is inhibition of oneself.

    Leaky neurons of threshold 1, each driven by exp(z_i) - 1 (a logit of 0 is no drive), reset to 0, and each with one
    synapse of weight -alpha onto itself. No token knows of another, so nothing normalises: token i fires with period
    tau ln((x_i + alpha)/(x_i - 1)), x_i = exp(z_i) - 1, and not at all when x_i <= 1. For z = (0, 1, 2), alpha = 1 the
    shares are (0, .19, .81); softmax is (.09, .24, .67).

    Parameters
    ----------
    alpha : float
    tau_ticks : float
    logits : float or (n,) array
    """
    logits = checked_logits("self_inhibition", "logits", logits, n, high=300.0)
    require(np.isfinite(alpha), f"self_inhibition: alpha is {alpha}; it must be finite")
    circuit = Circuit("self_inhibition", dt_ms=dt_ms, phases=Phases(flush_ticks=PASSAGE_TICKS))
    model = LIF(tau_ticks * dt_ms, drive=np.expm1(logits))
    pool = circuit.neurons("pool", n, model, token=np.arange(n), key=token_keys)
    circuit.one_to_one(pool, pool, -alpha, delay_ms=dt_ms)  # at once, the reset of the same tick would undo it
    circuit.port("pool", pool)
    circuit.port("weights", pool)
    return circuit


def _at_once_size(n, d, **_):
    count("thinning_at_once", "n", n, least=2)
    count("thinning_at_once", "d", d)
    return Size(n * (d + 1) + 1, n * (2 * d + 1) + 1) + veto_size(n)


@checked()
@sized(_at_once_size)
def thinning_at_once(n, d, *, beta, scores=0, seed=0, token_keys=None, dt_ms=1.0):
    """`thinning` with all tokens as candidates in every tick, of which those with exactly one survivor are kept.

    Token i is the only survivor with probability q_i prod_{j != i} (1 - q_j), so the shares are those of q_i/(1 - q_i)
    and not of q_i, q_i = exp(-beta (d - s_i)): strong tokens gain. With a token of full score no other ever wins.
    Arguments as in `thinning`.
    """
    circuit, vetoes = candidates("thinning_at_once", n, d, beta, scores, seed, token_keys, dt_ms)
    survivors = circuit["passed"]
    clock = circuit.neurons("clock", 1, Gate(v_start=1.0))
    circuit.connect(clock, clock)
    circuit.connect(clock, vetoes, receptor="call")
    circuit.connect(clock, survivors, delay_ms=dt_ms)
    with circuit.section("only"):
        circuit.port("weights", veto_ties(circuit, survivors))
    return circuit
