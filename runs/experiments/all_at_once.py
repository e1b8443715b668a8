"""Results that take the place of older ones together, where a run may be refused after it has written some of them."""

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["all_at_once"]


@contextmanager
def all_at_once(folder):
    """A folder to write to; at the end its files go to `folder`, where older ones stay if anything is refused."""
    with TemporaryDirectory(prefix="unfinished-", dir=folder) as fresh:
        yield Path(fresh)
        for path in Path(fresh).iterdir():
            path.replace(folder / path.name)
