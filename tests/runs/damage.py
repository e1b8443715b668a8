"""Reads randomly damaged files in a process of little memory and prints, as JSON, what came of it.

python -m tests.runs.damage FOLDER TRIALS
"""

import json
import re
import resource
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from eventsim.errors import EventSimError
from runs.inputs import Options, read_own
from tests.runs.own_files import SOUND, TEXT, VECTORS, npz, picture, vectors_as_text

#: What a damaged file may cost beyond what the process takes anyway.
ALLOWED_BYTES = 400 << 20

CASES = {
    **{name: (form, name, content) for name, (form, content) in SOUND.items()},
    **{f"image.{ending}": ("images", f"class0/a.{ending}", picture(form))
       for form, ending in (("PNG", "png"), ("JPEG", "jpg"), ("BMP", "bmp"), ("PPM", "ppm"))},
    "vectors.vec": ("text", "vectors.vec", vectors_as_text().encode()),
    "vectors.npz": ("text", "vectors.npz", npz(tokens=np.array([*VECTORS]), vectors=np.array([*VECTORS.values()]))),
}  # fmt: skip


def damaged(content, rng):
    """A copy with bytes changed, cut, doubled or put in; half of the time near the beginning, where headers are."""
    data = bytearray(content)
    reach = min(len(data), 64) if rng.random() < 0.5 else len(data)
    at, size = int(rng.integers(reach)), int(rng.integers(1, 9))
    kind = rng.integers(6)
    if kind == 0:
        data[at : at + size] = rng.bytes(size)
    elif kind == 1:
        data[at : at + size] = bytes([rng.choice([0, 1, 0x7F, 0xFF])]) * size
    elif kind == 2:
        del data[at:]
    elif kind == 3:
        data[at:at] = rng.bytes(size)
    elif kind == 4:
        data[at:at] = data[at : at + 64 * size]
    else:
        digits = [place for place, byte in enumerate(data) if chr(byte).isdigit()] or [at]
        data[int(rng.choice(digits))] = int(rng.choice(list(b"0123456789-e")))
    return bytes(data)


def outcome(folder, form, name, content):
    """What reading gives: "read", or the words of the refusal that matter; anything else is raised."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    read, options = path, Options(side=8)
    if form == "images":
        read = folder
    if name.startswith("vectors"):
        read, options = folder / "a.txt", Options(embeddings=str(path))
        read.write_text(TEXT)
    try:
        assert np.isfinite(read_own(read, form, most=50, options=options).samples).all()
    except EventSimError as error:
        text = str(error)
        assert str(folder) in text and "\n" not in text, text
        assert not re.search(r"allocate|MemoryError", text), text
        return "refused"
    return "read"


def main(folder, trials):
    """Damage and read; the memory that the process may map is what it has now and a little more."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + ALLOWED_BYTES,) * 2)
    found = {}
    for number, (case, (form, name, content)) in enumerate(CASES.items()):
        rng = np.random.default_rng([7, number])
        place = folder / str(number)
        found[case] = Counter(outcome(place, form, name, damaged(content, rng)) for _ in range(trials))
        assert outcome(place, form, name, content) == "read", case
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
