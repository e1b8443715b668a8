"""require_operating_point: an all-in figure holds where it was taken, and says nothing elsewhere."""

from fractions import Fraction

from eventsim.errors import ProvenanceError

__all__ = ["operating_point_of", "require_operating_point"]


def operating_point_of(amounts, ticks):
    """What a run did, in the terms of an operating point.

    Returns
    -------
    mapping of str to Fraction
        rate_hz: spikes per neuron on a core and second. synapses_per_spike_count: synaptic events per such spike.
    """
    spikes, neurons = int(amounts["spikes"].sum()), int(amounts["neurons"].sum())
    neuron_ns, events = neurons * ticks.total_ns, int(amounts["synaptic_events"].sum())
    return {
        "rate_hz": spikes * 10**9 / neuron_ns if neuron_ns else Fraction(0),
        "synapses_per_spike_count": Fraction(events, spikes) if spikes else Fraction(0),
    }


def require_operating_point(point, amounts, ticks, table):
    """Raise ProvenanceError unless a run, rounded to the digits that were printed, is at the operating point."""
    for name, value in operating_point_of(amounts, ticks).items():
        printed = getattr(point, name)
        digit = Fraction(10) ** printed.value.as_tuple().exponent
        if round(value / digit) * digit != printed.exact:
            raise ProvenanceError(f"table {table} holds at {name} = {printed.value} only, and this run has "
                                  f"{float(value):.4g}; use a per_operation table")  # fmt: skip
