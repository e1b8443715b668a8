"""Stimulus: what it accepts, what it refuses, and that storing it changes nothing."""

import numpy as np
import pytest

from eventsim.errors import ConfigError, TraceFormatError
from eventsim.stimulus import RESETS, Stimulus


def _stimulus(**options):
    return Stimulus.of([5, 0, 5, 9], [1, 3, 0, 2], [[0, 4], [4, 10]], [70, 71], "host", **options)


def test_spikes_are_sorted_by_tick_and_neuron_and_the_duration_covers_everything():
    made = _stimulus()
    assert made.tick.tolist() == [0, 5, 5, 9] and made.neuron.tolist() == [3, 0, 1, 2]
    assert made.tick.dtype == np.int64 and made.neuron.dtype == np.int32
    assert made.duration_ticks == 10 and made.n_queries == 2
    assert Stimulus.of([3], [0]).duration_ticks == 4
    assert Stimulus.of([3], [0], [[0, 20]]).duration_ticks == 20
    assert Stimulus.silent().duration_ticks == 0


def test_queries_are_a_table():
    assert _stimulus().queries().to_dict("list") == {"start_tick": [0, 4], "stop_tick": [4, 10], "input_id": [70, 71]}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([1], [0, 1]), "2 neurons"),
        (([[1]], [[0]]), "tick is int64 of shape"),
        (([-1], [0]), "outside ticks"),
        (([3, 3], [7, 7]), "neuron 7 at tick 3"),
        (([0], [0], [[0, 5], [4, 9]]), "overlap"),
        (([0], [0], [[5, 4]]), "overlap"),
        (([0], [0], [[-1, 4]]), "overlap or lie outside"),
        (([0], [0], [[0, 5]], [1, 2]), "differ in length"),
        (([0], [0], (), None, "magic"), "'magic' is unknown"),
        (([8], [0], (), None, "none", 8), "outside ticks 0 to 7"),
        (([0], [0], [[0, 9]], None, "none", 8), "outside the run"),
        (([], [], (), None, "none", 10**400), "4611686018427387903 are allowed"),
        (([], [], (), None, "none", -1), "lasts -1 ticks"),
    ],
)
def test_an_inconsistent_stimulus_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Stimulus.of(*arguments)


def test_lasting_cuts_later_spikes_or_adds_silence_and_leaves_the_original_alone():
    made = Stimulus.of([0, 5, 9], [0, 0, 0])
    assert made.lasting(9).tick.tolist() == [0, 5] and made.lasting(9).duration_ticks == 9
    assert made.lasting(50).tick.tolist() == [0, 5, 9] and made.lasting(50).duration_ticks == 50
    assert made.duration_ticks == 10
    with pytest.raises(ConfigError, match="outside the run"):
        _stimulus().lasting(9)


def test_a_stored_stimulus_is_the_same_stimulus():
    made = _stimulus()
    back = Stimulus.from_arrays(made.to_arrays())
    assert back.hash == made.hash and back.reset == "host" and back.input_id.tolist() == [70, 71]
    assert all(array.ndim == 1 for array in made.to_arrays().values())


def test_the_hash_depends_on_every_part():
    variants = [
        _stimulus(), _stimulus(duration_ticks=11), Stimulus.of([5, 0, 5, 9], [1, 3, 0, 2], [[0, 4], [4, 10]], [70, 71]),
        Stimulus.of([5, 0, 5, 9], [1, 3, 0, 2], [[0, 4], [4, 10]], [70, 72], "host"),
        Stimulus.of([5, 0, 5, 9], [1, 3, 0, 4], [[0, 4], [4, 10]], [70, 71], "host"),
        Stimulus.of([5, 0, 5, 9], [1, 3, 0, 2], [[0, 4], [5, 10]], [70, 71], "host"),
    ]  # fmt: skip
    assert len({variant.hash for variant in variants}) == len(variants)
    assert _stimulus().hash == _stimulus().hash
    assert set(RESETS) == {"none", "spikes", "host"}


@pytest.mark.parametrize("missing", ["tick", "neuron", "query_start", "query_stop", "input_id", "header"])
def test_a_missing_column_is_named(missing):
    arrays = {name: values for name, values in _stimulus().to_arrays().items() if name != missing}
    with pytest.raises(TraceFormatError, match=f"'{missing}' is missing"):
        Stimulus.from_arrays(arrays)


def test_columns_of_another_kind_or_order_are_refused():
    arrays = _stimulus().to_arrays()
    with pytest.raises(TraceFormatError, match="dtype"):
        Stimulus.from_arrays(arrays | {"tick": arrays["tick"].astype(float)})
    with pytest.raises(ConfigError, match="out of order"):
        Stimulus.from_arrays(arrays | {"tick": arrays["tick"][::-1].copy()})
