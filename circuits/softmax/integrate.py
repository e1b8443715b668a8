"""integrate_inhibition: integrate-and-fire neurons under shared inhibition."""

import numpy as np

from circuits.arguments import checked
from circuits.errors import require
from circuits.neurons import ExponentialIntegrator
from circuits.size import sized
from circuits.softmax.pool import PASSAGE_TICKS, checked_logits, inhibit, pool_circuit, pool_size

__all__ = ["integrate_inhibition", "integrators"]


def _size(n, through, refractory_ticks, **_):
    return pool_size("integrate_inhibition", n, through, refractory_ticks)


@checked()
@sized(_size)
def integrate_inhibition(n, *, rate_per_tick, inhibition, u_start=0.0, seed=0, token_keys=None, dt_ms=1.0,
                         through="relay", v_start=0.5, leak_ticks=None, refractory_ticks=0, mismatch=0.0):  # fmt: skip
    r"""Integrate-and-fire neurons with drive R exp(z_i - I), subtractive reset, shared inhibition.

    With s = sum over ticks of R exp(-I), which all neurons share, k_i = floor(exp(z_i) s + 1/2). So
    |k_i/K - p_i| <= (1 + n p_i)/(2 K): the error falls as 1/K, with no chance in it. Where every K p_i is about 2 or
    more its root mean square is sqrt((n - 2 + n sum p^2)/12)/K; a token with K p_i < 1/2 is silent, and wrong by p_i.
    The drive of one tick must stay below 1, or spikes queue up in the neuron. Neurons with equal logits fire
    together, all n of them at worst, and a receiver passes on one spike per tick: hence the longer flush.

    Parameters
    ----------
    n, rate_per_tick, inhibition, u_start, token_keys, dt_ms, through
        As in `escape_inhibition`; R exp(u_start) is at most 1.
    seed : int
        Of the mismatch; nothing else is random.

    What can go wrong, switched on:

    v_start : float or (n,) array
        0 instead of 1/2 rounds down: a bias of (n p_i - 1)/(2 K) besides.
    leak_ticks, refractory_ticks, mismatch
        As in `escape_inhibition`.
    """
    circuit = integrators(
        "integrate_inhibition", n, rate_per_tick, inhibition, u_start, token_keys, dt_ms, through, v_start=v_start,
        leak_ticks=leak_ticks,
    )  # fmt: skip
    inhibit(circuit, inhibition, mismatch=mismatch, refractory_ticks=refractory_ticks, seed=seed)
    return circuit


def integrators(name, n, rate_per_tick, inhibition, u_start, token_keys, dt_ms, through="relay", **variant):
    """The pool of `integrate_inhibition`, or of a variant of its neurons, without its inhibition."""
    u_start = checked_logits(name, "u_start", u_start, n)
    most = rate_per_tick * np.exp(min(u_start.max(), 700.0))
    require(most <= 1 + 1e-9, f"{name}: at the start a token is driven by {most:.4g} of a spike per tick, at most 1 is "
                              "allowed; lower u_start (a higher start of the inhibition) or rate_per_tick")  # fmt: skip
    model = ExponentialIntegrator(rate_per_tick, drift=inhibition * rate_per_tick, u_start=u_start, **variant)
    circuit = pool_circuit(name, n, model, through=through, token_keys=token_keys, dt_ms=dt_ms,
                           flush_ticks=n + PASSAGE_TICKS)  # fmt: skip
    circuit.port("weights", circuit["pool"])
    return circuit
