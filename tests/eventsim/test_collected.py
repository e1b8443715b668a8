"""Rows of counts, as words and as columns."""

import numpy as np

from eventsim.collected import unpacked


def test_words_hold_the_largest_core_and_count():
    """Two ticks, the second without a row; the words as the docstring of `eventsim.collected` has them."""
    words = [5 << 27 | 0 << 3 | 4, (2**36 - 1) << 27 | (2**24 - 1) << 3 | 1, 2**63 | 7, 2**63 | 9]
    columns = unpacked(np.array(words, dtype=np.uint64))
    assert [column.tolist() for column in columns] == [[7, 7], [-1, 2**24 - 2], [4, 1], [5, 2**36 - 1]]
