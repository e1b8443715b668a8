"""Kernels that are kept: whatever they have constants of, or contain, is in the name under which they are kept."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

from eventsim import kernel_cache
from eventsim.grid import kernel


@pytest.mark.parametrize("path", kernel._SHARED.values(), ids=kernel._SHARED)
def test_what_a_shared_module_imports_is_told_by_its_name(path):
    imports = [node.module for node in ast.parse(path.read_text()).body if isinstance(node, ast.ImportFrom)]
    ours = {import_module(name) for name in imports if name.startswith("eventsim")}
    assert ours and ours <= set(kernel_cache._OURS)


def test_another_text_of_what_kernels_contain_is_another_name(monkeypatch):
    before = kernel_cache._path("source", "grid")
    assert before == kernel_cache._path("source", "grid") != kernel_cache._path("source 2", "grid")
    monkeypatch.setattr(kernel_cache, "getsource", lambda module: f"# {Path(module.__file__).read_text()}")
    assert kernel_cache._path("source", "grid") != before
