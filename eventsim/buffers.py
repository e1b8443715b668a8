"""What a run may hold of its trace in memory before it is on disk."""

from typing import NamedTuple

from eventsim.arguments import number_above_zero

__all__ = ["BufferSizes", "buffer_sizes"]

#: Bytes that each takes while it is gathered and, once more, while its segment is written: a spike, a word of counts (8
#: gathered; 8 copied, and 21 made for the disk of each of the eight rows that it may hold), a sampled value and its
#: share of the tick, a delivery (4 gathered; 4 copied and 4 sorted).
_SPIKE, _WORD, _VALUE, _DELIVERY = 24, 8 + 8 + 8 * 21, 16, 12

#: Shares of the memory, for what is recorded.
_SHARES = {"spikes": 1, "rows": 1, "samples": 1, "deliveries": 4}


class BufferSizes(NamedTuple):
    """Spikes, words of counts, samples and deliveries that are gathered before a segment is written.

    A tick is never cut: up to one tick more may be gathered.
    """

    spikes: int = 1 << 20
    rows: int = 1 << 20
    samples: int = 1 << 14
    deliveries: int = 1 << 22


def buffer_sizes(buffer_mb, n_recorded=0, records_events=False):
    """Sizes that together take a number of megabytes.

    Parameters
    ----------
    buffer_mb : float
        For what is gathered and for the segment that is being written.
    n_recorded : int
        Values in a sample.
    records_events : bool

    Raises
    ------
    ConfigError
        When that is no room at all.
    """
    buffer_mb = number_above_zero("buffer_mb", buffer_mb, 1e9)
    used = {"spikes", "rows"} | ({"samples"} if n_recorded else set()) | ({"deliveries"} if records_events else set())
    share = buffer_mb * 1e6 / sum(_SHARES[kind] for kind in used)
    row = {"spikes": _SPIKE, "rows": _WORD, "samples": _VALUE * (1 + n_recorded), "deliveries": _DELIVERY}
    return BufferSizes(**{
        kind: max(1, int(_SHARES[kind] * share / size)) if kind in used else 0 for kind, size in row.items()
    })  # fmt: skip
