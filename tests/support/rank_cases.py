"""Networks run by one process and by all that mpiexec started; prints, as JSON, what differs.

    mpiexec -n N python tests/support/rank_cases.py [quick] [drop]

With `quick`, fewer networks; with `drop`, these, and the last rank keeps its spikes to itself.
"""

import json
import sys

import numpy as np

import eventsim
from eventsim.ranks import launched_together, on_ranks
from eventsim.ranks.exchange import Meeting

__all__ = ["EXCHANGES", "cases", "columns"]

#: The quick cases, one of each kind: spikes are lost of each when a rank keeps its own to itself.
EXCHANGES = ("a delay of 15 ticks", "columns, noise and resets", "each neuron another kind")


def columns(n=10, width=12, seed=0):
    """Columns of neurons that act on each other within the tick, by spikes and by a variable of the sender; noise from
    keyed streams; and delays of 2 to 5 ticks among all."""
    import brian2
    from brian2 import ms

    rng, clock, total = np.random.default_rng(seed), brian2.Clock(1 * ms), n * width
    cells = brian2.NeuronGroup(
        total, "dv/dt = (1.1 - v)/tau + 0.3*xi/sqrt(tau) : 1\nx : 1", threshold="v > 1", reset="v = 0\nx = v + 0.01",
        method="euler", name="cells", clock=clock, namespace={"tau": 8 * ms},
    )  # fmt: skip
    cells.v, cells.x = rng.random((2, total))
    column = np.arange(total) // width
    pairs = np.argwhere((column[:, None] == column) & (rng.random((total, total)) < 0.2))
    at_once = brian2.Synapses(cells, cells, on_pre="v_post -= 0.05", name="at_once", clock=clock)
    reading = brian2.Synapses(cells, cells, on_pre="v_post += x_pre", delay=1 * ms, name="reading", clock=clock)
    for synapses in (at_once, reading):
        synapses.connect(i=pairs[:, 0], j=pairs[:, 1])
    far = brian2.Synapses(cells, cells, "w : 1", on_pre="v_post += w", name="far", clock=clock)
    far.connect(i=rng.integers(0, total, 2000), j=rng.integers(0, total, 2000))
    far.w, far.delay = 0.1 * rng.standard_normal(2000), rng.integers(2, 6, 2000) * ms
    return brian2.Network(cells, at_once, reading, far)


def cases(is_quick):
    """Name -> (network, stimulus, how it is run)."""
    from runs.benchmarks.networks import coincidence, delta_lif, hardware_like

    each = eventsim.compile_network(hardware_like(1200, 12))
    delayed = eventsim.compile_network(delta_lif(300, 60))
    mixed = eventsim.compile_network(columns(), noise="rekey")
    queries = eventsim.Stimulus.of([], [], [(0, 37), (37, 90), (95, 120)], reset="host", duration_ticks=130)
    found = {
        "a delay of 15 ticks": (delayed, delayed.stimulus.lasting(400), {}),
        "columns, noise and resets": (mixed, queries, {}),
        "each neuron another kind": (each, each.stimulus.lasting(60), {"core_of": np.arange(1200) % 40}),
    }
    if is_quick:
        return found
    rows = eventsim.compile_network(coincidence(6, 5, rate_hz=400, duration_ms=50))
    return found | {
        "threads and small buffers": (delayed, delayed.stimulus.lasting(400), {"threads": 2, "buffer_mb": 1e-3}),
        "samples": (delayed, delayed.stimulus.lasting(100), {"record": {"v": [0, 7, 150]}, "record_every_ticks": 3}),
        "a last spike": (delayed, delayed.stimulus.lasting(400), {"stop_after_spikes": 200}),
        "sources and two layers": (rows, rows.stimulus, {}),
        "by touch": (rows, rows.stimulus, {"updates": "touched"}),
    }


def _compare(network, stimulus, options):
    from analysis.audit import audit

    on_five = np.where(network.is_source, -1, np.arange(network.n_neurons) // 37 % 5)
    core_of = options.pop("core_of", on_five).astype(np.int32)
    with on_ranks(None):
        one = eventsim.simulate(network, stimulus, core_of=core_of, **options)
    many = eventsim.simulate(network, stimulus, core_of=core_of, **options)
    keys = one.manifest.keys() | many.manifest.keys()
    return {
        "spikes": one.n_spikes, "failed": [law.name for law in audit(many).laws if law.verdict == "failed"],
        "different": sorted(key for key in keys if one.manifest.get(key) != many.manifest.get(key)),
    }  # fmt: skip


def _drop_spikes():
    """Have the last rank tell nobody who fired."""
    whole = Meeting.exchange

    def exchange(self, first_tick, tick, neuron, words):
        is_last = self._comm.rank == self._comm.size - 1
        return whole(self, first_tick, *((tick[:0], neuron[:0]) if is_last else (tick, neuron)), words)

    Meeting.exchange = exchange


if __name__ == "__main__":
    if "drop" in sys.argv:
        _drop_spikes()
    with launched_together() as is_first:
        if is_first:
            chosen = cases("quick" in sys.argv or "drop" in sys.argv)
            print(json.dumps({name: _compare(*case) for name, case in chosen.items()}))
