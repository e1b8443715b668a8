"""Sources of kernels: one file for each text, and for each of what it imports."""

from pathlib import Path

from eventsim import code_cache, kernel_cache, sums


def test_another_text_of_what_a_kernel_imports_is_another_name(monkeypatch):
    source = "from eventsim.grid.counting import count_rows\n"  # which has constants of `eventsim.sums`
    before = kernel_cache._path(source, "grid")
    assert before == kernel_cache._path(source, "grid") != kernel_cache._path(source + "\n", "grid")
    monkeypatch.setattr(kernel_cache, "fingerprint", code_cache.fingerprint.__wrapped__)
    monkeypatch.setattr(code_cache, "_text", lambda path: Path(path).read_text() + "#" * (path == sums.__file__))
    assert kernel_cache._path(source, "grid") != before
