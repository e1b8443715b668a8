"""What a kernel makes of a network: which populations sleep, run by touch or are parked, how synapses are stored."""

from dataclasses import dataclass, field, replace

from eventsim.grid.decay import decays_of
from eventsim.grid.parking import parking_of
from eventsim.grid.ramps import ramps_of
from eventsim.grid.sleep import settles, sleepers
from eventsim.grid.storage import Storage, store

__all__ = ["Plan", "plan_for"]


@dataclass(frozen=True, eq=False)
class Plan:
    """The choices that a kernel's source, or its arrays, rest on; none changes a bit of what is computed.

    Parameters
    ----------
    storage : Storage
    parkable, parked : mapping of int to Parking
        Populations whose resting neurons can be, and are, set aside.
    by_touch : frozenset of int
        Decaying populations of which only touched neurons are looked at.
    decays : mapping of int to Decay
        The decaying populations, whether they run by touch or not.
    sleeping : frozenset of int
        Populations whose blocks of neurons sleep when nothing moves them (see `eventsim.grid.sleep`).
    settling : frozenset of int
        Those of them that each pass leaves at rest.
    ramps : mapping of int to Ramp
        Those of them whose blocks sleep until one of their neurons may fire.
    records_events : bool
        Whether deliveries can be written down where they are scattered.
    aside : bool
        Whether a thread of its own counts what the kernel does (see `eventsim.grid.aside`).
    """

    storage: Storage
    parkable: dict = field(default_factory=dict)
    parked: dict = field(default_factory=dict)
    by_touch: frozenset = frozenset()
    decays: dict = field(default_factory=dict)
    sleeping: frozenset = frozenset()
    settling: frozenset = frozenset()
    ramps: dict = field(default_factory=dict)
    records_events: bool = False
    aside: bool = False

    @property
    def decaying(self):
        """Decaying populations that run by touch, ascending."""
        return sorted(self.by_touch)

    def touching(self, by_touch):
        """This plan with other populations by touch; what runs by touch is not parked."""
        parked = {k: parking for k, parking in self.parkable.items() if k not in by_touch}
        return replace(self, by_touch=frozenset(by_touch), parked=parked)


def plan_for(network, by_touch=frozenset(), records_events=False, sleeps=True, sampled=frozenset(), aside=False):
    """The Plan that suits a network; the state of `sampled` populations must be there at the start of each tick."""
    found = {k: parking_of(network, k) for k, p in enumerate(network.populations) if p.guards}
    parkable = {k: parking for k, parking in found.items() if parking}
    decays = {} if records_events else decays_of(network)
    ramps = ramps_of(network, sampled) if sleeps else {}
    sleeping = (sleepers(network) | ramps.keys()) - decays.keys() if sleeps else frozenset()
    plan = Plan(
        store(network), parkable=parkable, decays=decays, sleeping=sleeping, ramps=ramps, records_events=records_events,
        aside=aside,
        settling=frozenset(k for k in sleeping - ramps.keys() if settles(network, k)),
    )  # fmt: skip
    return plan.touching(by_touch)
