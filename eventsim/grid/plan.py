"""What a kernel makes of a network: which populations run by touch, which are parked, how synapses are stored."""

from dataclasses import dataclass, field

from eventsim.grid.parking import parking_of
from eventsim.grid.storage import Storage, store

__all__ = ["Plan", "plan_for"]


@dataclass(frozen=True, eq=False)
class Plan:
    """The choices that a kernel's source, or its arrays, rest on; none changes a bit of what is computed.

    Parameters
    ----------
    storage : Storage
    parked : mapping of int to Parking
        Populations whose resting neurons are set aside.
    by_touch : frozenset of int
        Populations, quiet ones (see `eventsim.grid.quiet`), of which only touched neurons are looked at.
    records_events : bool
        Whether deliveries can be written down where they are scattered.
    """

    storage: Storage
    parked: dict = field(default_factory=dict)
    by_touch: frozenset = frozenset()
    records_events: bool = False


def plan_for(network, by_touch=frozenset(), records_events=False):
    """The Plan that suits a network."""
    found = {k: parking_of(network, k) for k, p in enumerate(network.populations) if p.guards}
    return Plan(store(network), {k: parking for k, parking in found.items() if parking}, frozenset(by_touch),
                records_events)  # fmt: skip
