"""Plain text as samples: each is the vector of the word at one place of the text.

Vectors come from a file that the user names, or else from the text itself: row w of the positive pointwise mutual
information between words and their neighbours,

    max(0, ln P(w, c) / (P(w) P(c))),     c one of the most frequent words, at most `WINDOW` words away.

Frequent words recur among the samples as often as in the text, as they do among the inputs of a language model.
Samples from one stretch of the text belong together.

Source: Church and Hanks 1990, Computational Linguistics 16(1):22; Levy and Goldberg 2014, NIPS 27 (positive part).
"""

import re
from collections import Counter

import numpy as np

from eventsim.errors import ConfigError
from runs.inputs.bounded import draw, reading
from runs.inputs.data_set import DataSet
from runs.inputs.word_vectors import read_word_vectors

__all__ = ["WINDOW", "data_set", "read", "recognises"]

#: Words on either side that count as neighbours, and how many words serve as neighbours (channels).
WINDOW = 4
_CONTEXTS = 256
#: Words that occur less often have no statistics worth a vector.
_RAREST = 10
#: Stretches of the text whose samples belong together.
_STRETCHES = 40

_MOST_BYTES = 64 << 20
_ENDINGS = (".txt", ".text", ".md", ".rst")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def recognises(path):
    """Whether the name of the file ends as a text's does."""
    return path.is_file() and path.suffix.lower() in _ENDINGS


def read(path, most, rng, options):
    """At most `most` places of a text as a DataSet.

    Raises
    ------
    ConfigError
        A file that is not UTF-8 or too long, too few words with a vector, or vectors that cannot be read.
    """
    with reading(path):
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise ConfigError(f"{size:,} bytes long; {_MOST_BYTES:,} are allowed, so take a part")
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ConfigError(f"is not UTF-8 text (byte {error.start:,})") from None
        return data_set("text", text, most, rng, options.embeddings)


def data_set(name, text, most, rng, embeddings=""):
    """At most `most` places of `text` as a DataSet; vectors from the file `embeddings`, or from the text itself."""
    words = _WORD.findall(text.lower())
    vectors, origin = read_word_vectors(embeddings, set(words)) if embeddings else (_statistics(words), "its text")
    places = np.array([place for place, word in enumerate(words) if word in vectors], dtype=np.int64)
    if len(places) < 2:
        raise ConfigError(f"{len(places)} of its {len(words):,} words have a vector in {origin}; at least 2 are needed")
    channels = len(next(iter(vectors.values())))
    places = places[draw(len(places), most, channels, rng)]
    return DataSet(
        name, np.array([vectors[words[place]] for place in places], dtype=float), (channels,), len(words),
        f"the vector of a word at one place of a text, vectors from {origin}", groups=places * _STRETCHES // len(words),
    )  # fmt: skip


def _statistics(words):
    """Word -> its positive pointwise mutual information with each of the most frequent words."""
    counts = Counter(words)
    frequent = [word for word, count in counts.most_common() if count >= _RAREST]
    number = {word: row for row, word in enumerate(frequent)}
    rows = np.array([number.get(word, -1) for word in words], dtype=np.int64)
    together = np.zeros((len(frequent), min(_CONTEXTS, len(frequent))))
    for distance in range(1, WINDOW + 1):
        for word, neighbour in ((rows[:-distance], rows[distance:]), (rows[distance:], rows[:-distance])):
            counted = (word >= 0) & (neighbour >= 0) & (neighbour < together.shape[1])
            np.add.at(together, (word[counted], neighbour[counted]), 1.0)
    return dict(zip(frequent, _positive_information(together)))


def _positive_information(together):
    expected = together.sum(axis=1, keepdims=True) * together.sum(axis=0) / max(1.0, together.sum())
    seen = together > 0
    information = np.zeros_like(together)
    information[seen] = np.log(together[seen] / expected[seen])
    return np.maximum(information, 0.0)
