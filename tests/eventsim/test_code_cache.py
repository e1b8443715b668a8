"""Machine code on disk: nobody gets another's, a damaged one or that of another text."""

import ast
import errno
import json
import subprocess
import sys
from importlib import import_module, util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from eventsim import code_cache
from eventsim.code_cache import cached_njit, fingerprint
from eventsim.grid.source import SHARED
from eventsim.packages import SIBLINGS

ROOT = Path(code_cache.__file__).resolve().parents[1]
MODULES = [path for package in SIBLINGS for path in (ROOT / package).rglob("*.py")]
COMPILED = [path for path in MODULES if "@cached_njit" in path.read_text()]
TEXT = """
from eventsim.code_cache import cached_njit

@cached_njit()
def twice(x):
    return x + x
"""


def fresh(path):
    """The module of that file, as another process has it."""
    spec = util.spec_from_file_location("a_module", path)
    module = sys.modules["a_module"] = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def path(tmp_path):
    (tmp_path / "a_module.py").write_text(TEXT)
    yield tmp_path / "a_module.py"
    sys.modules.pop("a_module", None)


def from_disk(path, x):
    """What `twice` of x is, in a process of its own; and whether its code was on disk."""
    twice = fresh(path).twice
    return twice(x)[0], bool(twice.stats.cache_hits)


REALS, WHOLE = np.array([1.5]), np.array([2**40])


def files(path):
    return sorted(path.parent.rglob("*.nbc"))


_WAITS = """
import sys
import numpy as np
from eventsim import code_cache
from a_module import twice

write = code_cache.write_whole

def wait_and_write(*arguments):
    print("compiled", flush=True)
    sys.stdin.readline()
    write(*arguments)

code_cache.write_whole = wait_and_write
print(twice(np.array({value}))[0])
"""


def test_two_processes_that_compile_at_once_keep_each_its_own(path):
    both = [subprocess.Popen([sys.executable, "-c", _WAITS.format(value=value)], cwd=path.parent, text=True,
                             env={"PYTHONPATH": str(ROOT), "HOME": str(path.parent)},
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE) for value in (REALS, WHOLE)]  # fmt: skip
    assert [process.stdout.readline() for process in both] == ["compiled\n"] * 2  # and neither is on disk
    assert not files(path)
    for process, value in zip(both, (REALS, WHOLE)):
        assert json.loads(process.communicate("\n")[0]) == 2 * value[0]
    assert from_disk(path, REALS) == (3.0, True)
    assert from_disk(path, WHOLE) == (2**41, True)


def test_code_that_says_it_is_for_other_types_is_not_run(path):
    from_disk(path, REALS)
    of_reals = files(path)
    from_disk(path, WHOLE)
    (of_whole,) = set(files(path)) - set(of_reals)
    of_whole.write_bytes(of_reals[0].read_bytes())
    assert from_disk(path, WHOLE) == (2**41, False)
    assert from_disk(path, WHOLE) == (2**41, True)


DAMAGES = {
    "cut": lambda code: code[:-1],
    "empty": lambda code: b"",
    "a byte": lambda code: code[:999] + b"?" + code[1000:],
    "zeros": lambda code: b"\0" * len(code),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_compiled_again(path, damage):
    from_disk(path, REALS)
    (file,) = files(path)
    file.write_bytes(damage(file.read_bytes()))
    assert from_disk(path, REALS) == (3.0, False)
    assert from_disk(path, REALS) == (3.0, True)


def test_another_text_is_compiled_again_in_the_same_file(path):
    from_disk(path, REALS)
    before = files(path)
    path.write_text(TEXT.replace("x + x", "2 * x"))
    code_cache._text.cache_clear()
    assert from_disk(path, REALS) == (3.0, False)
    assert files(path) == before


def test_the_time_of_a_file_tells_nothing(path):
    from_disk(path, REALS)
    path.touch()
    assert from_disk(path, REALS) == (3.0, True)


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "full"), PermissionError(errno.EACCES, "read only")])
def test_where_it_cannot_be_written_nothing_is_lost(path, failure, monkeypatch):
    def fails(file, _):
        file.touch()
        raise failure

    monkeypatch.setattr(Path, "write_bytes", fails)
    assert from_disk(path, REALS) == (3.0, False)
    assert not files(path) and not list(path.parent.rglob("*.tmp"))


def test_a_function_without_a_file_is_compiled_by_each_process():
    names = {}
    exec(TEXT, names)
    assert names["twice"](REALS)[0] == 3.0


def test_it_forgets_when_it_is_told_to(path):
    twice = fresh(path).twice
    twice(REALS)
    assert files(path)
    twice._cache.flush()
    assert not files(path)


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_module_imports_is_told_by_its_fingerprint(path, monkeypatch):
    text = path.read_text()
    for name in SHARED:
        text = text.replace(f"from {{{name}}}", f"from eventsim.grid.{name}")
    before, imported = fingerprint.__wrapped__(text), _imported(text)
    assert before == fingerprint.__wrapped__(text)
    for module in imported:
        _change(module, monkeypatch)
        assert fingerprint.__wrapped__(text) != before, module.__name__


def _change(changed, monkeypatch):
    monkeypatch.setattr(code_cache, "_text", lambda path: Path(path).read_text() + "#" * (path == changed.__file__))


def _imported(text):
    """Modules of ours that a text imports, by Python's own parser, and those that they import from."""
    todo, found = [text], set()
    while todo:
        for node in ast.parse(todo.pop()).body:
            new = set(_named(node)) - found
            found |= new
            todo += [Path(module.__file__).read_text() for module in new]
    return found


def _named(node):
    if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in SIBLINGS:
        module = import_module(node.module)
        yield module
        yield from (thing for alias in node.names if isinstance(thing := getattr(module, alias.name), ModuleType))
    if isinstance(node, ast.Import):
        yield from (import_module(alias.name) for alias in node.names if alias.name.split(".")[0] in SIBLINGS)


def test_all_that_keeps_code_is_known():
    assert len(COMPILED) > 20 and cached_njit.__module__ == code_cache.__name__
