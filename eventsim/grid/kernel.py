"""The compiled kernel of a network."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

from eventsim.grid import aside
from eventsim.grid.source import SHARED, kernel_source
from eventsim.kernel_cache import load
from eventsim.lending import Lent

__all__ = ["kernel_for", "kernel_source", "text_of"]


@cache
def text_of(module):
    """The text of one of the modules that all kernels call, `SHARED`."""
    return Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8")


def kernel_for(network, plan):
    """The compiled kernel of a network, and the values of its constants.

    The kernel is a function (first_tick, last_tick, GridArrays) -> first tick not run, which is below last_tick when a
    buffer was full. It runs in as many threads as the arrays have parts, and one more if it is counted aside.
    """
    shared = {name: load(text_of(name), name)["__name__"] for name in SHARED}
    beside = load(aside.MODULE.format(**shared), "aside") if plan.aside else {}
    source, constants = kernel_source(network, plan, **shared)
    part, lent = load(source, "grid")["run"], None
    run_parts = aside.CountedAside(part, beside["count"]) if beside else partial(_run_parts, part)

    def run(first_tick, last_tick, arrays):
        nonlocal lent
        if lent is None or lent.arrays is not arrays:  # to tell where they lie takes as long as thousands of events
            lent = Lent(arrays)
        return run_parts(first_tick, last_tick, lent)

    return run, constants


def _run_parts(part, first_tick, last_tick, lent):
    """Each part in a thread."""
    n_parts = len(lent.bounds) - 1
    if n_parts == 1:
        return part(0, first_tick, last_tick, lent)
    with ThreadPoolExecutor(n_parts - 1) as others:
        running = [others.submit(part, number, first_tick, last_tick, lent) for number in range(1, n_parts)]
        reached = part(0, first_tick, last_tick, lent)
        for other in running:
            other.result()  # what went wrong there is an error here
        return reached
