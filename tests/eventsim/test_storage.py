"""Weights as codes."""

import numpy as np
import pytest

import eventsim
from eventsim.grid.storage import store


@pytest.mark.parametrize("distinct, way", [(200, "code"), (255, "code"), (256, "full")])
def test_a_code_stands_for_its_weight_bit_for_bit(distinct, way):
    """Random bits, both zeros among them: weights that collide in the table of codes are told apart."""
    rng = np.random.default_rng(0)
    weights = np.append(rng.normal(size=distinct - 2), [0.0, -0.0])
    weight = np.append(weights, rng.choice(weights, 2000))
    network = eventsim.network(
        {"model": ["gate"] * 50},
        {"pre": np.arange(weight.size) % 50, "post": rng.integers(50, size=weight.size), "weight": weight,
         "delay_ms": np.ones(weight.size)},
    )  # fmt: skip
    stored = store(network, large=0)
    assert stored.ways == (way,)
    if way == "code":
        assert stored.values[stored.codes].tobytes() == network.weight.tobytes()
