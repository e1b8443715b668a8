"""What HDF5 lets anybody put into a file and no trace needs: for each, words of its refusal and how it is put there."""

import zlib

import h5py
import numpy as np

__all__ = ["LINKS", "STORAGE", "TYPES", "low_level", "virtual"]


def low_level(file, name, dtype=h5py.h5t.NATIVE_INT64, entries=4, chunk=4, **settings):
    """A dataset with settings that h5py's own interface does not offer."""
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk((chunk,))
    for setting, calls in settings.items():
        for arguments in calls:
            getattr(creation, setting)(*arguments)
    space = h5py.h5s.create_simple((entries,))
    return h5py.h5d.create(file.id, name.encode(), dtype, space, dcpl=creation)


def virtual(file):
    layout = h5py.VirtualLayout(shape=(4,), dtype="i8")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "x", shape=(4,))
    file.create_virtual_dataset("v", layout)


def bomb(file):
    """512 MiB of zeros in half a megabyte."""
    entries, chunk = 1 << 26, 1 << 21
    dataset = low_level(file, "bomb", entries=entries, chunk=chunk, set_deflate=[(9,)])
    packed = zlib.compress(bytes(8 * chunk), 9)
    for start in range(0, entries, chunk):
        dataset.write_direct_chunk((start,), packed)


def nest(file):
    file.create_group("/".join("abcdefghij"))


LINKS = {
    "an external link": lambda f: f.__setitem__("x", h5py.ExternalLink("other.h5", "/x")),
    "a soft link": lambda f: f.__setitem__("x", h5py.SoftLink("/spikes")),
    "a second name": lambda f: f.__setitem__("x", f["eventsim/delivered"]),
    "a second name of": lambda f: f["spikes"].__setitem__("loop", f["spikes"]),
    "deeper than 8": nest,
    "longer than 1024": lambda f: f.create_group("n" * 2000),
    "neither a group": lambda f: f.__setitem__("x", np.dtype("i8")),
}

STORAGE = {
    "virtual": virtual,
    "outside the file": lambda f: f.create_dataset("x", shape=(8,), dtype="u1", external=[("/etc/hostname", 0, 8)]),
    "declares 140,": lambda f: f.create_dataset("x", shape=(140 * 10**12,), dtype="u1", chunks=(1 << 26,)),
    "declares 1,400,": lambda f: f.create_dataset("x", shape=(1_400_000_000,), dtype="u1"),
    "declares 536,": bomb,
    "chunks of 67,108,872": lambda f: low_level(f, "x", entries=1 << 24, chunk=(1 << 23) + 1),
    "chunks; 1,048,576 are": lambda f: low_level(f, "x", entries=(1 << 20) + 1, chunk=1),
    r"filters \[32000\]": lambda f: f.create_dataset("x", data=np.arange(4), compression="lzf"),
    r"filters \[1, 1\]": lambda f: low_level(f, "x", set_deflate=[(9,), (9,)]),
    r"filters \[6\]": lambda f: f.create_dataset("x", data=np.arange(4), scaleoffset=0),
}

TYPES = {
    "object": lambda f: f.create_dataset("x", data=["text"], dtype=h5py.string_dtype()),
    "reference": lambda f: f.create_dataset("x", shape=(1,), dtype=h5py.ref_dtype),
    "compound": lambda f: f.create_dataset("x", shape=(1,), dtype=[("a", "i8"), ("b", "f8")]),
    "string": lambda f: f.create_dataset("x", data=np.array([b"abc"])),
    "vlen": lambda f: f.create_dataset("x", shape=(1,), dtype=h5py.vlen_dtype("i8")),
    "opaque": lambda f: f.create_dataset("x", shape=(1,), dtype="V8"),
    "array": lambda f: low_level(f, "x", h5py.h5t.array_create(h5py.h5t.NATIVE_INT64, (1000,))),
    "long double": lambda f: f.create_dataset("x", shape=(1,), dtype=np.longdouble),
}
