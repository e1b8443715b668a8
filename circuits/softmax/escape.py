"""escape_inhibition: escape-rate neurons under shared inhibition."""

from circuits.arguments import checked
from circuits.neurons import Escape
from circuits.size import sized
from circuits.softmax.pool import PASSAGE_TICKS, checked_logits, inhibit, pool_circuit, pool_size, veto_size, veto_ties

__all__ = ["escape_inhibition"]


def _size(n, through, veto, refractory_ticks, **_):
    pool = pool_size("escape_inhibition", n, through, refractory_ticks)
    return pool + veto_size(n) if veto else pool


@checked()
@sized(_size)
def escape_inhibition(n, *, rate_per_tick, inhibition, u_start=0.0, seed=0, token_keys=None, dt_ms=1.0, through="relay",
                      veto=True, leak_ticks=None, refractory_ticks=0, mismatch=0.0):  # fmt: skip
    r"""Escape-rate neurons under shared inhibition: shares are multinomial with p = softmax(z), exactly.

    Neuron i fires in a tick with odds R exp(z_i - I). Ticks in which exactly one pool neuron fires pick neuron i with
    probability softmax(z)_i, whatever I is at the time; so given K such spikes the counts are Multinomial(K, p): no
    bias, and E||k/K - p||^2 = (1 - sum p^2)/K. Ticks with several spikes are vetoed: the port `weights` is not the pool
    itself but a copy of it, two ticks later, without them. In continuous time there are no ties, and the pool's own
    shares are multinomial. (Nessler et al., PLoS Comput. Biol. 9 (2013) e1003037.)

    Parameters
    ----------
    n : int
        Tokens.
    rate_per_tick : float
        R; at 0.1 the veto takes a tenth (b = 0.2) to a sixth (b = 1) of the pool's spikes.
    inhibition : float
        b, in units of the logit.
    u_start : float or (n,) array
        Start value of u: z_i - I(0). It delays spikes when I(0) is above log sum exp z, and brings many at once, most
        of them ties, when it is below; no share depends on it.
    seed : int
    token_keys : (n,) integer array, optional
        Keys of the tokens' random streams, 0 to n-1 by default.
    dt_ms : float
    through : str
        One of THROUGH.

    What can go wrong, switched on:

    veto : bool
        Without it ties count: strong tokens saturate, and the shares miss softmax by a floor that grows with R.
    leak_ticks : float, optional
        The inhibition leaks towards its start with this time constant: K/(R T) changes, no share does.
    refractory_ticks : int
        After its spike a neuron rests so long: strong tokens lose.
    mismatch : float
        Relative standard deviation of the inhibitory weights (drawn with `seed`).

    Returns
    -------
    Circuit
        Ports pool, weights, and relay if there is one.
    """
    u_start = checked_logits("escape_inhibition", "u_start", u_start, n)
    drift = inhibition * rate_per_tick
    model = Escape(rate_per_tick, drift=drift, u_start=u_start, seed=seed, leak_ticks=leak_ticks)
    circuit = pool_circuit("escape_inhibition", n, model, through=through, token_keys=token_keys, dt_ms=dt_ms,
                           flush_ticks=PASSAGE_TICKS)  # fmt: skip
    pool = inhibit(circuit, inhibition, mismatch=mismatch, refractory_ticks=refractory_ticks, seed=seed)
    circuit.port("weights", veto_ties(circuit, pool) if veto else pool)
    return circuit
