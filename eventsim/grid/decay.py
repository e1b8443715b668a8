"""Populations that only decay while nothing touches them, so that a kernel may take many of their steps at once.

Between two deliveries a leaky neuron goes v -> c + a v in each tick, towards the rest r = c/(1 - a). With r below the
threshold it cannot fire by itself, and after k ticks it is at r + (v - r) a^k. A kernel then looks at those neurons
only that something touched: a delivery first makes up for the ticks since the last one, and the tick after it takes
the model's own step and asks the threshold.

The closed form and k single steps differ by rounding. Each step rounds by less than two units u = 2^-53 of the largest
value V that the population ever had, the powers of a by less than two more, and what was rounded decays like the rest:
the difference stays below 16 u/(1 - a) (V + |r|). A neuron whose value came by a closed form and lies within that, or
within 1e-12, of its threshold is *in doubt*; nothing is decided then, and the run is taken up again from the last
instant at which every bit was known, all neurons in each tick (`eventsim.grid.engine`). So the spikes are the same
always, and potentials to within 1e-12 of V, since 1 - a must be at least 0.002.
"""

from dataclasses import dataclass

import numpy as np

from eventsim.errors import CompileError
from eventsim.expressions import evaluate, names_in
from eventsim.grid.parking import parking_of, unguarded_threshold
from eventsim.grid.phases import in_one_pass
from eventsim.grid.sleep import delivered_last
from eventsim.neurons.affine import affine_form, inline

__all__ = ["POWERS", "Decay", "decay_of", "decays_of", "powers_of"]

_UNIT = 2.0**-53
_LEAST_LEAK = 0.002
#: Powers of `factor` that are kept: of 0 to 127 ticks, and of 0 to 127 times 128 ticks.
POWERS = 256


@dataclass(frozen=True)
class Decay:
    """How a population decays.

    Parameters
    ----------
    variable : str
        v.
    factor, rest : float
        a and r.
    limit : str
        What v is compared with, an expression.
    forgets : bool
        Whether the reset sets v to a constant, and so to known bits.
    """

    variable: str
    factor: float
    rest: float
    limit: str
    forgets: bool

    @property
    def slack(self):
        """What rounding may come to, for each unit of V + |r|."""
        return 16 * _UNIT / (1 - self.factor)


def powers_of(decay):
    """(POWERS,) float64"""
    steps = np.arange(POWERS // 2)
    return np.concatenate([np.power(decay.factor, steps), np.power(decay.factor, steps * (POWERS // 2))])


def decays_of(network):
    """Mapping from the populations that decay to how they do."""
    found = {k: decay_of(network, k) for k in range(len(network.populations))}
    return {k: decay for k, decay in found.items() if decay is not None}


def decay_of(network, k):
    """The Decay of population k, None when it does more than that."""
    population = network.populations[k]
    by_kind = {o.kind: o for o in network.schedule if o.kind != "deliver" and o.index == k}
    mine = [o for o in network.schedule if o.kind != "deliver" and o.index == k]
    plain = all(o.every == 1 and not (o.tables or o.lag or o.once) for o in mine) and len(mine) == len(by_kind)
    in_order = list(by_kind)[:2] == ["update", "threshold"] and in_one_pass(network, k)
    if population.is_source or not plain or not in_order:
        return None
    parking = parking_of(network, k) if population.guards else None
    if population.guards and parking is None:
        return None
    update = parking.update if parking else by_kind["update"].each
    variable = _only_variable(update, population, parking)
    if variable is None or not delivered_last(network, k) or not _only_v_is_touched(network, k, variable):
        return None
    limit = _limit(by_kind["threshold"], variable, population, parking)
    step = _step(update, variable, by_kind["update"], population)
    if limit is None or step is None:
        return None
    (factor, constant), known = step, population.parameters | by_kind["threshold"].constants
    rest, above = constant / (1 - factor), np.asarray(evaluate(limit, known, population.name), dtype=np.float64)
    if not np.all(above - rest > 1e-6 * np.maximum(np.abs(above), abs(rest))):
        return None
    return Decay(variable, factor, rest, limit, _forgets(by_kind.get("reset"), variable, population))


def _only_variable(update, population, parking):
    """The variable that the update moves, None unless it is the only one that it or anything else can move."""
    others = {"not_refractory", "lastspike"} if parking else set()
    written = {s.variable for s in update if s.op == "="}
    if len(written) != 1 or population.state.keys() - others != written or set(population.booleans) - others:
        return None
    return written.pop()


def _only_v_is_touched(network, k, variable):
    """Whether deliveries change nothing else, and nobody reads v while it is behind the time."""
    return not any(p.source == k and p.senders for p in network.pathways) and all(
        written == variable for p in network.pathways if p.target == k for written, _, _ in p.effects
    )


def _limit(operation, variable, population, parking):
    """What v is compared with; None unless the threshold is one comparison of v with what stays as it is."""
    found = unguarded_threshold(operation, variable, population, is_guarded=parking is not None)
    return None if found is None else found[1]


def _step(update, variable, operation, population):
    """(a, c) of v -> c + a v, None when that is not what the update does or when a leaves the range of closed forms."""
    known = population.parameters | operation.constants
    if update[-1].variable != variable or any(s.op not in ("=", ":=") for s in update):
        return None
    if any("keyed_" in s.expression for s in update):
        return None
    try:
        form = affine_form(inline(update, population.name), known, {variable}, population.name)
    except CompileError:
        return None
    factor, constant = form.of(variable), form.constant
    if form.exponentials or np.ndim(factor) or np.ndim(constant):
        return None
    return (float(factor), float(constant)) if 0 < factor <= 1 - _LEAST_LEAK else None


def _forgets(reset, variable, population):
    """Whether the reset leaves v at a constant."""
    if reset is None or [s.variable for s in reset.each] != [variable] or reset.each[0].op != "=":
        return False
    return names_in(reset.each[0].expression, population.name) <= reset.constants.keys()
