"""Word vectors: lines of a word and its numbers (GloVe's and word2vec's), or .npz with `tokens` and `vectors`."""

from pathlib import Path

import numpy as np

from eventsim.errors import ConfigError
from runs.inputs.arrays import read_array
from runs.inputs.bounded import check_drawn, opened, reading

__all__ = ["read_word_vectors"]

#: Bytes of the longest line: some ten thousand numbers.
_LONGEST_LINE = 1 << 18


def read_word_vectors(path, wanted):
    """The vectors of those of the wanted words that the file has.

    Parameters
    ----------
    path : path
        Lines of text, plain or compressed by gzip, perhaps after one with the number of words and of channels; or .npz.
    wanted : set of str
        Lower-case words.

    Returns
    -------
    (dict of str to (D,) float64, str)
        The vectors, and the file's name.

    Raises
    ------
    ConfigError
        Lines of different lengths, what is no number, no finite number, or arrays that do not fit each other.
    """
    path = Path(path)
    with reading(path):
        found = _from_arrays(path, wanted) if path.suffix == ".npz" else _from_lines(path, wanted)
        if not all(np.isfinite(vector).all() for vector in found.values()):
            raise ConfigError("holds numbers that are not finite")
    return found, path.name


def _from_arrays(path, wanted):
    tokens, vectors = read_array(path, "tokens", 1, kinds="U"), read_array(path, "vectors", 2)
    if tokens.ndim != 1 or vectors.ndim != 2 or len(tokens) != len(vectors):
        raise ConfigError(f"tokens of shape {tokens.shape} and vectors of {vectors.shape}; one token a row is needed")
    return {word: vectors[row].astype(float) for row, word in enumerate(tokens.tolist()) if word in wanted}


def _from_lines(path, wanted):
    stream, _ = opened(path)
    found, channels = {}, None
    with stream:
        for number, line in enumerate(_lines(stream), 1):
            word, *numbers = line.rstrip().split(" ")
            if number == 1 and len(numbers) == 1:
                continue  # word2vec's: how many words, how many channels
            channels = channels or len(numbers)
            if len(numbers) != channels or not channels:
                raise ConfigError(f"line {number}: {len(numbers)} numbers after the word; line 1 has {channels}")
            if word in wanted:
                check_drawn(len(found) + 1, channels)
                found[word] = _numbers(numbers, number)
    return found


def _lines(stream):
    for raw in iter(lambda: stream.readline(_LONGEST_LINE + 1), b""):
        if len(raw) > _LONGEST_LINE:
            raise ConfigError(f"a line is longer than {_LONGEST_LINE:,} bytes; give one word and its numbers a line")
        yield raw.decode("utf-8", errors="replace")


def _numbers(texts, line):
    try:
        return np.array([float(text) for text in texts])
    except ValueError as error:
        raise ConfigError(f"line {line}: {error}") from None
