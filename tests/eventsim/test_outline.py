"""Functions that are compiled once and called where they stand: also by callers from the cache, of another process."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from numba import njit

from eventsim.outline import outlined


@outlined
@njit
def root(values, k):
    if values[k] < 0:
        raise ValueError("negative")
    return np.sqrt(values[k])


@njit
def twice(values, k):
    return 2 * root(values, k)


@njit
def thrice(values, k):
    return 3 * root(values, k)


def test_callers_share_one_function_and_contain_none():
    values = np.array([4.0, 9.0])
    assert (twice(values, 1), thrice(values, 1)) == (6.0, 9.0)
    assert len(root.outlined.overloads) == 1
    for caller in (twice, thrice):
        (compiled,) = caller.overloads.values()
        assert not [f.name for f in compiled.library.get_defined_functions() if "root" in f.name]


def test_there_is_one_for_each_type_of_argument():
    assert twice(np.array([4.0], np.float32), 0) == 4.0
    assert twice(np.array([9]), 0) == 6.0


def test_an_error_reaches_the_caller():
    with pytest.raises(ValueError, match="negative"):
        twice(np.array([-1.0]), 0)


_MODULE = """
from eventsim.code_cache import cached_njit
from eventsim.outline import outlined

@cached_njit()
def first(x):
    return x

@outlined
@cached_njit()
def inner(x):
    return x + 1

@cached_njit()
def outer(x):
    return 2 * inner(x)
"""
_CALL = """
import json, sys, module
if "other names first" in sys.argv:  # what Numba numbers, and so what it names
    module.first(0.5), module.first(1j), module.first(True)
value = module.outer(3)
print(json.dumps([value, *(sum(f.stats.cache_hits.values()) for f in (module.outer, module.inner.outlined))]))
"""


@pytest.fixture
def call(tmp_path):
    """A function that calls `outer` in a fresh process: its value, and which of outer and inner were in the cache."""
    (tmp_path / "module.py").write_text(_MODULE)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def call(*arguments):
        command = [sys.executable, "-c", _CALL, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return call


def test_a_caller_from_the_cache_finds_what_it_calls(call):
    assert call() == [8, 0, 0]
    assert call() == [8, 1, 1]


def test_a_caller_from_the_cache_finds_a_function_that_was_compiled_again(call, tmp_path):
    call()
    for file in (tmp_path / "cache").rglob("module.inner*"):
        file.unlink()
    assert call("other names first") == [8, 1, 0]
