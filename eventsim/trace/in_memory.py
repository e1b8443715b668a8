"""A trace that stays in memory: groups and columns, read as those of h5py are, and made when one is first asked for.

An HDF5 file in memory took longer to make than most runs of a circuit last, and the rows of counts of a full chip half
as long as the run, whether anybody wanted them or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventsim.compiled_network import CompiledNetwork

__all__ = ["Column", "Group", "InMemory"]


class Column:
    """One of them, with as much of `h5py.Dataset` as readers use; what is read from it is the caller's own.

    Parameters
    ----------
    arrays : mapping or Made
    name : str
    """

    def __init__(self, arrays, name):
        self._arrays, self._name = arrays, name

    @property
    def _array(self):
        return self._arrays[self._name]

    @property
    def dtype(self):
        return self._array.dtype

    @property
    def shape(self):
        return self._array.shape

    @property
    def size(self):
        return self._array.size

    def __len__(self):
        return self._array.size

    def __getitem__(self, rows):
        return self._array[rows].copy()


class Group(Mapping):
    """Columns by name, of which slashes make groups within groups, with as much of `h5py.Group` as readers use.

    Parameters
    ----------
    columns : mapping of str to Column
        By their full names.
    prefix : str
        What the full names of this group's own begin with.
    """

    def __init__(self, columns, prefix=""):
        self._columns, self._prefix = columns, prefix

    def __getitem__(self, name) -> Any:
        full = self._prefix + name
        if full in self._columns:
            return self._columns[full]
        if any(other.startswith(f"{full}/") for other in self._columns):
            return Group(self._columns, f"{full}/")
        raise KeyError(full)

    def __iter__(self):
        start = len(self._prefix)
        below = (name[start:] for name in self._columns if name.startswith(self._prefix))
        return iter(dict.fromkeys(name.partition("/")[0] for name in below))

    def __len__(self):
        return sum(1 for _ in self)

    def close(self):
        """Let go of everything."""
        self._columns = {}


@dataclass(frozen=True, eq=False)
class InMemory:
    """What a run left in memory; nobody else can reach it.

    Parameters
    ----------
    file : Group
        As on disk, but without network, stimulus and manifest.
    network : CompiledNetwork
        That was run; its default stimulus is the one of the run.
    manifest : dict
        Without the hashes of what the file holds.
    """

    file: Group
    network: CompiledNetwork
    manifest: dict
