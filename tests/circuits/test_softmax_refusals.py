"""Sizes said beforehand, and what is refused before any work."""

import time
import tracemalloc

import numpy as np
import pytest

from circuits import Size, size, sized
from circuits.softmax import (
    escape_inhibition,
    first_spike,
    gated_counts,
    hard_reset,
    integrate_inhibition,
    leaky,
    race,
    self_inhibition,
    thinning,
    thinning_at_once,
)
from eventsim.errors import CapacityError, CircuitError

POOL = {"rate_per_tick": 0.1, "inhibition": 1.0}
LATENCY = {"tau_ticks": 50.0, "span": 6.0}


def test_sizes_are_closed_forms():
    n = 10**9  # said at once, and never built
    assert size(escape_inhibition, n, **POOL) == Size(2 * n + 2, 5 * n)
    assert size(escape_inhibition, n, through="lateral", **POOL) == Size(2 * n + 1, n * n + 3 * n)
    assert size(integrate_inhibition, n, **POOL) == Size(n + 1, 2 * n)
    assert size(race, n, rate_per_tick=0.1) == Size(2 * n + 1, 2 * n * n + 3 * n)
    assert size(first_spike, n, **LATENCY) == Size(n + 2, n + 1)
    assert size(gated_counts, n, counts=20, **LATENCY) == Size(2 * n + 2, 3 * n + 1)
    assert size(thinning, n, 7, beta=1) == Size(9 * n, 16 * n)


def test_sizes_add_and_multiply():
    assert Size(2, 3) + 4 * Size(1, 5) == Size(6, 23) and Size(1, 2) * 3 == Size(3, 6)
    assert str(Size(1200, 34567)) == "1,200 neurons, 34,567 synapses"


def test_a_builder_offers_its_size_under_its_own_arguments():
    @sized(lambda n, doubled, **_: Size(n * (1 + doubled), 0))
    def build(n, *, doubled=True, other=3):
        """A circuit."""
        return n

    assert size(build, 5) == build.size(5) == Size(10, 0) and size(build, n=5, doubled=False) == Size(5, 0)
    assert build(5) == 5 and build.__doc__ == "A circuit."
    with pytest.raises(TypeError, match="missing a required argument: 'n'"):
        build()
    with pytest.raises(CircuitError, match="'print' does not offer its size"):
        size(print, 5)


def test_what_does_not_fit_into_memory_is_refused_in_bytes_and_at_once():
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(CapacityError, match=r"200,000,200,000,000 bytes asked, [\d,]+ bytes allowed"):
        integrate_inhibition(1_000_000, through="lateral", **POOL)
    assert time.perf_counter() - began < 1 and tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


@pytest.mark.parametrize(
    "build, arguments, message",
    [
        (lambda **o: integrate_inhibition(3, **POOL | o), {"u_start": 3.0}, "driven by 2.009 of a spike"),
        (lambda **o: hard_reset(3, **POOL | o), {"u_start": [0, 1, 900.0]}, "driven by"),
        (lambda **o: leaky(3, **POOL | o), {"gain": 0}, "gain"),
        (lambda **o: race(3, rate_per_tick=0.1, **o), {"rest_ticks": 0}, "rest_ticks"),
        (lambda **o: race(3, rate_per_tick=0.1, **o), {"u_start": [0, 1]}, "expected \\(3,\\)"),
        (lambda **o: first_spike(3, **LATENCY | o), {"start": [0, 1, 7.0]}, "from 0 to 7.*takes 0 to 6"),
        (lambda **o: first_spike(3, **LATENCY | o), {"start": [0, np.nan, 1]}, "finite"),
        (lambda **o: first_spike(3, **LATENCY | o), {"start": [0, -0.1, 1]}, "from -0.1 to 1"),
        (lambda **o: first_spike(3, **LATENCY | o), {"tau_ticks": 0}, "tau_ticks"),
        (lambda **o: first_spike(3, **LATENCY | o), {"span": 31}, "span"),
        (lambda **o: first_spike(3, **LATENCY | o), {"jitter": -1}, "jitter"),
        (lambda **o: gated_counts(3, **LATENCY | {"counts": 20} | o), {"counts": 51}, "counts"),
        (lambda **o: gated_counts(3, **LATENCY | {"counts": 20} | o), {"mismatch": -1}, "mismatch"),
        (lambda **o: gated_counts(3, **LATENCY | {"counts": 20} | o), {"tau_ticks": 0}, "tau_ticks"),
        (lambda **o: thinning(3, 4, **{"beta": 1} | o), {"scores": [0, 1, 5]}, "0 to d = 4"),
        (lambda **o: thinning(3, 4, **{"beta": 1} | o), {"scores": [0.0, 1.0, 2.0]}, "integers"),
        (lambda **o: thinning(3, 4, **{"beta": 1} | o), {"scores": [0, 1]}, "integers of shape"),
        (lambda **o: thinning(3, 4, **{"beta": 1} | o), {"beta": 0}, "beta"),
        (lambda **o: thinning(3, **{"d": 4, "beta": 1} | o), {"d": 0}, "d is 0"),
        (lambda **o: thinning_at_once(1, 4, **{"beta": 1} | o), {}, "at least 2"),
        (lambda **o: self_inhibition(3, **o), {"logits": [0, 1, 301.0]}, "takes -inf to 300"),
    ],
)
def test_what_a_circuit_cannot_take_is_one_clear_error(build, arguments, message):
    with pytest.raises(CircuitError, match=message) as caught:
        build(**arguments)
    assert "\n" not in str(caught.value)
