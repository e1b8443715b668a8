"""Rows of known truths: a number that was computed beside one that somebody published."""

from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Row", "Truth", "as_printed", "energy_of", "exactly"]


@dataclass(frozen=True)
class Row:
    """One number beside the published one.

    Parameters
    ----------
    quantity, unit, source : str
    computed : Fraction
    published : str
        As printed.
    holds : bool or None
        Whether it came out as it must; None where nothing is claimed.
    """

    quantity: str
    unit: str
    computed: Fraction
    published: str
    source: str
    holds: bool | None = None

    @property
    def ratio(self):
        return float(self.computed / Fraction(self.published))


@dataclass(frozen=True)
class Truth:
    """A published case, and what became of it here."""

    number: int
    title: str
    text: str
    rows: tuple[Row, ...]


def as_printed(quantity, unit, computed, published, source):
    """A row that must agree to the last digit that was printed."""
    digits = len(published.partition(".")[2])
    return Row(quantity, unit, computed, published, source, round(computed, digits) == Fraction(published))


def exactly(quantity, unit, computed, published, source):
    return Row(quantity, unit, computed, published, source, computed == Fraction(published))


def energy_of(report, *terms):
    """Energy of some terms in pJ; of all where none is named."""
    return sum((line.energy_low_pj for line in report.lines if not terms or line.term in terms), Fraction(0))
