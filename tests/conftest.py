"""The same surroundings for every test: no compiler, no screen, no chatter."""

import gc
import os

# Before anything imports matplotlib, and for the processes that tests start.
os.environ["MPLBACKEND"] = "Agg"

import brian2
import hypothesis
import pytest

# The target is part of a seed: numpy and cython draw different numbers. numpy also needs no compiler.
brian2.prefs.codegen.target = "numpy"
brian2.BrianLogger.log_level_error()

# The first call of a kernel compiles it, which no deadline for a single example would survive.
hypothesis.settings.register_profile("eventsim", deadline=None, print_blob=True)
hypothesis.settings.load_profile("eventsim")


@pytest.fixture
def one_millisecond():
    """Brian2's default clock ticks every millisecond, and as before afterwards."""
    before = brian2.defaultclock.dt
    brian2.defaultclock.dt = 1 * brian2.ms
    yield
    brian2.defaultclock.dt = before


@pytest.fixture(autouse=True)
def a_default_clock_that_no_test_leaves_changed():
    """Brian2's default clock is global: whatever a test makes of it, the next one finds it as Brian2 has it."""
    yield
    brian2.defaultclock.dt = 0.1 * brian2.ms


def pytest_collection_finish():
    """Brian2 collects garbage at the start of each run: what is there by now stays, and is not looked through again."""
    gc.collect()
    gc.freeze()


def pytest_runtest_teardown(item, nextitem):
    """The same of what the tests of a file leave."""
    if nextitem is None or nextitem.path != item.path:
        pytest_collection_finish()
