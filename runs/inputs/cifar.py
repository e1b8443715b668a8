"""CIFAR-10 and CIFAR-100 in their binary version: records of label bytes and 3 x 32 x 32 pixels, one after another.

Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images"; layout: the data sets' own page.
"""

from dataclasses import dataclass

import numpy as np

from eventsim.errors import ConfigError
from runs.inputs.bounded import draw, reading, take_rows
from runs.inputs.data_set import DataSet

__all__ = ["CIFAR10", "CIFAR100", "Cifar"]

_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
#: Records whose labels are looked at to tell the two data sets, and other files, apart.
_LOOKED_AT = 100


@dataclass(frozen=True)
class Cifar:
    """One of the two data sets.

    Parameters
    ----------
    name : str
    classes : tuple of int
        Number of classes that each label byte of a record tells apart.
    training : tuple of str
        Names of the files that a folder is looked through for.
    """

    name: str
    classes: tuple[int, ...]
    training: tuple[str, ...]

    @property
    def record(self):
        """Bytes of a record."""
        return len(self.classes) + _PIXELS

    def recognises(self, path):
        """Whether this folder has a training file of that name, or this file the size and first labels."""
        return bool(self._files(path)) and (path.is_dir() or self._fault(path) is None)

    def read(self, path, most, rng, options):
        """At most `most` images as a DataSet; pixels from 0 to 1.

        Raises
        ------
        ConfigError
            A folder without training files, a file whose size is no multiple of the record, a label out of range.
        """
        files = self._files(path)
        if not files:
            pickled = " (this is the Python version; take the binary one)" if (path / "data_batch_1").exists() else ""
            raise ConfigError(f"{path}: holds none of {', '.join(self.training)}{pickled}")
        for file in files:
            if fault := self._fault(file):
                raise ConfigError(f"{file}: {fault}")
        counts = [file.stat().st_size // self.record for file in files]
        starts = np.cumsum([0, *counts])
        chosen = draw(starts[-1], most, _PIXELS, rng)
        rows = [self._rows(file, chosen[(chosen >= start) & (chosen < start + count)] - start)
                for file, start, count in zip(files, starts, counts)]  # fmt: skip
        pixels = np.concatenate(rows)[:, len(self.classes) :]
        return DataSet(self.name, pixels / 255, _SHAPE, int(starts[-1]), "an image of 32 x 32 pixels in 3 colours")

    def _files(self, path):
        if not path.is_dir():
            return [path]
        return [path / name for name in self.training if (path / name).is_file()]

    def _rows(self, file, chosen):
        with reading(file), file.open("rb") as stream:
            rows = take_rows(stream, 0, self.record, chosen)
        if fault := self._wrong_label(rows):
            raise ConfigError(f"{file}: {fault}")
        return rows

    def _fault(self, file):
        """What is wrong with a file as seen from its size and first labels; None if nothing is."""
        with reading(file):
            size = file.stat().st_size
            if not size or size % self.record:
                return f"{size:,} bytes are no multiple of a record's {self.record:,} in {self.name}'s binary version"
            with file.open("rb") as stream:
                return self._wrong_label(take_rows(stream, 0, self.record, range(min(_LOOKED_AT, size // self.record))))

    def _wrong_label(self, rows):
        for place, classes in enumerate(self.classes):
            if rows[:, place].max(initial=0) >= classes:
                return f"a label is {rows[:, place].max()}; {self.name} has classes 0 to {classes - 1} in that byte"
        return None


CIFAR10 = Cifar("CIFAR-10", (10,), tuple(f"data_batch_{number}.bin" for number in range(1, 6)))
CIFAR100 = Cifar("CIFAR-100", (20, 100), ("train.bin",))
