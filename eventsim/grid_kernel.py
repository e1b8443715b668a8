"""The compiled kernel of a network."""

from eventsim.grid_source import kernel_source
from eventsim.kernel_cache import load

__all__ = ["kernel_for", "kernel_source"]


def kernel_for(network, threads=1, by_touch=frozenset()):
    """The compiled kernel of a network, and the values of its constants.

    The kernel is a function (first_tick, last_tick, GridArrays) -> first tick not run, which is below last_tick when a
    buffer was full.
    """
    source, constants = kernel_source(network, by_touch)
    module = load(source, "grid")
    return (module["run"] if threads == 1 else module["run_in_parallel"]), constants
