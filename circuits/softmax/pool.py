r"""What the circuits with shared inhibition are made of: a pool, its inhibition, a veto of ties, and what can go wrong.

n pool neurons carry u_i = z_i - I: their logit minus an inhibition that is common to all. Every pool spike inhibits
every pool neuron by b; between spikes the inhibition falls by b R per tick, R being the wanted number of pool spikes
per tick. So I is an integral controller: over T ticks the pool fires K = R T + (I(T) - I(0))/b times, and I settles
at log sum exp z. Because I is common to all it divides out of every ratio: inhibition that is subtractive in the log
domain is divisive in rate.
"""

import numpy as np

from circuits.circuit import Circuit, Phases
from circuits.errors import require
from circuits.neurons import Gate, IntegrateFire
from circuits.size import Size

__all__ = [
    "PASSAGE_TICKS", "SILENCE", "THROUGH", "checked_logits", "count", "inhibit", "pool_circuit", "pool_size",
    "require_choice", "rest", "veto_size", "veto_ties",
]  # fmt: skip

#: Ways for inhibition to reach the pool. "relay": one spiking neuron that every pool neuron excites and that inhibits
#: every pool neuron, an integrate-and-fire neuron with subtractive reset: simultaneous pool spikes leave it one by one
#: in successive ticks, so that K spikes cost K deliveries to it and n K from it, none lost. "lateral": n^2 synapses
#: within the pool, self included; n K deliveries, one tick sooner.
THROUGH = ("relay", "lateral")

#: By how much a log-drive is lowered to silence a neuron: exp(-60) is below the smallest step of the uniform noise,
#: 2**-54.
SILENCE = 60.0

#: Ticks in which a few spikes pass the circuit and leave the neurons that they reach.
PASSAGE_TICKS = 12


def pool_circuit(name, n, model, *, through, token_keys, dt_ms, flush_ticks, relay=None):
    """A circuit with the pool alone, and the relay (a neuron model) if inhibition goes through one."""
    circuit = Circuit(name, dt_ms=dt_ms, phases=Phases(flush_ticks=flush_ticks))
    circuit.port("pool", circuit.neurons("pool", n, model, token=np.arange(n), key=token_keys))
    if through == "relay":
        circuit.port("relay", circuit.neurons("relay", 1, relay or IntegrateFire()))
    return circuit


def inhibit(circuit, b, *, mismatch=0.0, refractory_ticks=0, seed=0):
    """Let every pool spike inhibit the whole pool by b; returns the pool.

    Parameters
    ----------
    b : float
        In units of the logit.
    mismatch : float
        Relative standard deviation between the pool neurons' inhibitory weights. The drift makes up for b, so what is
        above it in one neuron is added up spike by spike: without leak the shares drift away for ever.
    refractory_ticks : int
        So many ticks after its spike a neuron is held silent, by two synapses onto itself.
    seed : int
        Of the mismatch.
    """
    pool, n = circuit["pool"], circuit["pool"].size
    require(b > 0, f"{circuit.name}: inhibition is {b}; it must be positive")
    require(mismatch >= 0, f"{circuit.name}: mismatch is {mismatch}; it must be 0 or more")
    count(circuit.name, "refractory_ticks", refractory_ticks, least=0)
    weight = -b * (1 + mismatch * np.random.default_rng(seed).standard_normal(n))
    if "relay" in circuit.ports:
        circuit.connect(pool, circuit["relay"])
        circuit.connect(circuit["relay"], pool, weight[None, :], receptor="inhibition")
    else:
        circuit.connect(pool, pool, np.tile(weight, (n, 1)), receptor="inhibition")
    if refractory_ticks:
        rest(circuit, pool, pool, refractory_ticks, paired=True)
    return pool


def rest(circuit, pre, pool, ticks, *, paired=False):
    """Let a spike of `pre` silence the pool for so many ticks: one synapse takes SILENCE away, a later one brings it
    back. `paired`: each neuron of `pre` its counterpart only."""
    join = circuit.one_to_one if paired else circuit.connect
    join(pre, pool, -SILENCE, receptor="u")
    join(pre, pool, SILENCE, delay_ms=ticks * circuit.dt_ms, receptor="u")


def veto_ties(circuit, pool):
    """A copy of the pool's spikes, two ticks later, without the ticks in which more than one of them fires.

    Given that exactly one neuron fires, it is neuron i with probability o_i/sum o, o being the odds, at any rate; ticks
    with several spikes would bias the shares.
    """
    tie = circuit.neuron("tie", Gate(v_th=1.5))
    passed = circuit.neurons("passed", pool.size, Gate(v_th=0.5), token=np.arange(pool.size))
    circuit.connect(pool, tie)
    circuit.one_to_one(pool, passed, delay_ms=circuit.dt_ms)  # arrives together with the veto
    circuit.connect(tie, passed, -1.0)
    return passed


# -- sizes, and what is refused


def pool_size(name, n, through, refractory_ticks=0):
    """Size of a pool under inhibition."""
    require_choice(name, n, through)
    inhibition = Size(1, 2 * n) if through == "relay" else Size(0, n * n)
    return Size(n, 2 * n * bool(refractory_ticks)) + inhibition


def veto_size(n):
    """Size of what `veto_ties` adds."""
    return Size(n + 1, 3 * n)


def require_choice(name, n, through="relay"):
    """Raise CircuitError unless n is a number of tokens and `through` a way of inhibition."""
    count(name, "n", n, least=1)
    require(through in THROUGH, f"{name}: through is {through!r}; choose one of {', '.join(THROUGH)}")


def count(name, what, value, least=1):
    """Raise CircuitError unless a value is an integer, `least` or more."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least
    require(whole, f"{name}: {what} is {value!r}; it must be an integer, at least {least}")


def checked_logits(name, what, values, n, low=-np.inf, high=np.inf):
    """`values` as float64, one number or (n,); raises CircuitError for another shape, what is not finite, or a value
    outside low to high."""
    values = np.asarray(values, dtype=np.float64)
    require(values.shape in ((), (n,)), f"{name}: {what} has shape {values.shape}, expected ({n},) or one number")
    require(np.isfinite(values).all(), f"{name}: {what} must be finite")
    inside = (values >= low).all() and (values <= high).all()
    require(inside, f"{name}: {what} reaches from {values.min():.6g} to {values.max():.6g}, but this circuit takes "
                    f"{low:.6g} to {high:.6g}")  # fmt: skip
    return values
