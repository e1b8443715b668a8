"""Entropy and information from samples, against laws that are known, and against other ways to the same number."""

import math

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import binom

from analysis.information import METHODS, MUTUAL_METHODS, entropy, mutual_information, responses, spike_information
from analysis.information.entropy import SAMPLES_PER_SYMBOL, nsb_bits
from analysis.spike_bounds import binary_entropy
from circuits import Circuit
from eventsim import Stimulus, compile_network, simulate
from eventsim.errors import ConfigError

#: Spikes in 16 ticks at one of eight rates.
RATES, TICKS = np.linspace(0.05, 0.5, 8), 16


def exact_bits():
    joint = binom.pmf(np.arange(TICKS + 1), TICKS, RATES[:, None]) / RATES.size
    product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    return float((joint * np.log2(joint / product)).sum())


def pairs(rng, samples):
    x = rng.integers(RATES.size, size=samples)
    return x, rng.binomial(TICKS, RATES[x])


def test_the_channel_of_eight_rates_has_its_known_information():
    assert exact_bits() == pytest.approx(0.78737, abs=5e-6)


# --- entropy


def test_plug_in_and_miller_madow_have_their_closed_forms():
    samples = [0] * 8 + [1] * 4 + [2] * 2 + [3, 4]
    assert entropy(samples, "miller_madow").bits == pytest.approx(1.875 + 4 / (2 * 16 * math.log(2)))
    assert entropy(samples * 4, "plug_in").bits == pytest.approx(1.875)
    assert entropy(samples * 4, "plug_in").standard_error == pytest.approx(math.sqrt((4.625 - 1.875**2) / 64))


def test_nsb_is_the_mean_entropy_under_its_prior():
    """By sampling: beta from the prior that is flat in xi, a law from its Dirichlet, weighed by its likelihood."""
    counts = np.array([8, 4, 2, 1, 1])
    assert nsb_bits(counts, 8) == pytest.approx(2.1435357517750178, abs=2e-4)
    rng = np.random.default_rng(1)
    grid = np.geomspace(1e-5, 1e5, 4001)
    xi = digamma(8 * grid + 1) - digamma(grid + 1)
    beta = np.exp(np.interp(rng.uniform(xi[0], xi[-1], 400_000), xi, np.log(grid)))
    law = rng.standard_gamma(beta[:, None], size=(beta.size, 8)) + 1e-300
    law /= law.sum(axis=1, keepdims=True)
    weight = np.exp((np.log(law[:, :5]) * counts).sum(axis=1) + 30)
    bits = -(law * np.log2(law)).sum(axis=1)
    assert nsb_bits(counts, 8) == pytest.approx((weight * bits).sum() / weight.sum(), abs=0.02)


@pytest.mark.parametrize(
    "counts, bins, bits", [((10, 10), 64, 1.1241254951578918), ((5, 3, 2, 1, 1, 1), 100, 3.0729345352966497)]
)
def test_nsb_of_words_of_many_bins_is_that_of_eighty_digits(counts, bins, bits):
    """The same integral by mpmath with 80 digits, where the Gamma functions of K beta cancel in floats."""
    assert nsb_bits(np.array(counts), 2**bins) == pytest.approx(bits, rel=1e-9)


@pytest.mark.parametrize("alphabet", [None, 2, 4.0, math.nan, math.inf, "8", 2**501])
def test_an_alphabet_that_is_no_number_of_symbols_is_refused(alphabet):
    with pytest.raises(ConfigError, match="alphabet is"):
        entropy([0, 1, 2] * 10, "nsb", alphabet=alphabet)


@pytest.mark.parametrize("samples", [[math.nan] * 30, [[1], [1, 2]], [1, None] * 10, np.empty((3, 0)), [{}] * 30])
def test_what_are_no_symbols_is_refused(samples):
    with pytest.raises(ConfigError, match="samples"):
        entropy(samples)


@pytest.mark.parametrize("method", METHODS)
def test_a_known_multinomial_is_found_and_the_corrections_are_nearer_than_plug_in(method):
    law = np.random.default_rng(2).dirichlet(np.full(40, 0.6))
    exact = float(-(law * np.log2(law)).sum())
    rng = np.random.default_rng(3)
    found = [entropy(rng.choice(40, 480, p=law), method, alphabet=40) for _ in range(40)]
    bias = np.mean([estimate.bits for estimate in found]) - exact
    spread = np.std([estimate.bits for estimate in found])
    assert np.mean([estimate.standard_error for estimate in found]) == pytest.approx(spread, rel=0.35)
    if method == "plug_in":
        assert bias == pytest.approx(-39 / (2 * 480 * math.log(2)), rel=0.4)
    else:
        assert abs(bias) < 0.02


def test_words_are_rows_and_a_constant_has_no_entropy():
    words = np.array([[0, 1], [1, 0], [0, 1], [1, 0]] * 8)
    assert entropy(words, "plug_in").bits == pytest.approx(1.0)
    assert entropy(np.zeros(50), "plug_in").bits == 0.0 and entropy(np.zeros((50, 3)), "miller_madow").bits == 0.0


# --- information


@pytest.mark.parametrize("flip", [0.0, 0.11, 0.5])
@pytest.mark.parametrize("method", MUTUAL_METHODS)
def test_a_binary_symmetric_channel_carries_what_is_left_of_a_bit(flip, method):
    rng = np.random.default_rng(4)
    x = rng.integers(2, size=20_000)
    y = x ^ (rng.random(x.size) < flip)
    found = mutual_information(x, y, method, alphabet=2)
    assert found.bits == pytest.approx(1 - float(binary_entropy(flip)), abs=4 * found.standard_error + 3e-4)


@pytest.mark.parametrize("method", MUTUAL_METHODS)
def test_at_the_fewest_samples_that_are_allowed_the_bias_is_below_a_tenth_of_a_bit(method):
    rng = np.random.default_rng(5)
    samples = int(SAMPLES_PER_SYMBOL[method] * 95)  # some 90 pairs are seen
    found = []
    while len(found) < 25:
        try:
            found.append(mutual_information(*pairs(rng, samples), method, alphabet=TICKS + 1).bits)
        except ConfigError:
            samples += 20
    assert abs(np.mean(found) - exact_bits()) < 0.1


def test_with_many_samples_every_method_agrees_and_says_how_surely():
    rng = np.random.default_rng(6)
    for method in MUTUAL_METHODS:
        found = [mutual_information(*pairs(rng, 8192), method, alphabet=TICKS + 1).bits for _ in range(6)]
        assert np.mean(found) == pytest.approx(exact_bits(), abs=0.016)
    found = [mutual_information(*pairs(rng, 2048), "miller_madow") for _ in range(100)]
    spread = np.std([estimate.bits for estimate in found])
    assert np.mean([estimate.standard_error for estimate in found]) == pytest.approx(spread, rel=0.25)


def test_independent_variables_carry_nothing_once_corrected():
    rng = np.random.default_rng(7)
    x, y = rng.integers(8, size=(2, 400))
    plain = mutual_information(x, y, "miller_madow").bits
    assert abs(plain) < 0.06 and abs(mutual_information(x, y, "shuffle").bits) < 0.06
    many = rng.integers(8, size=(2, 1000))
    assert mutual_information(*many, "plug_in").bits == pytest.approx(49 / (2 * 1000 * math.log(2)), rel=0.6)


def test_too_few_samples_are_refused_with_what_would_help():
    words = np.random.default_rng(8).integers(2, size=(200, 16))
    with pytest.raises(ConfigError, match=r"200 samples show \d+ different symbols.*wider bins"):
        entropy(words)
    with pytest.raises(ConfigError, match="mutual information"):
        mutual_information(np.arange(200) % 2, words)
    with pytest.raises(ConfigError, match="alphabet"):
        entropy([0, 1] * 10, "nsb")
    with pytest.raises(ConfigError, match="alphabet"):
        entropy([0, 1, 2] * 10, "nsb", alphabet=2)
    with pytest.raises(ConfigError, match="choose one of"):
        entropy([0], "guess")
    with pytest.raises(ConfigError, match="in pairs"):
        mutual_information(np.zeros(20), np.zeros(21), "plug_in")


# --- from a trace


@pytest.fixture(scope="module")
def trace():
    """Two channels asked 3,000 times: the first fires in each of 16 ticks at one of eight rates, the second twice."""
    circuit = Circuit("channel")
    circuit.inputs("noisy", 1)
    circuit.inputs("regular", 1)
    rng, queries = np.random.default_rng(9), 3000
    x = rng.integers(RATES.size, size=queries)
    query, tick = np.nonzero(rng.random((queries, TICKS)) < RATES[x, None])
    ids = {path: ends[0] for path, ends in circuit.labels().items()}
    start = np.arange(queries) * 20
    ticks = np.concatenate([query * 20 + tick, start + 3, start + 9])
    neurons = np.concatenate([np.full(query.size, ids["noisy"]), np.full(2 * queries, ids["regular"])])
    stimulus = Stimulus.of(ticks, neurons, np.column_stack([start, start + 20]), input_id=x)
    manifest = {"circuit": {"populations": circuit.labels()}}
    with simulate(compile_network(circuit.network()), stimulus, manifest=manifest) as run:
        yield run


def test_counts_of_a_trace_tell_what_the_channel_carries(trace):
    found = spike_information(trace, "noisy")
    assert found.information.bits == pytest.approx(exact_bits(), abs=4 * found.information.standard_error)
    assert found.spikes == pytest.approx(4.4, abs=0.1)
    assert found.bits_per_spike == pytest.approx(0.1789, abs=0.012)
    silent = spike_information(trace, "regular", method="shuffle")
    assert silent.information.bits == 0 and silent.entropy.bits == 0 and silent.spikes == 2


def test_words_and_windows_are_cut_from_each_query(trace):
    assert responses(trace, "regular", bin_ticks=4).tolist()[:2] == [[1, 0, 1, 0, 0]] * 2
    assert responses(trace, "regular", start_tick=3, stop_tick=9).tolist()[0] == [1]
    words = responses(trace, "noisy", bin_ticks=8)
    assert words.shape == (3000, 2) and (words.sum(axis=1) == responses(trace, "noisy", stop_tick=16)[:, 0]).all()
    halves = spike_information(trace, "noisy", words=True, stop_tick=16, bin_ticks=8, method="nsb", alphabet=81)
    # Two halves of the window together tell no more than their sum, which is sufficient.
    assert halves.information.bits == pytest.approx(exact_bits(), abs=0.06)


def test_a_window_or_word_that_cannot_be_is_refused(trace):
    for window in ({"stop_tick": 21}, {"start_tick": 5, "stop_tick": 5}, {"bin_ticks": 0}, {"bin_ticks": 21}):
        with pytest.raises(ConfigError, match="window"):
            responses(trace, "noisy", **window)
    with pytest.raises(ConfigError, match="different symbols"):
        spike_information(trace, "noisy", words=True, bin_ticks=1)
