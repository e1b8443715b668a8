"""Reading files that anybody may have written: sizes are known before memory is taken, and damage is one error."""

import gzip
import struct
import tokenize
import zipfile
import zlib
from contextlib import contextmanager

import numpy as np

from eventsim.errors import ConfigError, EventSimError

__all__ = ["MAX_DRAWN_BYTES", "check_drawn", "check_expansion", "draw", "opened", "reading", "take_rows"]

#: What samples drawn from a file may take in memory, as float64.
MAX_DRAWN_BYTES = 4 << 30

#: What a compressed file or member may expand to: minutes of work at most.
_MAX_EXPANDED_BYTES = 8 << 30

#: Bytes that deflate makes of one at most (zlib's documentation, "Maximum expansion factor").
_DEFLATE_EXPANSION = 1032

#: What the standard library, numpy and Pillow raise on damaged files.
_DAMAGE = (OSError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError, MemoryError,
           RuntimeError, SyntaxError, struct.error, tokenize.TokenError, zlib.error, zipfile.BadZipFile)  # fmt: skip


@contextmanager
def reading(path):
    """Whatever goes wrong with a file becomes one ConfigError that names it."""
    try:
        yield
    except EventSimError as error:
        text = str(error)
        raise ConfigError(text if text.startswith(f"{path}: ") else f"{path}: {text}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from None
    except _DAMAGE as error:
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise ConfigError(f"{path}: damaged ({reason})") from None


def opened(path):
    """The file as a binary stream, expanded on the fly if its first bytes are gzip's; and whether they are."""
    stream = path.open("rb")
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    return (gzip.GzipFile(fileobj=stream), True) if packed else (stream, False)


def check_expansion(claimed, packed):
    """Refuse a claim of `claimed` bytes that `packed` compressed bytes cannot hold, or that is too much in any case."""
    if claimed > _DEFLATE_EXPANSION * packed:
        raise ConfigError(f"says that it holds {claimed:,} bytes, more than {packed:,} compressed bytes can expand to")
    if claimed > _MAX_EXPANDED_BYTES:
        raise ConfigError(f"expands to {claimed:,} bytes; {_MAX_EXPANDED_BYTES:,} are allowed, so unpack it first")


def check_drawn(samples, channels):
    """Refuse samples that take too much memory."""
    if samples * channels * 8 > MAX_DRAWN_BYTES:
        most = max(1, MAX_DRAWN_BYTES // (8 * channels))
        raise ConfigError(f"{samples:,} samples of {channels:,} values take more than {MAX_DRAWN_BYTES >> 30} GiB; "
                          f"draw at most {most:,}, or make them smaller")  # fmt: skip


def draw(there_are, most, channels, rng):
    """Indices of at most `most` of so many samples of so many values, ascending."""
    check_drawn(min(most, there_are), channels)
    return np.sort(rng.choice(there_are, min(most, there_are), replace=False))


def take_rows(stream, start, row_bytes, chosen):
    """The chosen rows of equal length, ascending, as (len(chosen), row_bytes) uint8; others are passed over."""
    rows = np.empty((len(chosen), row_bytes), dtype=np.uint8)
    for place, index in enumerate(chosen):
        stream.seek(start + int(index) * row_bytes)
        row = stream.read(row_bytes)
        if len(row) < row_bytes:
            raise ConfigError(f"ends within sample {index}")
        rows[place] = np.frombuffer(row, dtype=np.uint8)
    return rows
