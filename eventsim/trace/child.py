"""What stands under a name in an open trace, which may be a group, a column or a type, as the one that it has to be."""

import h5py

from eventsim.errors import TraceFormatError
from eventsim.trace import in_memory

__all__ = ["COLUMN", "GROUP", "column_at", "group_at"]

GROUP = (h5py.Group, in_memory.Group)
COLUMN = (h5py.Dataset, in_memory.Column)


def group_at(parent, name):
    """The group `name` of a file or group; raises TraceFormatError when there is none, or something else."""
    return _child(parent, name, GROUP, "group")


def column_at(parent, name):
    """The column `name` of a file or group; raises TraceFormatError when there is none, or something else."""
    return _child(parent, name, COLUMN, "column")


def _child(parent, name, kinds, called):
    found = parent.get(name)
    if not isinstance(found, kinds):
        raise TraceFormatError(f"'{name}' is missing, or no {called}")
    return found
