"""A NIR file, which anybody may have written, becomes a nir.NIRGraph."""

import h5py

from circuits.errors import require
from circuits.nir.package import nir_package
from eventsim.trace.guard import MOST_TEXT, refusing
from eventsim.trace.quarantine import open_foreign

__all__ = ["read_graph"]


def read_graph(source):
    """The graph in a file, its structure checked before a value is read; or a graph as it is.

    Raises
    ------
    ConfigError
        When there is no such file.
    TraceFormatError
        When it is no NIR file, is damaged, or holds what a NIR file does not need.
    CircuitError
        When it is neither a file nor a graph.
    """
    nir = nir_package()
    if isinstance(source, nir.NIRGraph):
        return source
    require(isinstance(source, str) or hasattr(source, "__fspath__"),
            f"a {type(source).__name__} is neither a nir.NIRGraph nor the path of a NIR file")  # fmt: skip
    name = str(source)
    with open_foreign(source, dimensions=5, text=True) as file, refusing(name):
        root = file.get("node")
        if not isinstance(root, h5py.Group):
            raise ValueError("it has no group /node, so it is no NIR file")
        graph = _graph(_Reader().group(root), nir)
    return graph


def _graph(document, nir):
    if document.get("type") != "NIRGraph":
        raise ValueError(f"its root is a {document.get('type')}, no NIRGraph")
    _check_types(document, nir)
    try:
        return nir.dict2NIRNode(document | {"type_check": False})
    except AssertionError as error:
        raise ValueError(str(error) or "a node's parameters do not fit") from None


def _check_types(document, nir):
    for name, node in document.get("nodes", {}).items():
        kind = node.get("type") if isinstance(node, dict) else None
        known = isinstance(kind, str) and isinstance(getattr(nir, kind, None), type)
        if not (known and issubclass(getattr(nir, kind), nir.NIRNode)):
            raise ValueError(f"node '{name}' is of type {kind!r}, which NIR has not")
        if kind == "NIRGraph":
            _check_types(node, nir)


class _Reader:
    """Groups as dicts; text is read piece by piece, so that no repetition of it can fill the memory."""

    def __init__(self):
        self.left = MOST_TEXT

    def group(self, group):
        return {name: self.group(item) if isinstance(item, h5py.Group) else self._value(item)
                for name, item in group.items() if name != "metadata"}  # fmt: skip

    def _value(self, dataset):
        if h5py.check_string_dtype(dataset.dtype) is None:
            return dataset[()]
        if dataset.ndim == 0:
            return self._text(dataset[()])
        if dataset.ndim != 2:
            raise ValueError(f"'{dataset.name}' is text of {dataset.ndim} dimensions")
        rows, columns = dataset.shape
        return [tuple(self._text(dataset[i, j]) for j in range(columns)) for i in range(rows)]

    def _text(self, value):
        self.left -= len(value)
        if self.left < 0:
            raise ValueError(f"it holds more than {MOST_TEXT:,} characters of names")
        return value.decode("utf8") if isinstance(value, bytes) else str(value)
