"""SpikingResformer's attention by weighted ANDs equals its published form with real matrix products."""

import numpy as np
import pytest

import eventsim
from circuits.attention.dssa import DSSA
from circuits.maps import BatchNorm, Conv, Linear
from circuits.pipeline import Pipeline
from circuits.size import Size, size
from eventsim.errors import CircuitError
from tests.circuits.attention.plain import Plain, raw_linear

GRID, PATCH, CHANNELS, HEADS = (4, 2), 2, 6, 2
TOKENS, PATCHES, D = 8, 2, 3


def _maps(rng, dyadic):
    y = raw_linear(rng, CHANNELS * PATCH**2, 2 * CHANNELS, dyadic=dyadic, gain=0.25)
    return y, raw_linear(rng, CHANNELS, CHANNELS, dyadic=dyadic)


def _published(plain, x, y, proj, rates):
    """The authors' forward pass at inference: y by a convolution, two real products, head by head."""
    s = plain.lif("s", x, counts=True)
    steps = len(x)
    image = s.reshape(steps, GRID[0] // PATCH, PATCH, GRID[1] // PATCH, PATCH, CHANNELS)
    patches = image.transpose(0, 1, 3, 5, 2, 4).reshape(steps, PATCHES, -1)  # (channel, row, column) within a patch
    per_head = y(patches).reshape(steps, PATCHES, HEADS, 2, D).transpose(3, 0, 2, 4, 1)  # (2, steps, h, d, m)
    scale = [1 / np.sqrt(np.reshape(rate, (-1, 1, 1)) * length) for rate, length in zip(rates, (D, PATCHES))]
    spikes = s.reshape(steps, TOKENS, HEADS, D).transpose(0, 2, 3, 1)  # (steps, h, d, n)
    a = plain.lif("a", per_head[0].swapaxes(-1, -2) @ spikes * scale[0])
    o = per_head[1] @ a * scale[1]
    return proj(plain.lif("o", o.transpose(0, 3, 1, 2).reshape(steps, TOKENS, CHANNELS)))


def _block(y, proj, rates):
    weight = y.weight.reshape(2 * CHANNELS, CHANNELS, PATCH, PATCH)
    conv = Conv(weight, y.bias, grid=GRID, stride=PATCH).folded(BatchNorm(*y.norm))
    return DSSA(conv, proj.folded(), HEADS, *rates)


@pytest.mark.parametrize("dyadic", [True, False])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_dssa_is_the_published_real_products_spike_for_spike(seed, dyadic):
    rng = np.random.default_rng(seed)
    (y, proj), x = _maps(rng, dyadic), rng.integers(0, 3, (6, TOKENS, CHANNELS))
    # rates for which both scales are powers of two, or any
    rates = (np.array([1, 0.25]) / (4 * D) * 4, np.array([0.5, 0.125])) if dyadic else rng.uniform(0.1, 0.6, (2, HEADS))
    plain = Plain()
    expected = _published(plain, x, y, proj, rates)
    assert dyadic or plain.margin > 1e-9
    block = _block(y, proj, rates)
    circuit = Pipeline(block, TOKENS, steps=6, levels=2)
    assert Size(circuit.n_neurons, circuit.n_synapses) == size(block, TOKENS, levels=2)
    trace = eventsim.simulate(eventsim.compile_network(circuit.network()), circuit.stimulus(x))
    for path, spikes in plain.stages.items():
        np.testing.assert_array_equal(circuit.decode(trace, path)[0], spikes, err_msg=path)
        assert 0.02 < spikes.mean() < 0.98, path
    np.testing.assert_allclose(circuit.decode(trace)[0], expected, rtol=0, atol=1e-12)


def test_sizes_of_dssa_in_closed_form():
    y, proj = _maps(np.random.default_rng(0), True)
    n, c, h, m = TOKENS, CHANNELS, HEADS, PATCHES
    neurons = 1 + n * c + n * c + (n * c) ** 2 + h * m * n + n * c * h * n + n * c
    synapses = n * c + 3 * (n * c) ** 2 + m * n * c + 2 * n * c * h * n + (n * c) ** 2 + m * n * c
    assert size(_block(y, proj, np.full((2, HEADS), 0.2)), n) == Size(neurons, synapses)


def test_a_senseless_dssa_is_refused():
    y, proj = _maps(np.random.default_rng(0), True)
    rates = np.full((2, HEADS), 0.2)
    linear = Linear(np.ones((2 * CHANNELS, CHANNELS)))
    overlapping = Conv(np.ones((2 * CHANNELS, CHANNELS, 2, 2)), grid=GRID)
    for act, message in (
        (lambda: DSSA(linear, proj.folded(), HEADS, *rates), "stride equal to its kernel size"),
        (lambda: DSSA(overlapping, proj.folded(), HEADS, *rates), "stride equal to its kernel size"),
        (lambda: _block(y, proj, (rates[0], [0.0, 0.1])), r"rate_a must be one rate in \(0, 1\] for each of 2 heads"),
        (lambda: _block(y, proj, (rates[0][:1], rates[1])), "rate_s must be one rate"),
        (lambda: Pipeline(_block(y, proj, rates), 9), r"9 tokens do not fill Conv's grid \(4, 2\)"),
    ):
        with pytest.raises(CircuitError, match=message):
            act()
