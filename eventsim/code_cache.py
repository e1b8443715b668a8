"""Machine code that is kept on disk, one file for each function and each types of arguments.

Numba's own cache numbers its files by an index that it reads and writes without a lock: of two processes that compile
one function for two kinds of network at once, each may write the same file, and the next one runs the code of another
kind. And it compiles again when the function's own file has changed, not when one has that the function imports from.

Here there is no index. A file is written whole, is named after the types, says inside for which it is, and is taken
only if its checksum tells that it is undamaged and of this text: of the function's module, of every module of ours that
this one imports from, and so on.
"""

import inspect
import pickle
import platform
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite
import numba
import numpy as np
from numba import njit
from numba.core.caching import FunctionCache
from numba.core.serialize import dumps

from eventsim.packages import SIBLINGS

__all__ = ["cached_njit", "fingerprint", "write_whole"]

_VERSIONS = f"{platform.python_version()} {numba.__version__} {llvmlite.__version__} {np.__version__}"
_IMPORT = re.compile(r"^(?:from|import) ([\w.]+)(?: import (\([^)]*\)|.*))?", re.MULTILINE)
_DIGEST_BYTES = 32


def cached_njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit`, without the interpreter's lock, whose machine code the next process finds on disk.

    Where no folder can be written, or the function has no file, it is compiled by each process.

    Parameters
    ----------
    options
        Of `numba.njit`.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        dispatcher: Any = njit(nogil=True, **options)(function)
        with suppress(RuntimeError, OSError):  # Numba knows no folder for it; it has no text
            dispatcher._cache = _CodeCache(function)
        return dispatcher

    return compiled


class _CodeCache(FunctionCache):
    """What a dispatcher of Numba asks for code, and gives it to: in the folders, and by the keys, that Numba has."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._stamp = fingerprint(_text(inspect.getfile(function))).encode()

    def _load_overload(self, sig: Any, target_context: Any) -> Any:
        key = self._index_key(sig, target_context.codegen())
        try:
            content = self._path(key).read_bytes()
        except OSError:
            return None
        digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if digest != self._digest(body):
            return None
        its_key, code = pickle.loads(body)
        return self._impl.rebuild(target_context, code) if its_key == key else None

    def _save_overload(self, sig: Any, data: Any) -> None:
        if not self._impl.check_cachable(data):
            return
        key = self._index_key(sig, data.codegen)
        body = dumps((key, self._impl.reduce(data)))
        with suppress(OSError):  # a full disk keeps nothing, and hinders nothing
            self._impl.locator.ensure_cache_path()
            write_whole(self._path(key), self._digest(body) + body)

    def flush(self) -> None:
        """Forget the code for all types."""
        for path in Path(self.cache_path).glob(f"{self._impl.filename_base}.*.nbc"):
            path.unlink(missing_ok=True)

    def _path(self, key: Any) -> Path:
        types_and_processor = sha256(str(key[:2]).encode()).hexdigest()[:24]
        return Path(self.cache_path) / f"{self._impl.filename_base}.{types_and_processor}.nbc"

    def _digest(self, body: bytes) -> bytes:
        return sha256(self._stamp + body).digest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that whoever reads it, and whoever writes it too, finds all of one content.

    Raises
    ------
    OSError
    """
    temporary = path.with_suffix(f".{uuid.uuid4().hex[:16]}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@cache
def fingerprint(text: str) -> str:
    """What tells a module from any other that is compiled differently: 64 hexadecimal digits.

    Parameters
    ----------
    text : str
        Of the module. What it imports at its top level counts, and what that imports; of packages that are not ours
        their versions do.
    """
    imported: dict[str, str] = {}
    _read_imports(text, imported)
    parts = [_VERSIONS, text, *(f"{name}\n{imported[name]}" for name in sorted(imported))]
    return sha256("\0".join(parts).encode()).hexdigest()


def _read_imports(text: str, imported: dict[str, str]) -> None:
    for module in _imports(text):
        if module.__name__ not in imported:
            imported[module.__name__] = _text(inspect.getfile(module))
            _read_imports(imported[module.__name__], imported)


def _imports(text: str) -> Iterator[ModuleType]:
    """Modules of ours that a text imports, or imports from."""
    for name, names in _IMPORT.findall(text):
        if name.partition(".")[0] in SIBLINGS:
            module = import_module(name)
            yield module
            things = (getattr(module, thing, None) for thing in re.findall(r"\w+", names))
            yield from (thing for thing in things if isinstance(thing, ModuleType))


@cache
def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")
