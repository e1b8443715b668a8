"""Any network gives the same spikes and the same final state by Brian2, by the kernel, and by the reference."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import eventsim
from eventsim.reference import reference_run
from tests.support.brian2_runs import by_brian2, by_eventsim
from tests.support.random_networks import STRUCTURES, TICKS, TO_LAST_BIT, draw_network

#: Structures of the quick tests: each kernel takes seconds to compile when it is first met.
FEW = ("refractory_by_neuron", "several_clocks", "spikes_of_the_target", "places_in_the_tick", "several_effects",
       "keyed_noise")  # fmt: skip
#: Networks of each structure, 18 with the quick tests and 621 with the slow ones.
QUICK, SLOW = 3, 27


@pytest.fixture(autouse=True)
def _without_brian2s_log(caplog):
    """Brian2 logs the code that it generates, and pytest would keep all of it."""
    caplog.set_level("ERROR", logger="brian2")


def differences(ours, theirs, to_last_bit):
    """What differs between two runs: an empty list, or what a reader of a failure wants to know."""
    found = []
    if ours.spikes != theirs.spikes:
        found.append(f"spikes {sorted(set(ours.spikes) ^ set(theirs.spikes))[:5]}")
    assert ours.state.keys() == theirs.state.keys()
    for place, values in theirs.state.items():
        mine, other = np.asarray(ours.state[place]), np.asarray(values)
        if to_last_bit and mine.tobytes() != other.tobytes():
            found.append(f"bits of {place}: {mine} {other}")
        if not np.allclose(mine, other, rtol=1e-12, atol=1e-12):
            found.append(f"{place}: {mine} {other}")
    return found


def check(structure, examples, phases):
    """Draw networks of one structure and compare the three runs of each."""
    spikes = []

    @settings(max_examples=examples, phases=phases, derandomize=True, database=None)
    @given(n=st.integers(1, 30), n_synapses=st.integers(0, 200), seed=st.integers(0, 2**31 - 1))
    def every_network(n, n_synapses, seed):
        network = draw_network(structure, n, n_synapses, seed)
        compiled = eventsim.compile_network(network, namespace={})
        by_kernel = by_eventsim(compiled, TICKS)
        reference = reference_run(compiled, compiled.stimulus.lasting(TICKS))
        by_reference = replace(by_kernel, spikes=sorted(reference.spikes), state=reference.state)
        theirs = by_brian2(network, compiled, TICKS)
        to_last_bit = structure in TO_LAST_BIT
        assert differences(by_kernel, theirs, to_last_bit) == []
        assert differences(by_reference, theirs, to_last_bit) == []
        spikes.append(len(theirs.spikes))

    every_network()
    assert len(spikes) == examples
    assert sum(spikes) > 30 * examples  # the generator alone gives about 60 each


@pytest.mark.parametrize("structure", FEW)
def test_a_few_random_networks_give_the_same_by_brian2_kernel_and_reference(structure):
    check(structure, QUICK, [Phase.generate])


@pytest.mark.slow
@pytest.mark.parametrize("structure", STRUCTURES)
def test_random_networks_give_the_same_by_brian2_kernel_and_reference(structure):
    check(structure, SLOW, [Phase.generate, Phase.shrink])


# -- the comparison fails on a network that is slightly different


def _unguarded(network):
    return {"populations": tuple(replace(p, guards={}) for p in network.populations)}


def _one_clock(network):
    return {"schedule": tuple(replace(operation, every=1) for operation in network.schedule)}


def _later_tables(network):
    return {"tables": tuple(replace(t, values=np.roll(t.values, t.n_columns)) for t in network.tables)}


def _resets_first(network):
    resets = [operation for operation in network.schedule if operation.kind == "reset"]
    others = [operation for operation in network.schedule if operation.kind not in ("reset", "deliver")]
    return {"schedule": (*others, *resets, *(o for o in network.schedule if o.kind == "deliver"))}


@pytest.mark.parametrize(
    "structure, edit",
    [("refractory_by_neuron", _unguarded), ("several_clocks", _one_clock), ("timed_arrays", _later_tables),
     ("places_in_the_tick", _resets_first)],
)  # fmt: skip
def test_a_network_that_is_slightly_different_is_told_apart(structure, edit):
    network = draw_network(structure, 20, 150, 3)
    compiled = eventsim.compile_network(network, namespace={})
    theirs = by_brian2(network, compiled, TICKS)
    for changes, expected in (({}, False), (edit(compiled), True)):
        reference = reference_run(replace(compiled, **changes), compiled.stimulus.lasting(TICKS))
        ours = replace(theirs, spikes=sorted(reference.spikes), state=reference.state)
        assert bool(differences(ours, theirs, to_last_bit=True)) is expected
