"""A soak: runs and audits back to back for minutes; neither memory nor open files grow."""

import gc
import os
import threading
import time
from pathlib import Path

import numpy as np

from analysis.audit import audit
from eventsim import open_trace
from tests.reliability.rows import Row
from tests.reliability.victim import CLOCKS, Victim

__all__ = ["soak"]

#: Growth of the median resident memory from the second quarter of the time to the last that counts as flat.
_MOST_GROWTH = 0.02


def soak(folder, minutes):
    """So many minutes; each turn another network on the other clock, into the same file."""
    turns, end, faults = [], time.monotonic() + 60 * minutes, []
    while time.monotonic() < end or len(turns) < 8:
        k = len(turns)
        victim, path = Victim(k % 50, CLOCKS[k % 2], ticks=400), folder / "soak.h5"
        victim.run(path)
        with open_trace(path) as trace:
            report = audit(trace)
        if not report.passed:
            faults.append(f"turn {k}: {report}")
        turns.append(_resources())
    memory, files, threads = np.array(turns).T
    quarter = len(turns) // 4
    early, late = np.median(memory[quarter : 2 * quarter]), np.median(memory[-quarter:])
    if late > early * (1 + _MOST_GROWTH):
        faults.append(f"memory grew from {early / 1e6:.1f} to {late / 1e6:.1f} MB")
    for what, count in (("files", files), ("threads", threads)):
        if np.median(count[-quarter:]) > np.median(count[quarter : 2 * quarter]):
            faults.append(f"open {what} grew from {count[quarter : 2 * quarter].max()} to {count[-quarter:].max()}")
    return Row(f"a soak of {minutes:g} minutes: runs and audits back to back, memory and open files flat", len(turns),
               tuple(faults), f"memory {(late - early) / early:+.1%} ({early / 1e6:.0f} to {late / 1e6:.0f} MB), "
               f"open files {int(files[0])} to {int(files[-1])}")  # fmt: skip


def _resources():
    """(bytes of resident memory, open files, threads)."""
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resident, len(os.listdir("/proc/self/fd")), threading.active_count()
