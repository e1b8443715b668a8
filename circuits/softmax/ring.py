"""thinning: softmax of integer scores where the only noise is uniform."""

import numpy as np

from circuits.arguments import checked, numbers
from circuits.circuit import Circuit, Phases
from circuits.errors import require
from circuits.neurons import Gate, Veto
from circuits.size import Size, sized
from circuits.softmax.pool import PASSAGE_TICKS, count

__all__ = ["candidates", "thinning"]


def _size(n, d, **_):
    count("thinning", "n", n, least=2)
    count("thinning", "d", d)
    return Size(n * (d + 2), n * (2 * d + 2))


@checked(scores=numbers)
@sized(_size)
def thinning(n, d, *, beta, scores=0, seed=0, token_keys=None, dt_ms=1.0):
    r"""One candidate at a time, kept unless one of its vetoes fires: winners have shares softmax(beta s), exactly.

    Token i has d veto neurons. Each coincidence that counts for it holds one of them silent (port `vetoes`, receptor
    "hold", weight -1), so that d - s_i are left, s_i being its score. A spike travels round a ring of n neurons, one
    per tick; where it is, that token is the candidate: its spike calls the vetoes, each of which fires with probability
    1 - exp(-beta), and arrives, one tick later and with any veto, at the gate `passed`. The candidate passes with
    probability q_i = exp(-beta (d - s_i)), so its share is q_i/sum q = softmax(beta s)_i. exp is never computed, and
    the noise is uniform: a product of equal chances is an exponential of how many there are.

    Each token is candidate equally often, N times in N rounds of the ring; its count is Binomial(N, q_i), independent
    of the others'. So for large N the shares miss softmax by sqrt(sum_ij (delta_ij - p_i)^2 p_j (1 - q_j)/K), less than
    a multinomial, and there are about K = N sum q winners. N rounds and no part of one leave every token the same
    number of turns.

    Parameters
    ----------
    n, d : int
        Tokens, and vetoes of each.
    beta : float
        Logit of one coincidence.
    scores : int or (n,) integer array in 0 to d
        Coincidences at the start; spikes at the port `vetoes` add to them.
    seed, token_keys, dt_ms
        As in `escape_inhibition`.

    Returns
    -------
    Circuit
        Ports vetoes (n, d), ring (n,), weights (n,).
    """
    circuit, vetoes = candidates("thinning", n, d, beta, scores, seed, token_keys, dt_ms)
    ring = circuit.neurons("ring", n, Gate(v_start=np.arange(n) == 0), token=np.arange(n))
    circuit.connect(ring, ring, (np.arange(n), np.roll(np.arange(n), -1), 1.0))
    circuit.connect(ring, vetoes, (np.repeat(np.arange(n), d), np.arange(n * d), 1.0), receptor="call")
    circuit.one_to_one(ring, circuit["passed"], delay_ms=dt_ms)
    circuit.port("ring", ring)
    circuit.port("weights", circuit["passed"])
    return circuit


def candidates(name, n, d, beta, scores, seed, token_keys, dt_ms):
    """The veto neurons, and gates `passed` that they veto; returns the circuit and the veto neurons."""
    require(np.isfinite(beta) and beta > 0, f"{name}: beta is {beta}; it must be positive")
    scores = np.asarray(scores)
    integral = np.issubdtype(scores.dtype, np.integer) and scores.shape in ((), (n,))
    require(integral, f"{name}: scores must be integers of shape ({n},), got {scores.dtype} of shape {scores.shape}")
    require(((scores >= 0) & (scores <= d)).all(), f"{name}: scores must lie in 0 to d = {d}")
    circuit = Circuit(name, dt_ms=dt_ms, phases=Phases(flush_ticks=PASSAGE_TICKS))
    keys = np.arange(n) if token_keys is None else np.atleast_1d(token_keys)
    held = -1.0 * (np.arange(d) < np.broadcast_to(scores, n)[:, None])
    model = Veto(chance=-np.expm1(-float(beta)), held_start=held, seed=seed)
    vetoes = circuit.neurons("veto", (n, d), model, token=np.arange(n)[:, None], key=keys[:, None] * d + np.arange(d))
    passed = circuit.neurons("passed", n, Gate(v_th=0.5), token=np.arange(n))
    circuit.connect(vetoes, passed, (np.arange(n * d), np.repeat(np.arange(n), d), -1.0))
    circuit.port("vetoes", vetoes)
    return circuit, vetoes
