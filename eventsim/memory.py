"""Memory that something needs, refused before it is taken where there is not so much."""

import os
from pathlib import Path

from eventsim.arguments import whole_number
from eventsim.errors import CapacityError

__all__ = ["available_bytes", "require_memory", "taken_bytes"]

#: Linux: what can be had without swapping, and the limit of a container with what it uses of it (cgroups, version 2).
_MEMINFO, _LIMIT, _USED = (
    Path("/proc/meminfo"),
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory.current"),
)


def available_bytes():
    """Bytes of memory that this process can still have, as far as the system says; None where it says nothing."""
    found = [_free_in_container(), _free_on_machine()]
    return min((bytes_ for bytes_ in found if bytes_ is not None), default=None)


def require_memory(needs, max_bytes=None, remedy="make the network smaller, or max_bytes larger"):
    """Raise CapacityError when the bytes in `needs` are more than there are.

    Parameters
    ----------
    needs : mapping of str to int
        What for -> bytes.
    max_bytes : int, optional
        What there is; what the machine has available if left out.
    remedy : str
        How to get along with less.
    """
    allowed = available_bytes() if max_bytes is None else whole_number("max_bytes", max_bytes, 0)
    total = sum(needs.values())
    if allowed is not None and total > allowed:
        largest = sorted(needs.items(), key=lambda need: -need[1])[:3]
        purposes = ", ".join(f"{what} {size:,}" for what, size in largest)
        where = "this machine's available memory" if max_bytes is None else "max_bytes"
        raise CapacityError("memory, in bytes,", where, total, allowed, f"the most is for {purposes}; {remedy}")


def taken_bytes(process="self"):
    """(now, most so far): bytes of memory that a process, this one or that of a number, has taken.

    Zeros where there is no /proc to tell, or no such process any longer.
    """
    try:
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
        return tuple(int(lines[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    except (OSError, ValueError, KeyError, IndexError):
        return 0, 0


def _free_in_container():
    try:
        limit = _LIMIT.read_text().strip()
        return None if limit == "max" else max(0, int(limit) - int(_USED.read_text()))
    except (OSError, ValueError):
        return None


def _free_on_machine():
    try:
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
