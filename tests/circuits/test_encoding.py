"""Latency: numbers into spike ticks and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import Latency
from eventsim.errors import CircuitError


def test_the_largest_number_fires_first_and_the_smallest_last():
    code = Latency(2.0, 8)
    assert code.encode([2, 1, 0, -1, -2]).tolist() == [0, 2, 4, 6, 8]
    assert code.decode([0, 2, 4, 6, 8]).tolist() == [2, 1, 0, -1, -2]
    assert code.per_tick == 0.5 and code.encode([[0.0]]).shape == (1, 1)


@given(st.floats(-3, 3), st.integers(1, 500))
def test_a_number_comes_back_within_half_a_step(x, ticks):
    code = Latency(3.0, ticks)
    tick = code.encode(x)
    assert 0 <= tick <= ticks
    assert abs(code.decode(tick) - x) <= code.per_tick / 2 * (1 + 1e-9)


@pytest.mark.parametrize("x", [1.01, -1.01, np.nan, np.inf])
def test_a_number_beyond_the_limit_is_refused(x):
    with pytest.raises(CircuitError, match=r"exceeds|not finite"):
        Latency(1.0, 10).encode([0.5, x])


@pytest.mark.parametrize("limit, ticks", [(0, 10), (-1, 10), (np.inf, 10), (np.nan, 10), (1, 0)])
def test_a_senseless_encoder_is_refused(limit, ticks):
    with pytest.raises(CircuitError, match="Latency"):
        Latency(limit, ticks)
