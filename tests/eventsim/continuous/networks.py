"""One network with something of everything: ties, repeated spikes at one instant, currents, zero delays and weights."""

import numpy as np

from tests.eventsim.continuous import hand_made

__all__ = ["TICKS", "mixed"]

TICKS = 600


def mixed(seed=0, ticks=TICKS, host_resets=()):
    """Sources, driven cells, cells under two currents, and counters, wired at random; `host_resets` are ticks."""
    rng = np.random.default_rng(seed)
    constants = {"tau": 0.01, "drive": 0.9, "s": 0.003, "r": 0.006, "theta": 1.0}
    currents = hand_made.Cells(
        "currents", 6, state={"v": rng.uniform(0, 1, 6), "a": 0.0, "b": 0.0}, constants=constants, reset=("v = 0",),
        rates={"v": "(drive + a + b - v)/tau", "a": "-a/s", "b": "-b/r"}, condition="v > theta",
    )  # fmt: skip
    cells = [
        hand_made.sources("input", 4),
        hand_made.lif("driven", 6, tau=0.008, drive=1.3, theta=1.0, v=rng.uniform(0, 1, 6), refractory_s=1.05e-3),
        currents, hand_made.integrate("counts", 4),
    ]  # fmt: skip

    def wire(source, target, n, low, high, delays, variable="v"):
        sizes = {c.name: c.size for c in cells}
        return hand_made.wires(source, target, rng.integers(0, sizes[source], n), rng.integers(0, sizes[target], n),
                               rng.integers(low, high, n) / 8, rng.choice(delays, n), variable=variable)  # fmt: skip

    synapses = [
        wire("input", "driven", 8, -2, 4, (0, 3)), wire("input", "counts", 10, 4, 20, (2,)),
        wire("driven", "currents", 16, 0, 6, (1, 4, 9), "a"), wire("currents", "currents", 8, -4, 1, (5,), "b"),
        wire("currents", "counts", 12, 0, 9, (0, 7)), wire("counts", "driven", 9, -3, 3, (6, 20)),
    ]  # fmt: skip
    chosen = np.unique(rng.integers(0, 4 * ticks, 60))
    made = hand_made.network(cells, synapses, spikes=[(c // 4, c % 4) for c in chosen.tolist()], ticks=ticks)
    if not len(host_resets):
        return made, made.stimulus
    edges = np.array([*host_resets, ticks])
    queries = np.column_stack([edges[:-1], edges[1:]])
    stimulus = type(made.stimulus).of(made.stimulus.tick, made.stimulus.neuron, queries, None, "host", ticks)
    return made, stimulus
