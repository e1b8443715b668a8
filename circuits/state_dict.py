"""StateDict: the arrays of a trained model by name, read from a file and taken one by one until none is left over."""

import os
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from circuits.arguments import checked, of
from circuits.errors import require
from circuits.maps import BatchNorm
from eventsim.trace.guard import allowed_bytes

__all__ = ["StateDict", "read_state"]

#: Entries that PyTorch stores and that no inference uses.
_UNUSED = ("num_batches_tracked",)

#: What numpy and zipfile raise on damaged .npz files.
_DAMAGE = (OSError, ValueError, EOFError, AttributeError, RuntimeError, SyntaxError, MemoryError, tokenize.TokenError,
           zipfile.BadZipFile, zlib.error)  # fmt: skip


@checked(path=of(str, os.PathLike))
def read_state(path):
    """The arrays in a .safetensors or .npz file: dict of name to array.

    Raises
    ------
    CircuitError
        When there is no such file, it is of another kind, or it is damaged.
    """
    path = Path(path)
    require(path.is_file(), f"there is no checkpoint '{path}'")
    require(path.suffix in (".safetensors", ".npz"),
            f"'{path}' is no checkpoint that can be read; save the state_dict as .safetensors or .npz")  # fmt: skip
    return _safetensors(path) if path.suffix == ".safetensors" else _npz(path)


def _npz(path):
    try:
        with zipfile.ZipFile(path) as archive:
            expanded = sum(entry.file_size for entry in archive.infolist())
        allowed = allowed_bytes(path.stat().st_size)
        require(expanded <= allowed, f"'{path}' declares {expanded:,} bytes; {allowed:,} are allowed at its size")
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except _DAMAGE as error:
        require(False, f"'{path}' is not a readable .npz file of plain arrays: {_line(error)}")


def _safetensors(path):
    try:
        return load_file(path)
    except (SafetensorError, OSError, KeyError, TypeError) as error:
        require(False, f"'{path}' is not a readable .safetensors file of numpy types: {_line(error)}")


def _line(error):
    return " ".join(str(error).split())


class StateDict:
    """Entries below a prefix. Each is taken at most once; `finish` refuses what nobody took.

    Parameters
    ----------
    entries : mapping of str to array
    prefix : str
        Such as "block.0.attn."; empty for all.
    eps : float
        Of the batch normalisations.
    ignored : tuple of str
        Entries that the published module stores but does not use: the first parts of their names.
    """

    def __init__(self, entries, prefix="", *, eps=1e-5, ignored=()):
        self.prefix, self.eps = prefix, eps
        self._left = {
            name.removeprefix(prefix): array for name, array in entries.items()
            if name.startswith(prefix) and not name.endswith(_UNUSED)
        }  # fmt: skip
        require(self._left, f"the checkpoint has no entry below '{prefix}'; it begins with: {_some(entries)}")
        for name in [name for name in self._left if name.startswith(tuple(f"{part}." for part in ignored))]:
            del self._left[name]

    def __contains__(self, name):
        return name in self._left

    def take(self, name, *shape):
        """The array of this name as float64; its shape must be `shape`, None being any length.

        Raises
        ------
        CircuitError
            When it is missing, has another shape, or is not finite numbers.
        """
        full = self.prefix + name
        require(
            name in self._left, f"the checkpoint has no '{full}'; below '{self.prefix}' it has: {_some(self._left)}"
        )
        array = np.asarray(self._left.pop(name))
        fits = array.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape))
        require(
            fits,
            f"'{full}' has shape {array.shape}; expected ({', '.join('any' if n is None else str(n) for n in shape)})",
        )
        require(np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer),
                f"'{full}' holds {array.dtype}; it must hold numbers")  # fmt: skip
        require(np.isfinite(array).all(), f"'{full}' has an entry that is not finite")
        return array.astype(np.float64)

    def weight(self, name):
        """(outputs, inputs) of a linear layer or of a convolution with a 1 x 1 kernel."""
        ones = (1,) * (np.ndim(self._left.get(name)) - 2)
        matrix = self.take(name, None, None, *ones)
        return matrix.reshape(matrix.shape[:2])

    def norm(self, name, channels):
        """The batch normalisation stored below `name`."""
        return BatchNorm(*(self.take(f"{name}.{part}", channels)
                           for part in ("weight", "bias", "running_mean", "running_var")), eps=self.eps)  # fmt: skip

    def normed(self, linear, name):
        """A map and the batch normalisation stored below `name`; the map alone where there is none, folded already."""
        if not any(entry.startswith(f"{name}.") for entry in self._left):
            return linear
        return linear.folded(self.norm(name, linear.outputs))

    def finish(self):
        """Raise CircuitError when entries are left that nothing reads."""
        learnt = next((self.prefix + name for name in self._left if name.endswith("lif.w")), None)
        require(learnt is None, f"the checkpoint has '{learnt}', a time constant that was learnt; the neurons of these "
                                "circuits have tau = 2: train with LIFNode(tau=2.0)")  # fmt: skip
        require(not self._left, f"the checkpoint has entries below '{self.prefix}' that nothing here reads: "
                                f"{_some(self._left)}")  # fmt: skip


def _some(names, most=4):
    names = sorted(names)
    return ", ".join(f"'{name}'" for name in names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")
