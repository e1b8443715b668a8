"""How far a sweep is, on a terminal; elsewhere nothing."""

import sys
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

__all__ = ["counting"]


class _Rate(ProgressColumn):
    """Points per minute since the sweep began."""

    def render(self, task):
        rate = 60 * task.completed / task.elapsed if task.elapsed else 0.0
        return Text(f"{rate:.3g} a minute")


@contextmanager
def counting(total):
    """Give a function to call after each point, with its name and what went wrong, or None."""
    console = Console(stderr=True)
    left = TimeRemainingColumn(), TextColumn("left")
    columns = TextColumn("points"), BarColumn(), MofNCompleteColumn(), _Rate(), *left
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=total)

        def done(name, error):
            bar.advance(task)
            if error is not None and not bar.disable:
                bar.console.print(f"failed: {name}: {error}", markup=False, highlight=False)

        yield done
