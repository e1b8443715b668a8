r"""Softmax by lateral inhibition, neuron by neuron.

n pool neurons carry u_i = z_i - I: their logit minus an inhibition that is common to all. A relay neuron
receives every pool spike and inhibits every pool neuron by b; between spikes the inhibition falls by b R per
tick, R being the wanted number of pool spikes per tick. So I is an integral controller: over T ticks the pool
fires K = R T + (I(T) - I(0))/b times, and I settles at log sum exp z. Because I is common to all it divides
out of every ratio: inhibition that is subtractive in the log domain is divisive in rate.

The relay is an integrate-and-fire neuron with subtractive reset: simultaneous pool spikes leave it one by
one in successive ticks, so that K spikes cost K deliveries to the relay and n K from it, none lost.

Each builder returns a Circuit with ports
    pool    (n,)  receives logits: receptor "u" at once, receptor "current" per tick
    relay   (1,)  the inhibition
    weights (n,)  its spikes are the answer: neuron i's share of them is the weight of token i
and its phases state the flush: ticks from the last pool spike until the relay, and an integrate-and-fire neuron
that receives the weights, are through with them.
"""

import numpy as np

from circuits.circuit import Circuit, Phases
from circuits.errors import require
from circuits.neurons import Escape, ExponentialIntegrator, Gate, IntegrateFire

__all__ = ["SOFTMAX", "escape_inhibition", "integrate_inhibition", "winner_take_all"]


def escape_inhibition(n, *, rate_per_tick, inhibition, u_start=0.0, seed=0, token_keys=None, dt_ms=1.0):
    r"""Escape-rate neurons under shared inhibition: shares are multinomial with p = softmax(z), exactly.

    Neuron i fires in a tick with odds R exp(z_i - I). Ticks in which exactly one pool neuron fires pick
    neuron i with probability softmax(z)_i, whatever I is at the time; so given K such spikes the counts
    are Multinomial(K, p): no bias, and E||k/K - p||^2 = (1 - sum p^2)/K. Ticks with several spikes would
    bias the shares; a gate that sees two or more of them vetoes the tick. The port `weights` is therefore not
    the pool itself but a copy of it, two ticks later, without the vetoed ticks.

    Parameters
    ----------
    n : int
    rate_per_tick : float
        R; at 0.1 the veto takes a tenth (b = 0.2) to a sixth (b = 1) of the pool's spikes.
    inhibition : float
        b, in units of the logit.
    u_start : float or (n,) array
        Start value of u.
    seed : int
    token_keys : (n,) integer array, optional
        Keys of the tokens' random streams, 0 to n-1 by default.
    dt_ms : float
    """
    model = Escape(rate_per_tick, drift=inhibition * rate_per_tick, u_start=u_start, seed=seed)
    circuit, pool = _pool("escape_inhibition", n, model, inhibition, token_keys, dt_ms, _PASSAGE_TICKS)
    tie = circuit.neuron("tie", Gate(v_th=1.5))
    passed = circuit.neurons("passed", n, Gate(v_th=0.5), token=np.arange(n))
    circuit.connect(pool, tie)
    circuit.one_to_one(pool, passed, delay_ms=dt_ms)  # arrives together with the veto
    circuit.connect(tie, passed, -1.0)
    circuit.port("weights", passed)
    return circuit


def integrate_inhibition(n, *, rate_per_tick, inhibition, u_start=0.0, seed=0, token_keys=None, dt_ms=1.0):
    r"""Integrate-and-fire neurons with drive R exp(z_i - I), subtractive reset, shared inhibition.

    With s = sum over ticks of R exp(-I), which all neurons share, k_i = floor(exp(z_i) s + 1/2). So
    |k_i/K - p_i| <= (1 + n p_i)/(2 K): the error falls as 1/K, with no chance in it (`seed` is not used).
    The drive of one tick must stay below 1, or spikes queue up in the neuron. Neurons with equal logits fire
    together, all n of them at worst, and a receiver passes on one spike per tick: hence the longer flush.
    """
    model = ExponentialIntegrator(rate_per_tick, drift=inhibition * rate_per_tick, u_start=u_start)
    circuit, pool = _pool("integrate_inhibition", n, model, inhibition, token_keys, dt_ms, n + _PASSAGE_TICKS)
    circuit.port("weights", pool)
    return circuit


def winner_take_all(n, *, rate_per_tick, inhibition, u_start=0.0, seed=0, token_keys=None, dt_ms=1.0):
    """A control that is no softmax: `integrate_inhibition` plus n(n-1) lateral synapses.

    Every spike also inhibits all other neurons by WINNER_LEAD, and this is never made up for, so who leads
    stays ahead and ends up with nearly all spikes.
    """
    circuit = integrate_inhibition(
        n, rate_per_tick=rate_per_tick, inhibition=inhibition, u_start=u_start, token_keys=token_keys, dt_ms=dt_ms
    )
    circuit.name = "winner_take_all"
    lateral = np.ma.masked_array(np.full((n, n), -WINNER_LEAD), mask=np.eye(n, dtype=bool))
    circuit.connect(circuit["pool"], circuit["pool"], lateral)
    return circuit


#: Inhibition of the others by each spike of the winner-take-all, in units of the logit: one spike of lead
#: makes a rival exp(5) = 148 times slower.
WINNER_LEAD = 5.0

#: Every circuit of this file by name.
SOFTMAX = {builder.__name__: builder for builder in (escape_inhibition, integrate_inhibition, winner_take_all)}


#: Ticks in which a few spikes pass the circuit and leave the neurons that they reach.
_PASSAGE_TICKS = 12


def _pool(name, n, model, inhibition, token_keys, dt_ms, flush_ticks):
    """The part all three share: the pool, and the relay that inhibits it."""
    require(n >= 2, f"{name}: n is {n}; a softmax needs at least 2 tokens")
    require(inhibition > 0, f"{name}: inhibition is {inhibition}; it must be positive")
    circuit = Circuit(name, dt_ms=dt_ms, phases=Phases(flush_ticks=flush_ticks))
    pool = circuit.neurons("pool", n, model, token=np.arange(n), key=token_keys)
    relay = circuit.neurons("relay", 1, IntegrateFire())
    circuit.connect(pool, relay)
    circuit.connect(relay, pool, -inhibition, receptor="u")
    circuit.port("pool", pool)
    circuit.port("relay", relay)
    return circuit, pool
