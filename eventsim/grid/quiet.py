"""Which populations are quiet: a neuron that nothing touches stays as it is, so a kernel need not look at it.

A population is quiet when its updates only set variables to constants, its threshold reads nothing but its own
variables and constants, and all of this comes before its deliveries in a tick. Gates, relays and counters are; a
neuron that leaks, drifts or draws random numbers is not.
"""

from eventsim.expressions import names_in

__all__ = ["delivered_last", "quiet_populations"]


def quiet_populations(network):
    """Indices of the quiet populations, a frozenset."""
    return frozenset(
        k for k, population in enumerate(network.populations) if not population.is_source and _is_quiet(network, k)
    )


def _is_quiet(network, k):
    population = network.populations[k]
    mine = [o for o in network.schedule if o.kind != "deliver" and o.index == k]
    plain = all(o.every == 1 and not (o.lag or o.once or o.tables or o.fired) for o in mine)
    if not plain or population.guards or population.booleans or sum(o.kind == "threshold" for o in mine) != 1:
        return False
    own = population.state.keys() | population.parameters.keys()
    for operation in mine:
        known = set(own) | operation.constants.keys()
        for statement in operation.each:
            reads = names_in(statement.expression, population.name)
            sets_a_constant = statement.op == "=" and reads <= operation.constants.keys()
            if operation.kind == "update" and not sets_a_constant:
                return False
            if not reads <= known or "keyed_" in statement.expression:
                return False
            known.add(statement.variable)
    return delivered_last(network, k)


def delivered_last(network, k):
    """Whether updates and thresholds of population k all come before the first delivery to it, resets after."""
    delivered = False
    for operation in network.schedule:
        if operation.kind == "deliver":
            delivered |= network.pathways[operation.index].target == k
        elif operation.index == k and operation.kind in ("update", "threshold") and delivered:
            return False
    return True
