"""What the tests of the project's shape share: where it lies, and which of its files people wrote."""

from pathlib import Path

import pytest

#: Made by tools or by runs, never by people.
_MADE = {"__pycache__", "out", "build", "dist"}

#: Everything people write is text; a recorded result in another format is not read here.
_TEXT = {
    "", ".cfg", ".css", ".csv", ".html", ".j2", ".jinja", ".js", ".json", ".md", ".py", ".sh", ".svg", ".toml", ".txt",
    ".yml",
}  # fmt: skip


@pytest.fixture(scope="session")
def root():
    """The folder that holds pyproject.toml."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def written_files(root):
    """Every text file of the project."""
    return sorted(path for path in _walk(root) if path.suffix in _TEXT)


def _walk(folder):
    for path in folder.iterdir():
        if path.is_dir():
            hidden = path.name.startswith(".") and path.name != ".ci"
            if not hidden and path.name not in _MADE and path.suffix != ".egg-info":
                yield from _walk(path)
        else:
            yield path
