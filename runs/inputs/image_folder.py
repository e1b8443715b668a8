"""Folders of images, one subfolder for each class, as ImageNet is unpacked."""

import io
import warnings
from contextlib import contextmanager

import numpy as np
from PIL import Image

from eventsim.errors import ConfigError
from runs.inputs.bounded import check_expansion, draw, reading
from runs.inputs.data_set import DataSet

__all__ = ["read", "recognises"]

_ENDINGS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP", ".ppm": "PPM", ".pgm": "PPM"}
#: The only decoders that are let near a file: none of them starts another program or reads another file.
_DECODERS = sorted(set(_ENDINGS.values()))
#: 64 million; Pillow takes 4 bytes for each, twice while it changes them to red, green and blue.
_MOST_PIXELS = 1 << 26
_MOST_BYTES = 128 << 20


def recognises(path):
    """Whether there is an image in a subfolder."""
    return path.is_dir() and next(_images(path), None) is not None


def read(path, most, rng, options):
    """At most `most` images as a DataSet: scaled until the shorter side is `options.side`, cut square, 0 to 1.

    Raises
    ------
    ConfigError
        No image in any subfolder; an image that is damaged, too large, or of another format than its name says.
    """
    files, side = sorted(_images(path)), options.side
    if not files:
        raise ConfigError(f"{path}: no subfolder holds an image ({', '.join(_ENDINGS)})")
    chosen = draw(len(files), most, 3 * side * side, rng)
    samples = np.stack([_pixels(files[index], side) for index in chosen])
    return DataSet("images", samples / 255, (side, side, 3), len(files),
                   f"an image scaled to a shorter side of {side} pixels and cut square, in 3 colours")  # fmt: skip


def _images(path):
    with reading(path):
        for folder in path.iterdir():
            if folder.is_dir():
                yield from (file for file in folder.iterdir() if file.suffix.lower() in _ENDINGS)


def _pixels(file, side):
    """The middle of an image, (side * side * 3,) uint8."""
    with reading(file), _opened(file) as image:
        width, height = image.size
        if width * height > _MOST_PIXELS:
            raise ConfigError(f"{width} x {height} pixels; {_MOST_PIXELS:,} are allowed")
        check_expansion(width * height // 8, file.stat().st_size)  # at the least, a bit for each pixel
        scale = side / min(width, height)
        size = max(side, round(width * scale)), max(side, round(height * scale))
        if size[0] * size[1] > _MOST_PIXELS:
            raise ConfigError(f"{width} x {height} pixels are too narrow to be scaled to a side of {side}")
        scaled = image.convert("RGB").resize(size, Image.Resampling.BOX)
        left, top = (size[0] - side) // 2, (size[1] - side) // 2
        return np.asarray(scaled.crop((left, top, left + side, top + side))).ravel()


@contextmanager
def _opened(file):
    size = file.stat().st_size
    if size > _MOST_BYTES:
        raise ConfigError(f"{size:,} bytes long; {_MOST_BYTES:,} are allowed")
    # From memory, since Pillow asks a file for as many bytes as a damaged length says. Its warnings are of oddities in
    # what an image says of itself beside the pixels.
    with warnings.catch_warnings(action="ignore"):
        try:
            with Image.open(io.BytesIO(file.read_bytes()), formats=_DECODERS) as image:
                yield image
        except Image.DecompressionBombError:
            raise ConfigError(f"too many pixels; {_MOST_PIXELS:,} are allowed") from None
