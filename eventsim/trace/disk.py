"""HDF5 files on a disk that may be full.

HDF5 cannot close a file whose last blocks it cannot write: the file and whatever is open in it stay half alive, and
crash the process when it ends. So it writes through a file object that keeps the error to itself until HDF5 is done.
"""

from contextlib import contextmanager

import h5py

__all__ = ["CHUNK_BYTES", "create"]

#: A chunk of a column takes as much at most, and of each column that is written HDF5 holds one: with its default of
#: 1 MiB, a merge of fifteen columns took 20 MB more.
CHUNK_BYTES = 1 << 19

#: HDF5 1.10 of 2016, the first format that checksums everything about a column as fletcher32 does its values. In
#: the older ones a flipped bit in a filter's settings gives wrong values without an error.
_FORMAT = ("v110", "v110")


@contextmanager
def create(path):
    """A new, empty HDF5 file, open for writing.

    Raises
    ------
    OSError
        At the end, when something could not be written.
    """
    with _Disk(path) as disk:
        try:
            with h5py.File(disk, "w", libver=_FORMAT, rdcc_nbytes=CHUNK_BYTES) as file:
                yield file
        finally:
            disk.tell_error()


class _Disk:
    """A file as HDF5 needs it; after an error it takes everything and writes nothing."""

    def __init__(self, path):
        self._file, self._error = open(path, "w+b", buffering=0), None  # noqa: SIM115 - closed by __exit__

    def tell_error(self):
        """Raise the first error, if there was one."""
        if self._error is not None:
            raise self._error from None

    def _attempt(self, action, *arguments):
        if self._error is None:
            try:
                return action(*arguments)
            except OSError as error:
                self._error = error
        return None

    def write(self, data):
        self._attempt(self._write_all, memoryview(data))
        return len(data)

    def _write_all(self, rest):
        while rest:
            rest = rest[self._file.write(rest) :]

    def truncate(self, size):
        self._attempt(self._file.truncate, size)
        return size

    def read(self, size=-1):
        return self._file.read(size)

    def readinto(self, buffer):
        return self._file.readinto(buffer)

    def seek(self, *arguments):
        return self._file.seek(*arguments)

    def tell(self):
        return self._file.tell()

    def flush(self):
        """Nothing is buffered."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
