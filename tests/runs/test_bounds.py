"""bounds: files beside a trace that cannot be what they are given as."""

import numpy as np
import pytest

from eventsim.errors import ConfigError
from runs.bounds import bounds_of_trace


@pytest.mark.parametrize("answers", [np.array(["a", "b"]), np.array([0.5, 1.0]), np.array([np.nan, 1.0])])
def test_answers_in_a_file_that_are_no_whole_numbers_are_refused(tmp_path, answers):
    np.save(tmp_path / "answers.npy", answers)
    with pytest.raises(ConfigError, match="classes are whole numbers"):
        bounds_of_trace("never opened", answers=tmp_path / "answers.npy")
