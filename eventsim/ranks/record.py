"""What one rank writes: segments like those of any run, and totals up to some of their ends."""

import os

import numpy as np

from eventsim.arrays import take
from eventsim.memory import taken_bytes
from eventsim.trace.background import Background
from eventsim.trace.disk import create
from eventsim.trace.guard import open_checked, refusing
from eventsim.trace.schema import MESSAGE_COLUMNS, SEGMENT_COLUMNS, read_arrays, store
from eventsim.trace.segments import SegmentFolder, durably, read_segment

__all__ = ["TOTALS", "RankRecord", "kept_segments", "read_rank_segment", "read_totals"]

#: What a rank counted up to a tick: of its own neurons, and of the pathways that end on them; the places of its values
#: in a sample; seconds that it took to load, to run and to meet; its memory, now and at most;
#: how many synapses and mirrors it holds.
TOTALS = {
    "tick": np.int64, "own": np.int32, "received_count": np.int64, "received_weight": np.float64,
    "pathways": np.int64, "delivered": np.int64, "columns": np.int64, "seconds": np.float64, "taken_bytes": np.int64,
    "held": np.int64, **MESSAGE_COLUMNS,
}  # fmt: skip

_KEPT = 3  # totals that stay: ranks are never further apart than one


class RankRecord:
    """The segments and totals of a rank.

    Ranks write a segment each at the same ticks. At some of them they also keep their totals: a trace can be made up to
    there, whatever happens later.

    Parameters
    ----------
    folder : Path
    rank : int
    share : Share
    columns : sequence of int
        Places of this rank's values in a sample.
    """

    def __init__(self, folder, rank, share, columns):
        self._folder, self._share, self._columns = folder, share, columns
        self._segments = SegmentFolder(folder, {"rank": rank, "pid": os.getpid()})
        self._background, self._held, self._n, self._kept = Background(self._segments), [], 0, []

    def hold(self, columns):
        """Keep columns in memory until the next `write`."""
        self._held.append(columns)

    def write(self, columns):
        """One segment of everything since the last; one without content too, for all ranks count them alike."""
        held, self._held = [*self._held, columns], []
        segment = {
            name: np.concatenate([np.empty(0, dtype), *(part[name] for part in held if name in part)])
            for name, dtype in SEGMENT_COLUMNS.items()
        }
        self._background.append(lambda: segment)
        self._n += 1

    def keep(self, tick, totals, seconds):
        """Write the totals at the end of the last segment, once that is on disk; raises EnvironmentProblem."""
        n_mirrors = self._share.sources.size + self._share.mirrored.size
        arrays = {name: values for name, values in totals.items() if name != "messages"}
        arrays |= {name: totals["messages"][name] for name in MESSAGE_COLUMNS}
        arrays |= {"seconds": seconds, "taken_bytes": taken_bytes()}
        arrays["held"] = [sum(p.size for p in self._share.network.pathways), n_mirrors]
        arrays |= {"tick": tick, "own": self._share.own, "pathways": self._share.pathways,
                           "columns": self._columns}  # fmt: skip
        self._background.settle()
        path = self._folder / f"totals-{self._n:06d}.h5"
        with durably(path) as temporary, create(temporary) as file:
            for name, values in arrays.items():
                store(file, name, np.atleast_1d(np.asarray(values, dtype=TOTALS[name])))
        self._kept.append(path)
        for older in self._kept[:-_KEPT]:
            older.unlink(missing_ok=True)

    def close(self):
        """Nothing more will be written."""
        self._background.abandon()


def kept_segments(folders):
    """Segments up to whose end all ranks kept their totals, the most there are; 0 when there are none."""
    found = [{int(path.stem.removeprefix("totals-")) for path in folder.glob("totals-*.h5")} for folder in folders]
    return max(set.intersection(*found), default=0)


def read_rank_segment(folder, k):
    """The columns of a rank's segment k, as SEGMENT_COLUMNS names them; raises TraceFormatError when damaged."""
    return read_segment(folder / f"segment-{k:06d}.h5")


def read_totals(folder, n):
    """What a rank kept at the end of its n-th segment, as TOTALS names it; raises TraceFormatError when damaged."""
    path = folder / f"totals-{n:06d}.h5"
    with open_checked(path, str(path)) as file, refusing(str(path)):
        arrays = read_arrays(file)
        return {name: take(arrays, name, dtype) for name, dtype in TOTALS.items()}
