"""Row: one promise, how often it was put to the test, and what came of it; and the table of all."""

from dataclasses import dataclass

__all__ = ["Row", "table"]


@dataclass(frozen=True)
class Row:
    """What a measurement found.

    Parameters
    ----------
    what : str
        The promise.
    tried : int
        How often it was tried.
    faults : sequence of str
        Each breach in words.
    worst : str
        The worst figure seen.
    """

    what: str
    tried: int
    faults: tuple
    worst: str


def table(rows):
    """The rows as a table in Markdown."""
    lines = ["| what is promised | tried | failures | worst figure |", "|---|--:|--:|---|"]
    lines += [f"| {row.what} | {row.tried:,} | {len(row.faults)} | {row.worst} |" for row in rows]
    return "\n".join(lines)
