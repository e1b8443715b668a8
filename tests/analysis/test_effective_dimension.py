"""Definitions of dimension against closed forms, exact enumeration, other programs' figures, and what is refused."""

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_digits

from analysis.effective_dimension import (
    corrected_participation_ratio,
    entropy_rank,
    half_dimension,
    mle_dimension,
    participation_ratio,
    pca_dimension,
    spectrum,
    stable_rank,
    two_nn,
    unbiased_traces,
    water_filling_dimension,
)
from eventsim.errors import ConfigError

SPECTRAL = (participation_ratio, stable_rank, entropy_rank, pca_dimension, water_filling_dimension)
GEOMETRIC = 0.5 ** np.arange(60)
HARMONIC = 1 / np.arange(1, 513)


@pytest.fixture(scope="module")
def digits():
    return load_digits().data


def torus(rng, count, dimension):
    """Even on a flat torus of so many dimensions, in twice as many coordinates: a curved set without an edge."""
    angle = rng.uniform(0, 2 * np.pi, (count, dimension))
    return np.hstack([np.cos(angle), np.sin(angle)])


@pytest.mark.parametrize("definition", [*SPECTRAL, half_dimension])
def test_equal_variances_count_as_many_dimensions(definition):
    flat = np.full(20, 3.0)
    assert definition(flat) == pytest.approx({pca_dimension: 19}.get(definition, 20), rel=1e-12)
    assert definition(np.array([7.0])) == pytest.approx(1, rel=1e-12)


def test_a_halving_spectrum_has_the_dimensions_of_its_geometric_series():
    assert participation_ratio(GEOMETRIC) == pytest.approx(3)
    assert stable_rank(GEOMETRIC) == pytest.approx(2)
    assert entropy_rank(GEOMETRIC) == pytest.approx(4)
    assert half_dimension(GEOMETRIC) == pytest.approx((1 + 0.5**0.5) / (1 - 0.5**0.5), rel=1e-6)
    # What k components leave is 2^-k of the whole.
    assert [pca_dimension(GEOMETRIC, fraction) for fraction in (0.5, 0.75, 0.8, 0.95)] == [1, 2, 3, 5]
    # k rise above the level while (k + 1) 2^(1 - k) > 2 distortion.
    assert [water_filling_dimension(GEOMETRIC, distortion) for distortion in (0.9, 0.3, 0.1, 0.05)] == [1, 4, 6, 7]


def test_a_harmonic_spectrum_has_the_dimensions_that_another_program_found():
    assert participation_ratio(HARMONIC) == pytest.approx(28.280817248714005)
    assert entropy_rank(HARMONIC) == pytest.approx(117.23118188401173)
    assert half_dimension(HARMONIC) == pytest.approx(281.65296126878627)
    assert pca_dimension(HARMONIC) == 364


def test_digits_have_the_dimensions_that_another_program_found(digits):
    found = [participation_ratio(digits), stable_rank(digits), entropy_rank(digits), half_dimension(spectrum(digits))]
    assert found == pytest.approx([13.17, 6.72, 20.55, 31.0], abs=0.05)
    assert [pca_dimension(digits, fraction) for fraction in (0.8, 0.9, 0.95, 0.99)] == [13, 21, 29, 41]
    assert [water_filling_dimension(digits, distortion) for distortion in (0.1, 0.05, 0.02)] == [39, 46, 50]
    assert two_nn(digits) == pytest.approx(8.9, abs=0.05)


def test_fewer_samples_than_channels_give_the_spectrum_of_the_covariance():
    samples = np.random.default_rng(1).standard_normal((7, 30))
    expected = np.linalg.eigvalsh(np.cov(samples.T))[::-1]
    np.testing.assert_allclose(spectrum(samples), expected[:7], atol=1e-12)
    np.testing.assert_allclose(spectrum(samples.T[:, :5]), np.linalg.eigvalsh(np.cov(samples[:5]))[::-1], rtol=1e-9)


def test_rotations_change_no_spectral_dimension_but_that_of_the_coding_basis(digits):
    rotation = np.linalg.qr(np.random.default_rng(2).standard_normal((64, 64)))[0]
    for definition in SPECTRAL:
        assert definition(digits @ rotation) == pytest.approx(definition(digits), rel=1e-9)
    assert half_dimension(spectrum(digits)) < half_dimension(digits) < half_dimension(digits @ rotation) < 64


# -- samples that are too few

ATOMS = np.array([[0.0, 0.0, 5.0], [1.0, -1.0, 0.0], [3.0, 0.0, 1.0]])


def all_samples(size):
    """Every way to draw `size` of the atoms, those that are all the same left out: their variances are 0."""
    return [ATOMS[list(rows)] for rows in itertools.product(range(3), repeat=size) if len(set(rows)) > 1]


def gaussian_traces(samples):
    """The estimates that are unbiased for Gaussian samples alone (of Wishart moments)."""
    n, v = len(samples) - 1, spectrum(samples)
    square_trace = n**2 / ((n - 1) * (n + 2)) * (np.square(v).sum() - v.sum() ** 2 / n)
    return v.sum() ** 2 - 2 / n * square_trace, square_trace


def test_corrected_traces_are_right_on_average_over_every_sample_there_is():
    sigma = np.cov(ATOMS.T, ddof=0)
    truth = [np.trace(sigma) ** 2, np.trace(sigma @ sigma)]
    for size in (4, 5):
        mean = np.sum([unbiased_traces(samples) for samples in all_samples(size)], axis=0) / 3**size
        np.testing.assert_allclose(mean, truth, rtol=1e-12)
        # Controls: neither the traces of the sample nor the correction that needs a Gaussian pass.
        naive = [(spectrum(s).sum() ** 2, np.square(spectrum(s)).sum()) for s in all_samples(size)]
        assert (np.abs(np.sum(naive, axis=0) / 3**size / truth - 1) > 0.02).all()
        gaussian = [gaussian_traces(samples) for samples in all_samples(size)]
        assert (np.abs(np.sum(gaussian, axis=0) / 3**size / truth - 1) > 0.02).all()


def test_the_corrected_participation_ratio_is_that_of_the_source_and_the_naive_one_is_not():
    rng = np.random.default_rng(3)
    runs = [rng.standard_normal((64, 512)) * np.sqrt(HARMONIC) for _ in range(100)]
    corrected, naive = ([f(x) for x in runs] for f in (corrected_participation_ratio, participation_ratio))
    truth = 28.280817248714005
    assert np.mean(corrected) == pytest.approx(truth, abs=3.5 * np.std(corrected) / 10)
    assert np.mean(naive) < 0.75 * truth


def test_the_corrected_ratio_of_a_handful_of_samples_is_1_or_more_and_infinite_where_they_tell_nothing():
    rng = np.random.default_rng(4)
    for dimensions in (1, 2, 400):
        assert min(corrected_participation_ratio(rng.standard_normal((4, dimensions))) for _ in range(40)) > 1 - 1e-9
    one_differs = np.zeros((9, 3))
    one_differs[4] = 0.1, 0.2, 0.3
    assert corrected_participation_ratio(one_differs) == np.inf


# -- neighbours


def test_three_points_on_a_line_have_the_neighbour_dimensions_of_their_distances():
    points = np.array([[0.0], [1.0], [3.0]])  # ratios of the two distances: 3, 2 and 3/2
    log = np.log
    expected = (log(1.5) ** 2 + log(2) * log(3)) / (log(1.5) ** 2 + log(2) ** 2)
    assert two_nn(points) == pytest.approx(expected)
    assert mle_dimension(points, neighbours=2) == pytest.approx(3 / log(9))


@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_a_torus_has_the_dimension_of_its_surface_whatever_its_spectrum(dimension):
    samples = torus(np.random.default_rng(5), 3000, dimension)
    assert two_nn(samples) == pytest.approx(dimension, rel=0.07)
    assert mle_dimension(samples) == pytest.approx(dimension, rel=0.07)
    assert participation_ratio(samples) == pytest.approx(2 * dimension, rel=0.02)


def test_distances_within_clusters_that_are_far_apart_keep_their_digits():
    samples = np.hstack([torus(np.random.default_rng(6), 400, 2), np.zeros((400, 60))])
    assert two_nn(samples + 1e7) == pytest.approx(two_nn(samples), rel=1e-6)
    # Each ratio is there twice: the line is the same but for the steps of the distribution.
    assert two_nn(np.vstack([samples, samples + 1e7])) == pytest.approx(two_nn(samples), rel=0.01)


def test_repeated_rows_are_left_out():
    samples = torus(np.random.default_rng(7), 200, 2)
    twice = np.vstack([samples, samples[:50]])
    assert two_nn(twice) == two_nn(samples) and mle_dimension(twice) == mle_dimension(samples)


@pytest.mark.optional
def test_scikit_dimension_agrees(digits):
    id = pytest.importorskip("skdim").id
    # It numbers the ratios from 0, we from 1.
    assert two_nn(digits) == pytest.approx(id.TwoNN(discard_fraction=0.1).fit(digits).dimension_, rel=0.005)
    reference = id.MLE().fit(digits, n_neighbors=20, comb="mle").dimension_
    assert mle_dimension(digits) == pytest.approx(reference, rel=1e-6)


# -- refusals

BROKEN = {
    "one sample": np.zeros((1, 3)),
    "no channel": np.zeros((3, 0)),
    "three axes": np.zeros((3, 3, 3)),
    "all the same": np.ones((9, 3)),
    "not finite": np.array([[0.0, 1.0], [np.nan, 2.0], [1.0, 1.0], [3.0, 4.0]]),
}


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("definition", [*SPECTRAL, half_dimension, unbiased_traces, two_nn, mle_dimension])
def test_samples_without_a_dimension_are_refused(definition, what):
    with pytest.raises(ConfigError, match=r"samples|rows"):
        definition(BROKEN[what])


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [1.0, -1e-3], [1.0, np.inf]])
@pytest.mark.parametrize("definition", [*SPECTRAL, half_dimension])
def test_what_is_no_spectrum_is_refused(definition, values):
    with pytest.raises(ConfigError, match="variances"):
        definition(np.array(values))


@pytest.mark.parametrize(
    "call",
    [
        lambda: pca_dimension(GEOMETRIC, 0),
        lambda: pca_dimension(GEOMETRIC, 1.1),
        lambda: water_filling_dimension(GEOMETRIC, 1.0),
        lambda: water_filling_dimension(GEOMETRIC, 0.0),
        lambda: mle_dimension(ATOMS, neighbours=1),
        lambda: mle_dimension(ATOMS, neighbours=3),
        lambda: two_nn(np.arange(30.0)[:, None]),
        lambda: unbiased_traces(ATOMS),
        lambda: two_nn(np.array([[0.0], [1e-200], [1.0]])),
    ],
)
def test_an_argument_out_of_range_is_refused(call):
    with pytest.raises(ConfigError, match=r"must|give|take|lattice|distortion|squared"):
        call()
