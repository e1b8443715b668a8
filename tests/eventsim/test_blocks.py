"""Populations of several blocks are swept to and fro; their spikes stay in order, and with them every sum."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses

import eventsim
from eventsim.errors import ConfigError
from eventsim.grid import templates
from tests.support.brian2_runs import by_brian2, by_eventsim, same

pytestmark = pytest.mark.usefixtures("one_millisecond")

TICKS = 60


def network(n):
    """Neurons that fire in most ticks, some of every block, and whose weights add up differently in another order."""
    rng = np.random.default_rng(n)
    cells = NeuronGroup(n, "dv/dt = (1.3 - v)/(9*ms) : 1", threshold="v > 1", reset="v = 0", method="exact",
                        name="cells")  # fmt: skip
    cells.v = rng.random(n)
    wires = Synapses(cells, cells, "w : 1", on_pre="v_post += w", name="wires")
    wires.connect(i=rng.integers(0, n, 20 * n), j=rng.integers(0, n, 20 * n))
    wires.w = rng.normal(0, 0.03, 20 * n)
    return Network(cells, wires)


@pytest.mark.parametrize("n", [703, 1024])
def test_spikes_of_all_blocks_are_in_order(n, monkeypatch):
    compiled = eventsim.compile_network(network(n))
    theirs = by_brian2(network(n), compiled, TICKS)
    blocks = {parity: {neuron // 256 for tick, neuron in theirs.spikes if tick % 2 == parity} for parity in (0, 1)}
    assert blocks[0] == blocks[1] == set(range(-(-n // 256)))
    for threads in (1, 2):
        assert same(by_eventsim(compiled, TICKS, threads=threads), theirs)

    assert "if not forth:" in templates.FIRE
    monkeypatch.setattr(templates, "FIRE", templates.FIRE.replace("if not forth:", "if forth:"))
    with pytest.raises(ConfigError, match="do not rise"):
        by_eventsim(compiled, TICKS)
