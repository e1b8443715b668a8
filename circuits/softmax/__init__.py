r"""Softmax out of spikes, by lateral inhibition and otherwise, neuron by neuron.

| circuit | chance | error of the shares | spikes |
|---|---|---|---|
| `race` | exponential clocks, the first resets all | K^(-1/2), multinomial | K |
| `escape_inhibition` | escape noise, shared inhibition | K^(-1/2), multinomial | K, and K of the relay |
| `integrate_inhibition` | none | 1/K | K, and K of the relay |
| `first_spike` | none | 1/tau, tau in ticks | n + 1 |
| `gated_counts` | none | 1/K and 1/tau | n + 1, and K |
| `thinning` | uniform noise | K^(-1/2), below multinomial | those of the ring and the vetoes, and K |

Each builder returns a Circuit. Its port `weights` (n,) is the answer, neuron i's share of their spikes being the weight
of token i (`first_spike` answers in the times of its spikes; see `latency_shares`). Where the logits enter:

    race, escape_inhibition, integrate_inhibition   `pool` (n,), receptor "u" at once, "current" per tick
    first_spike, gated_counts                       `pool` (n,), receptor "v", weight -1 per unit of logit
    thinning                                        `vetoes` (n, d), receptor "hold", one spike of weight -1 per match

`phases.flush_ticks` is the time from the last pool spike until the circuit, and an integrate-and-fire neuron that
receives the weights, are through with them. What can go wrong is a parameter of the circuit that it goes wrong in:
`u_start`, `v_start`, `veto`, `leak_ticks`, `refractory_ticks`, `mismatch`, `jitter`, and the length of a tick itself
(`rate_per_tick`, `tau_ticks`). Circuits that resemble a softmax and are none are in `controls`.
"""

from circuits.softmax.controls import hard_reset, leaky, self_inhibition, thinning_at_once, winner_take_all
from circuits.softmax.escape import escape_inhibition
from circuits.softmax.exponential_race import race
from circuits.softmax.integrate import integrate_inhibition
from circuits.softmax.latency import first_spike, gated_counts, latency_shares
from circuits.softmax.pool import SILENCE, THROUGH
from circuits.softmax.ring import thinning

__all__ = [
    "SILENCE", "SOFTMAX", "THROUGH", "escape_inhibition", "first_spike", "gated_counts", "hard_reset",
    "integrate_inhibition", "latency_shares", "leaky", "race", "self_inhibition", "thinning", "thinning_at_once",
    "winner_take_all",
]  # fmt: skip

#: The circuits with ports pool, relay and weights and the same arguments, by name: any of them can be an attention's.
SOFTMAX = {builder.__name__: builder for builder in (escape_inhibition, integrate_inhibition, winner_take_all)}
