"""race: an exponential race in rounds, whose winner silences all."""

from circuits.arguments import checked
from circuits.neurons import Escape, Gate
from circuits.size import Size, sized
from circuits.softmax.pool import (
    PASSAGE_TICKS,
    checked_logits,
    count,
    pool_circuit,
    require_choice,
    rest,
    veto_size,
    veto_ties,
)

__all__ = ["race"]


def _size(n, through, **_):
    require_choice("race", n, through)
    inhibition = Size(1, 3 * n) if through == "relay" else Size(0, 2 * n * n)
    return Size(n, 0) + inhibition + veto_size(n)


@checked()
@sized(_size)
def race(n, *, rate_per_tick, rest_ticks=1, u_start=0.0, seed=0, token_keys=None, dt_ms=1.0, through="lateral"):
    r"""A race of exponential clocks: the first spike wins the round and resets all; winners are multinomial.

    Token i waits for a time that is exponential with rate R exp(z_i), so it comes first with probability softmax(z)_i,
    and the counts of K rounds are Multinomial(K, p) (argmax of logits plus Gumbel noise is the same law). The winner's
    spike silences the whole pool for `rest_ticks`, then a new round begins. An exponential clock has no memory, so
    silencing it is all that resetting it means; the rest changes no share, it keeps rounds apart. On the grid clocks
    are geometric with odds R exp(z_i) per tick, and a tick with several winners is vetoed. Nothing controls the rate: a
    round lasts about 1/(R sum exp u_start) ticks and the rest, so logits belong with their log sum exp taken off.

    Parameters
    ----------
    n, rate_per_tick, u_start, seed, token_keys, dt_ms
        As in `escape_inhibition`.
    rest_ticks : int
        Ticks of silence after a winner, 1 or more.
    through : str
        "lateral": 2 n^2 synapses. "relay": one gate that fires for any winner, one tick later; that it fires once for
        several is right here, where they all end the same round.

    Returns
    -------
    Circuit
        Ports pool, weights (the winners, two ticks later), and relay if there is one.
    """
    count("race", "rest_ticks", rest_ticks)
    model = Escape(rate_per_tick, drift=0.0, u_start=checked_logits("race", "u_start", u_start, n), seed=seed)
    circuit = pool_circuit("race", n, model, through=through, relay=Gate(), token_keys=token_keys, dt_ms=dt_ms,
                           flush_ticks=PASSAGE_TICKS)  # fmt: skip
    pool = circuit["pool"]
    if through == "relay":
        circuit.connect(pool, circuit["relay"])
    rest(circuit, circuit["relay"] if through == "relay" else pool, pool, rest_ticks)
    circuit.port("weights", veto_ties(circuit, pool))
    return circuit
