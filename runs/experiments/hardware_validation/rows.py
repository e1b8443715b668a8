"""Rows of known truths: a number that was computed beside one that somebody published."""

from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Row", "Truth", "as_printed", "energy_of", "exactly", "half_a_digit", "in_digits_of",
           "within"]  # fmt: skip

@dataclass(frozen=True)
class Row:
    """One number beside the published one.

    Parameters
    ----------
    quantity, unit, source : str
    computed : Fraction
    published : str
        As printed.
    accepted : str
        What the computed number must be; empty where nothing is claimed.
    holds : bool or None
        Whether it is; None where nothing is claimed.
    """

    quantity: str
    unit: str
    computed: Fraction
    published: str
    source: str
    accepted: str = ""
    holds: bool | None = None

    @property
    def ratio(self):
        return float(self.computed / Fraction(self.published))


@dataclass(frozen=True)
class Truth:
    """A published case, and what became of it here; `limits` says what "as expected" does not mean for it."""

    number: int
    title: str
    text: str
    rows: tuple[Row, ...]
    limits: str = ""


def within(quantity, unit, computed, published, source, low, high):
    """A row that must lie from `low` to `high`."""
    decimals = _decimals(published) + 1
    accepted = f"{float(low):,.{decimals}f} to {float(high):,.{decimals}f} {unit}".strip()
    return Row(quantity, unit, computed, published, source, accepted, low <= computed <= high)


def as_printed(quantity, unit, computed, published, source):
    """A row that must agree to the last digit that was printed."""
    half = half_a_digit(published)
    return within(quantity, unit, computed, published, source, Fraction(published) - half, Fraction(published) + half)


def exactly(quantity, unit, computed, published, source):
    return Row(quantity, unit, computed, published, source, "exactly", computed == Fraction(published))


def half_a_digit(published):
    """Half of the last digit that was printed."""
    return Fraction(1, 2 * 10 ** _decimals(published))


def in_digits_of(published, number):
    """Eight digits of a number as text, and at least as many decimals as were published."""
    return f"{number:,.{max(_decimals(f'{number:.8g}'), _decimals(published))}f}"


def _decimals(text):
    return len(text.partition(".")[2])


def energy_of(report, *terms):
    """Energy of some terms in pJ; of all where none is named."""
    return sum((line.energy_low_pj for line in report.lines if not terms or line.term in terms), Fraction(0))
