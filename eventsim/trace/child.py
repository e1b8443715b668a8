"""What stands under a name in an HDF5 file, which may be a group, a dataset or a type, as the one that it has to be."""

from typing import TypeVar

import h5py

from eventsim.errors import TraceFormatError

__all__ = ["child"]

_Kind = TypeVar("_Kind", h5py.Group, h5py.Dataset)


def child(parent: h5py.Group, name: str, kind: type[_Kind]) -> _Kind:
    """The group or dataset `name` of a file or group; raises TraceFormatError when there is none, or something else."""
    found = parent.get(name)
    if not isinstance(found, kind):
        raise TraceFormatError(f"'{name}' is missing, or no {kind.__name__.lower()}")
    return found
