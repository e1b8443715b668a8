"""first_spike and gated_counts: softmax out of the times of first spikes and one leak."""

from dataclasses import replace

import numpy as np

from circuits.arguments import checked
from circuits.circuit import Circuit, Phases
from circuits.errors import require
from circuits.neurons import LIF, ExponentialIntegrator, Ramp
from circuits.size import Size, sized
from circuits.softmax.pool import SILENCE, checked_logits, count

__all__ = ["first_spike", "gated_counts", "latency_shares"]

#: Where the release neuron is held before it is armed (anything below -1 does), and where its one spike leaves it, to
#: leak back after 690 tau.
_HELD, _SPENT = -2.0, -1e300

#: Largest range of logits: exp(-span) must stay well above the rounding of a potential that began at 2.
SPAN_LIMIT = 30.0


def _first_spike_size(n, **_):
    count("first_spike", "n", n, least=2)
    return Size(n + 2, n + 1)


@checked()
@sized(_first_spike_size)
def first_spike(n, *, tau_ticks, span, start=0.0, dt_ms=1.0, token_keys=None, seed=0, mismatch=0.0, jitter=0.0):
    r"""Softmax in n + 1 spikes: time to first spike, and one leaky neuron that says when to read.

    Token i fires once, at t_i = tau x_i, where x_i = z_i - z_lo in 0 to `span` is its logit above the lowest one
    allowed: the larger the later. Each such spike lowers the potential of the neuron `release`, which leaks with the
    same tau, by 1; from t = tau span on it is armed, and it fires when it has leaked back to -c, c = exp(-span):

        sum_j exp((t_j - t*)/tau) = c,   t* = tau (log sum exp x + span),   p_i = exp((t_i - t*)/tau)/c

    So every trace exp((t_i - t)/tau) that a token's spike leaves in a leaky neuron of the same tau is, at t*, c p_i:
    weights V onto such a neuron leave c sum_i p_i V_i in it. On the grid the times are rounded up; shares then miss
    softmax by sqrt(g/12)/tau (tau in ticks, root mean square), g = sum p^2 - 2 sum p^3 + (sum p^2)^2. In continuous
    time nothing is rounded.

    The release neuron is held down at the start, and armed by a spike of the source `arm` at `circuit.arm_tick`, which
    takes exactly what is then left of that away. (On the grid a step precedes the first threshold test, so everything
    is one tick sooner than in continuous time: there the spike belongs one tick later.)

    Parameters
    ----------
    n : int
    tau_ticks : float
        tau, in ticks.
    span : float
        Range of the logits.
    start : float or (n,) array in 0 to span
        x, the logits above the lowest one allowed. Synapses onto the port `pool` (receptor "v", weight -1 per unit of
        logit) add to it; ticks that pass before they arrive take 1/tau each from it.
    dt_ms : float
    token_keys : optional
        Unused; there is no noise.

    What can go wrong, switched on:

    mismatch : float
        Relative standard deviation of the ramps' slopes, drawn once with `seed`: logits are off by that much of x_i.
    jitter : float
        Standard deviation of spike times in tau, drawn once with `seed`.

    Returns
    -------
    Circuit
        Ports pool, release, arm; active_ticks are enough for any logits.
    """
    circuit = Circuit("first_spike", dt_ms=dt_ms, phases=_phases("first_spike", n, tau_ticks, span))
    require(mismatch >= 0 and jitter >= 0, f"first_spike: mismatch is {mismatch}, jitter {jitter}; 0 or more")
    x, rng = checked_logits("first_spike", "start", start, n, 0.0, span), np.random.default_rng(seed)
    slope = np.maximum(1 + mismatch * rng.standard_normal(n), 0.01) / tau_ticks
    x = x + (jitter * rng.standard_normal(n) if jitter else 0.0)
    pool = circuit.neurons("pool", n, Ramp(slope, v_start=-x), token=np.arange(n), key=token_keys)
    tau_ms, circuit.arm_tick = tau_ticks * dt_ms, int(np.ceil(tau_ticks * span))
    model = LIF(tau_ms, v_th=-np.exp(-float(span)), v_reset=_SPENT, v_start=_HELD)
    release, arm = circuit.neurons("release", 1, model), circuit.inputs("arm", 1)
    circuit.connect(pool, release, -1.0)
    # Held at the start of tick 0, the potential has leaked through arm_tick + 1 ticks when the arming spike arrives.
    circuit.connect(arm, release, -_HELD * np.exp(-(circuit.arm_tick + 1) / tau_ticks))
    for name, neurons in {"pool": pool, "release": release, "arm": arm}.items():
        circuit.port(name, neurons)
    return circuit


def _gated_counts_size(n, **_):
    return _first_spike_size(n) + Size(n, 2 * n)


@checked()
@sized(_gated_counts_size)
def gated_counts(n, *, tau_ticks, span, counts, start=0.0, dt_ms=1.0, token_keys=None, seed=0, mismatch=0.0,
                 jitter=0.0):  # fmt: skip
    r"""`first_spike` whose traces become spike counts: k_i = floor(p_i K + 1/2), K given beforehand.

    A counter neuron per token integrates and fires. Its drive is the trace of the token's spike, kept as its logarithm
    -(t - t_i)/tau: the spike opens a constant negative current into the log-drive. The counter is held silent until
    the release neuron fires, whose spike lifts the silence. From then on counter i receives

        w c p_i (1 + e^(-1/tau) + e^(-2/tau) + ...) = w c p_i/(1 - exp(-1/tau)) = p_i K

    in all, so w = K (1 - exp(-1/tau))/c: timing has divided by the sum, and the total is K whatever the logits.
    Rounding of the times up to ticks leaves a floor of about |p|/(sqrt(12) tau) in k_i/K.

    Parameters
    ----------
    n, tau_ticks, span, start, dt_ms, token_keys, seed, jitter
        As in `first_spike`.
    counts : float
        K; at most 1/(1 - exp(-1/tau)), about tau in ticks, or a token would need two spikes in a tick.
    mismatch : float
        Relative standard deviation of the traces' leaks, drawn once with `seed`.

    Returns
    -------
    Circuit
        Ports pool, release, arm, weights; flush_ticks are enough for every count.
    """
    phases = _phases("gated_counts", n, tau_ticks, span)
    most = 1 / -np.expm1(-1 / tau_ticks)
    require(0 < counts <= most, f"gated_counts: counts is {counts}; at tau_ticks = {tau_ticks:g} it must lie in 0 to "
                                f"{most:.6g}")  # fmt: skip
    require(mismatch >= 0, f"gated_counts: mismatch is {mismatch}; it must be 0 or more")
    circuit = first_spike(n, tau_ticks=tau_ticks, span=span, start=start, dt_ms=dt_ms, token_keys=token_keys, seed=seed,
                          jitter=jitter)  # fmt: skip
    circuit.name = "gated_counts"
    # After tau log(100 K) more ticks less than a hundredth of a spike is left to come.
    flush = int(np.ceil(tau_ticks * np.log(100 * counts + 1))) + 2
    circuit.phases = replace(phases, flush_ticks=flush)
    weight = counts * -np.expm1(-1 / tau_ticks) * np.exp(float(span))
    leaks = (1 + mismatch * np.random.default_rng(seed).standard_normal(n)) / tau_ticks
    model = ExponentialIntegrator(weight, drift=0.0, u_start=-SILENCE - span)
    counters = circuit.neurons("counter", n, model, token=np.arange(n))
    circuit.one_to_one(circuit["pool"], counters, -leaks, receptor="current")
    circuit.connect(circuit["release"], counters, SILENCE + span, receptor="u")
    circuit.port("weights", counters)
    return circuit


def latency_shares(times, release, *, tau_ticks, span):
    """What the spike times of `first_spike` say: p_i = exp((t_i - t*)/tau)/c, (..., n) float64.

    Parameters
    ----------
    times : (..., n) float
        Time of each token's spike, in ticks.
    release : (...) float
        Time of the release neuron's spike.
    tau_ticks, span
        As the circuit was built with.
    """
    return np.exp((np.asarray(times, dtype=float) - np.asarray(release, dtype=float)[..., None]) / tau_ticks + span)


def _phases(name, n, tau_ticks, span):
    """Long enough for t* at its latest, tau (2 span + log n)."""
    require(np.isfinite(tau_ticks) and tau_ticks > 0, f"{name}: tau_ticks is {tau_ticks}; it must be positive")
    require(0 < span <= SPAN_LIMIT, f"{name}: span is {span}; it must lie in 0 to {SPAN_LIMIT:g}")
    return Phases(active_ticks=int(np.ceil(tau_ticks * (2 * span + np.log(n)))) + 4)
