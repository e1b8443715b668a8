"""Figures: published numbers as they were printed, each with its source and how it was come by."""

from decimal import Decimal
from fractions import Fraction
from typing import Literal

import msgspec

__all__ = ["Claim", "Count", "Figure", "How", "Read", "UNITS", "unit_of"]

#: How the publication came by a number. "unverified": nobody published it, or it was not checked.
How = Literal["simulated", "measured", "fitted", "derived", "unverified"]

#: How whoever wrote the file came to know it: by running the program, in the publication, in a text that quotes it
#: with table and page, in its abstract, from somebody who reports it, or from memory.
Read = Literal["run", "publication", "quoted", "abstract", "reported", "memory"]

#: Ending of a key -> the unit of the number under it.
UNITS = {
    "pj": "pJ", "fj": "fJ", "uj": "uJ", "ns": "ns", "us": "us", "ms": "ms", "hz": "Hz", "mw": "mW", "uw": "uW",
    "v": "V", "kb": "KB", "bit": "bit", "ratio": "ratio", "count": "",
}  # fmt: skip


def unit_of(key):
    """The unit that a key ends in, as it is written; None when it ends in none. "_per_chip" may follow the unit."""
    return UNITS.get(key.removesuffix("_per_chip").rpartition("_")[2])


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement without a number, and where it is published."""

    source: str
    how: How
    read: Read | None = None


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published whole number."""

    value: int
    source: str
    how: How
    read: Read | None = None


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published number, as printed; its unit ends the key it is found under."""

    value: Decimal
    source: str
    how: How
    read: Read | None = None

    @property
    def exact(self):
        """The number as a Fraction."""
        return Fraction(self.value)
