"""The random numbers: the published answers, the same bits everywhere, and the distribution they promise."""

import importlib.util
import shutil

import brian2
import numpy as np
import pytest
from brian2 import NeuronGroup, ms
from numba import njit
from scipy import stats

import eventsim
from eventsim.philox import philox4x32, uniform, uniform_array

_FULL = 0xFFFFFFFF
_PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0)


@pytest.mark.parametrize(
    "words, answer",
    [
        ((0,) * 6, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((_FULL,) * 6, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (_PI, (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_the_known_answers_of_random123_hold(words, answer):
    made = philox4x32(*(np.array(word, dtype=np.uint64) for word in words))
    assert tuple(int(word) for word in made) == answer


def _plain_python(c0, c1, c2, c3, k0, k1):
    """Ten rounds in integers without a width: the definition, written once more."""
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & _FULL, (p0 >> 32) ^ c3 ^ k1, p0 & _FULL
        k0, k1 = (k0 + 0x9E3779B9) & _FULL, (k1 + 0xBB67AE85) & _FULL
    return c0, c1, c2, c3


def _hard_arguments():
    rng = np.random.default_rng(0)
    edges = np.array([-(2**31), -1, 0, 1, 2**31 - 1])
    lo, hi = (np.concatenate([np.repeat(edges, 5), rng.integers(-(2**31), 2**31, 200)]) for _ in range(2))
    step = np.concatenate([np.tile([0, 2**32 - 1, 2**32, 2**40 + 7, 3], 5), rng.integers(0, 2**45, 200)])
    return lo.astype(np.int32), hi.astype(np.int32), step


def test_the_number_is_the_upper_27_and_26_bits_of_the_block():
    lo, hi, step = _hard_arguments()
    expected = []
    for k0, k1, t in zip(lo.tolist(), hi.tolist(), step.tolist()):
        w0, w1, _, _ = _plain_python(t & _FULL, t >> 32, 5, 9, k0 & _FULL, k1 & _FULL)
        expected.append(((w0 >> 5) * 2**26 + (w1 >> 6) + 0.5) / 2**53)
    assert uniform_array(lo, hi, step, 5, 9).tolist() == expected


def test_the_compiled_number_is_the_array_s_bit_for_bit():
    lo, hi, step = _hard_arguments()

    @njit
    def one_by_one(lo, hi, step, out):
        for k in range(lo.size):
            out[k] = uniform(lo[k], hi[k], step[k], 2, 2147483647)

    for dtype in (np.int32, np.int64):
        out = np.empty(step.size)
        one_by_one(lo.astype(dtype), hi.astype(dtype), step, out)
        assert out.tobytes() == uniform_array(lo, hi, step, 2, 2147483647).tobytes()


def test_keys_and_seeds_beyond_32_bits_wrap_and_every_argument_matters():
    base = uniform_array(1, 2, 3, 4, 5)
    assert uniform_array(1 + 2**32, 2, 3, 4, 5) == uniform_array(1, 2 - 2**32, 3, 4, 5) == base
    assert uniform_array(1, 2, 3 + 2**32, 4, 5) != base
    changed = [uniform_array(*(value + (k == at) for k, value in enumerate((1, 2, 3, 4, 5)))) for at in range(5)]
    assert len({float(base), *map(float, changed)}) == 6


def test_many_numbers_are_uniform_in_the_open_interval():
    draws = uniform_array(np.arange(1000)[:, None], 7, np.arange(1000), 0, 0).ravel()
    assert 0 < draws.min() and draws.max() < 1
    assert abs(draws.mean() - 0.5) < 5 * np.sqrt(1 / 12 / draws.size)
    assert abs(draws.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / draws.size)
    assert stats.kstest(draws, "uniform").pvalue > 1e-4
    assert stats.kstest(draws**1.01, "uniform").pvalue < 1e-4  # the test would see a distribution that is 1 % off


@pytest.mark.parametrize(
    "lag", [(0, 1, 0, 0), (1, 0, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)], ids=["hi", "lo", "step", "seed"]
)
def test_streams_of_neighbours_are_independent(lag):
    key, step = np.arange(400)[:, None], np.arange(500)
    here = uniform_array(key, 0, step, 0, 0).ravel()
    there = uniform_array(key + lag[0], lag[1], step + lag[2], 0, lag[3]).ravel()
    assert abs(np.corrcoef(here, there)[0, 1]) < 5 / np.sqrt(here.size)
    table = np.histogram2d(here, there, bins=8)[0]
    assert stats.chisquare(table.ravel()).pvalue > 1e-4


def _brian2_draws(target):
    lo, hi = np.array([-(2**31), -1, 0, 5, 2**31 - 1]), np.array([3, -7, 0, -(2**31), 2**31 - 1])
    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = target
    try:
        group = NeuronGroup(
            5, "x : 1\nlo : integer (constant)\nhi : integer (constant)", dt=1 * ms,
            namespace={"keyed_uniform": eventsim.keyed_uniform},
        )  # fmt: skip
        group.lo, group.hi = lo, hi
        group.run_regularly("x = keyed_uniform(lo, hi, t_in_timesteps, 3, 11)")
        monitor = brian2.StateMonitor(group, "x", record=True, when="end")
        brian2.Network(group, monitor).run(50 * ms)
    finally:
        brian2.prefs.codegen.target = before
    return np.asarray(monitor.x), uniform_array(lo[:, None], hi[:, None], np.arange(50), 3, 11)


def test_brian2_on_its_numpy_target_draws_the_same_numbers():
    drawn, expected = _brian2_draws("numpy")
    assert drawn.tobytes() == expected.tobytes()


@pytest.mark.optional
def test_brian2_on_its_compiled_target_draws_the_same_numbers():
    if not _has_compiler():
        pytest.skip("needs a C++ compiler and Cython")
    drawn, expected = _brian2_draws("cython")
    assert drawn.tobytes() == expected.tobytes()


def _has_compiler():
    return importlib.util.find_spec("Cython") is not None and any(map(shutil.which, ("c++", "g++", "clang++")))
