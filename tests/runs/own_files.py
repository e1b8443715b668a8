"""Small files of every format that users bring, written by other means than those that read them."""

import gzip
import io
import struct

import numpy as np
from PIL import Image

RNG = np.random.default_rng(0)
CIFAR_PIXELS = RNG.integers(0, 256, (7, 3, 32, 32), dtype=np.uint8)
MNIST_PIXELS = RNG.integers(0, 256, (9, 5, 4), dtype=np.uint8)
NUMBERS = RNG.standard_normal((11, 3, 2))
PICTURES = RNG.integers(0, 256, (4, 20, 12, 3), dtype=np.uint8)
TEXT = "The cat sat; the dog didn't. " * 30
VECTORS = {"the": [1.0, 0.0], "cat": [0.0, 2.0], "dog": [3.0, 1.0], "unseen": [9.0, 9.0]}


def cifar(labels, records=CIFAR_PIXELS):
    """CIFAR records, each after these label bytes."""
    return b"".join(bytes(labels) + record.tobytes() for record in records)


def idx(array=MNIST_PIXELS, code=0x08):
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


def npy(array=NUMBERS):
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def picture(form, pixels=PICTURES[0]):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def vectors_as_text():
    return "".join(f"{word} {' '.join(map(str, vector))}\n" for word, vector in VECTORS.items())


def image_folder(folder, form="PNG", ending="png"):
    for number, pixels in enumerate(PICTURES):
        place = folder / f"class{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.{ending}").write_bytes(picture(form, pixels))
    return folder


def bomb(*axes):
    """An IDX file of bytes with these axes, and a gibibyte of zeros in a megabyte, whatever the axes."""
    zeros = gzip.compress(bytes(64 << 20))
    return gzip.compress(struct.pack(f">HBB{len(axes)}I", 0, 8, len(axes), *axes)) + 16 * zeros


#: Name of a file, its format, and its content: what `test_damaged_files` damages.
SOUND = {
    "data_batch_1.bin": ("cifar10", cifar([3])),
    "train.bin": ("cifar100", cifar([19, 99])),
    "images-idx3-ubyte": ("idx", idx()),
    "images-idx3-ubyte.gz": ("idx", gzip.compress(idx())),
    "x.npy": ("array", npy()),
    "x.npz": ("array", npz(x=NUMBERS)),
    "text.txt": ("text", TEXT.encode()),
}
