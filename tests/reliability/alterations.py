"""How a sound file is altered at random: bytes, words of a text, or values of HDF5 with their checksums set right."""

import json
import re

import h5py
import numpy as np

from eventsim.trace.schema import datasets
from tests.runs.damage import damaged

__all__ = ["alter_bytes", "alter_hdf5", "alter_safetensors", "alter_words"]

_NUMBERS = (0, 1, -1, 2, 255, 2**31 - 1, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63), 0.5, -0.0, 1e-320, 1e308, np.nan,
            np.inf, -np.inf)  # fmt: skip

#: What takes the place of a word, a number or a bracket in TOML.
_WORDS = ("0", "-1", "1", "1e400", "-1e308", "nan", "inf", "-inf", "9" * 400, "1979-05-27", "true", "false", '""',
          '"x"', '"../../x"', "[]", "[[]]", "{}", "[" * 3000, "{a={a={a={}}}}", "\x00", "\ud7ff", "'''", "=", "#",
          "0x", "1_0", "[1, 'a', {}]", "12:00:00", '"\\u0000"', '"' + "k" * 5000 + '"')  # fmt: skip

_JSON = (None, True, False, 0, -1, 1e308, 2**63, -(2**63), 10**400, "", "x", "../../x", "\0", [], {}, [[]], [None],
         {"a": {}}, "v" * 3000, "1 +" * 500 + "1", "__import__('os')", "F64")  # fmt: skip


def alter_bytes(path, rng):
    """Bytes changed, cut, doubled or put in."""
    path.write_bytes(damaged(path.read_bytes(), rng))


def alter_words(path, rng):
    """One to three words, numbers or brackets of a text replaced, lines swapped or doubled; or bytes as above."""
    if rng.random() < 0.3:
        return alter_bytes(path, rng)
    text = path.read_text(encoding="utf-8")
    for _ in range(rng.integers(1, 4)):
        if rng.random() < 0.2:
            lines = text.split("\n")
            a, b = rng.integers(len(lines), size=2)
            lines[a] = lines[b]
            text = "\n".join(lines)
        else:
            tokens = list(re.finditer(r'"[^"\n]*"|[\w.+-]+|[][{}=,]', text))
            if not tokens:
                break
            token = tokens[rng.integers(len(tokens))]
            text = text[: token.start()] + _WORDS[rng.integers(len(_WORDS))] + text[token.end() :]
    path.write_bytes(text.encode("utf-8", errors="replace"))
    return None


def alter_safetensors(path, rng):
    """The JSON in front or the numbers behind it; or bytes as above."""
    if rng.random() < 0.4:
        return alter_bytes(path, rng)
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + size]), bytearray(content[8 + size :])
    if rng.random() < 0.6:
        header = _json_altered(header, rng)
    else:
        at = int(rng.integers(len(data) // 4)) * 4
        data[at : at + 4] = np.float32(_NUMBERS[rng.integers(len(_NUMBERS))]).tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return None


def _json_altered(document, rng):
    """A copy with one leaf, key or branch replaced, doubled or removed."""
    places = list(_places(document))
    if not places:
        return document
    parent, key = places[rng.integers(len(places))]
    kind = rng.integers(3)
    if kind == 0 and isinstance(parent, dict):
        parent[f"{key}x"] = parent.pop(key)
    elif kind == 1:
        del parent[key]
    else:
        parent[key] = _JSON[rng.integers(len(_JSON))]
    return document


def _places(node):
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield node, key
        yield from _places(value)


def alter_hdf5(path, rng, libver=("v110", "v110")):
    """One to three columns, texts, attributes or links; or, one time in three, bytes as above."""
    if rng.random() < 1 / 3:
        return alter_bytes(path, rng)
    with h5py.File(path, "r+", libver=libver) as file:
        for _ in range(rng.integers(1, 4)):
            columns = sorted(datasets(file))
            if not columns:
                break
            name = columns[rng.integers(len(columns))]
            _ALTER[rng.integers(len(_ALTER))](file, name, rng)
    return None


def _entry(file, name, rng):
    values = np.atleast_1d(file[name][()])
    if values.dtype == np.uint8 and values.size > 20 and values.tobytes()[:1] in (b"{", b"["):
        text = json.dumps(_json_altered(json.loads(values.tobytes()), rng)).encode()
        return _replace(file, name, np.frombuffer(text, np.uint8))
    if values.dtype.kind not in "iuf":
        return _replace(file, name, np.array([b"x" * int(rng.integers(1, 99))]))
    for _ in range(rng.integers(1, 4)):
        if values.size:
            number = _NUMBERS[rng.integers(len(_NUMBERS))]
            with np.errstate(all="ignore"):
                values.flat[rng.integers(values.size)] = np.array([number]).astype(values.dtype)[0]
    return _replace(file, name, values.reshape(file[name].shape))


def _length(file, name, rng):
    values = np.atleast_1d(file[name][()])
    size = int(rng.choice([0, 1, values.size - 1, values.size + 1, 2 * values.size]))
    return _replace(file, name, np.resize(values, max(size, 0)))


def _type(file, name, rng):
    dtype = str(rng.choice(["<i1", "<i8", "<u8", "<f4", "<f8", ">i4", "S4"]))
    with np.errstate(all="ignore"):
        try:
            return _replace(file, name, np.asarray(file[name][()]).astype(dtype))
        except (TypeError, ValueError):
            return None


def _order(file, name, rng):
    values = np.atleast_1d(file[name][()])
    return _replace(file, name, rng.permutation(values) if rng.random() < 0.5 else values[::-1])


def _gone(file, name, rng):
    parts = name.split("/")
    del file["/".join(parts[: int(rng.integers(1, len(parts) + 1))])]


def _moved(file, name, rng):
    place = f"{name.rpartition('/')[0]}/{rng.choice(['x', '9', 'timestamps', 'ticks', 'synapse', 'count'])}"
    if place not in file:
        file.move(name, place)


def _attribute(file, name, rng):
    thing = file[name] if rng.random() < 0.5 else file[name].parent
    names = [*thing.attrs, "units", "sorting", "type", "node_population"]
    value = [np.nan, -1, "x", b"\xff", np.arange(5), np.array(["a", "b"], dtype="S1")][rng.integers(6)]
    thing.attrs[names[rng.integers(len(names))]] = value


def _replace(file, name, values):
    del file[name]
    file.create_dataset(name, data=values)


_ALTER = (_entry, _entry, _entry, _length, _type, _order, _gone, _moved, _attribute)


