"""A claim or an objection, what was run for it, and what became of it."""

from dataclasses import dataclass

__all__ = ["ANSWERED", "FAILS", "HOLDS", "OPEN", "STANDS", "UNDER", "Claim", "interval"]

#: What can become of a claim.
HOLDS, UNDER, FAILS, OPEN = "holds", "holds under conditions", "fails", "stays open"

#: What can become of an objection: it is answered here, or it stands.
ANSWERED, STANDS = "answered here", "stands"


@dataclass(frozen=True, eq=False)
class Claim:
    """One claim with its evidence.

    Parameters
    ----------
    name : str
        A few words.
    says : str
        The claim, or the objection.
    verdict : str
        HOLDS, UNDER, FAILS or OPEN; of an objection ANSWERED or STANDS.
    short : str
        Why, in one sentence with figures.
    ran : str
        What was run.
    found : tuple of str
        What came out, with intervals.
    assumes : str
        Under which assumptions it holds, fails or stays open.
    parts : tuple of analysis.report.Figure and Table
    elsewhere : tuple of str
        What cannot be had here, and the command that runs it on a user's own copy.
    pages : tuple of str
        Experiments whose full pages lie in folders beside this one.
    """

    name: str
    says: str
    verdict: str
    short: str
    ran: str
    found: tuple[str, ...]
    assumes: str
    parts: tuple = ()
    elsewhere: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()

    def to_json(self):
        """Mapping of plain types, without figures."""
        return {name: value if isinstance(value, str) else list(value)
                for name, value in vars(self).items() if name != "parts"}  # fmt: skip


def interval(value, low, high, digits=3):
    """A value with its 95 % interval."""
    return f"{value:.{digits}g} [{low:.{digits}g}, {high:.{digits}g}]"
