"""Sets that come with the installed packages, and surrogates of known covariance."""

import numpy as np
import pytest

from analysis.effective_dimension import participation_ratio, spectrum
from eventsim.errors import ConfigError
from runs.inputs.bundled import digit_images, manual, photograph_colours, photograph_crops
from runs.inputs.surrogates import power_law_images, white_noise


def rng(seed=0):
    return np.random.default_rng(seed)


def test_digits_are_scikit_learns():
    data = digit_images(5000, rng())
    assert data.samples.shape == (1797, 64) and data.there_are == 1797 and data.samples.max() == 16
    assert digit_images(100, rng()).samples.shape == (100, 64)


def test_crops_lie_within_one_part_of_a_photograph_each():
    data = photograph_crops(320, 16, rng())
    assert data.samples.shape == (320, 16 * 16 * 3) and 0 <= data.samples.min() < data.samples.max() <= 1
    assert sorted(np.bincount(data.groups)) == [10] * 32
    with pytest.raises(ConfigError, match="side is 107; crops of photographs have 106 pixels or fewer"):
        photograph_crops(10, 107, rng())


def test_crops_of_a_whole_part_are_that_part():
    side = 106  # as high as a part: no choice of rows is left
    first = photograph_crops(32, side, rng(1)).samples.reshape(32, side, side, 3)
    second = photograph_crops(32, side, rng(2)).samples.reshape(32, side, side, 3)
    # Two crops of one part differ by a shift to the side alone.
    pairs = ((first[0], second[0]), (second[0], first[0]))
    assert any(np.array_equal(a[:, shift:], b[:, : side - shift]) for a, b in pairs for shift in range(side))


@pytest.mark.parametrize("exponent", [0.0, 2.0])
def test_surrogates_have_the_covariance_that_they_say(exponent):
    colours = photograph_colours()
    data = power_law_images(20_000, 4, exponent, colours, rng())
    assert data.known_spectrum.shape == (48,)
    np.testing.assert_allclose(spectrum(data.samples), data.known_spectrum, rtol=0.12)
    np.testing.assert_allclose(np.cov(data.samples.reshape(-1, 3).T), colours * data.known_spectrum.sum()
                               / (16 * np.trace(colours)), rtol=0.05)  # fmt: skip
    # Of white noise every place is alike, and three colours are what their covariance is.
    if exponent == 0:
        of_colours = participation_ratio(np.linalg.eigvalsh(colours))
        assert participation_ratio(data.known_spectrum) == pytest.approx(16 * of_colours)


def test_surrogates_of_a_steeper_spectrum_have_fewer_dimensions():
    known = [participation_ratio(power_law_images(2, 16, a, np.eye(3), rng()).known_spectrum) for a in (0, 1, 2, 3)]
    assert known[0] == pytest.approx(768) and known == sorted(known, reverse=True) and known[3] < 60


def test_white_noise_has_as_many_dimensions_as_channels():
    data = white_noise(50, 30, rng())
    assert data.samples.shape == (50, 30) and participation_ratio(data.known_spectrum) == pytest.approx(30)


def test_the_manual_is_words_with_their_statistics_in_stretches_of_text():
    data = manual(500, rng())
    assert data.samples.shape == (500, 256) and data.there_are > 20_000
    assert (np.diff(data.groups) >= 0).all() and 30 < len(set(data.groups)) <= 40
    assert np.isfinite(data.samples).all() and data.samples.min() == 0 < data.samples.max()
