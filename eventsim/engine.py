"""Engine: what `eventsim.simulation` drives; the grid has one, and continuous time another."""

from typing import Protocol

__all__ = ["NO_LIMIT", "Engine"]

#: In place of a number of spikes to stop after: more than any run has.
NO_LIMIT = 2**62


class Engine(Protocol):
    """What takes a network forward in time; one for each clock.

    It is made from (network, stimulus, core_of, recorded, record_every, buffers) and options of its own: `recorded` is
    a list of (variable, neuron) that are sampled at the start of every `record_every`-th tick, and the BufferSizes
    `buffers` say how much it holds before it wants to be emptied.

    Attributes
    ----------
    clock : str
    way : str
        What else tells a run from another, besides network, stimulus and cores.
    n_spikes, n_deliveries : int
        So far.
    """

    clock: str
    way: str
    n_spikes: int
    n_deliveries: int

    def advance(self, tick, stop, most_spikes):
        """Handle everything from tick `tick` to before tick `stop`, or less; returns the first tick not handled.

        It is less when a buffer is full, or at the end of the tick in which there are `most_spikes` spikes.
        """

    def start_again(self, tick):
        """A reset by the host: every start value back, nothing in flight."""

    def take(self):
        """What was recorded since the last time, as arguments of `TraceWriter.write_segment`."""

    def totals(self, tick):
        """Mapping to received_count, received_weight, delivered and messages, as `TraceWriter.finish` takes them, of
        what was handled up to `tick`, the first not handled."""

    def state(self, tick):
        """(population, variable) -> (size,) float64: values at the start of `tick`, the first not handled."""

    def snapshot(self):
        """Arrays by name from which `restore` makes an engine of the same run go on; they may be its own."""

    def restore(self, snapshot): ...
