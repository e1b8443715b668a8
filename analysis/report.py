"""One self-contained HTML page out of sections: verdicts first, then figures and tables with their words."""

import base64
import io
import os
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

__all__ = ["Figure", "Section", "Table", "Verdict", "write_report"]

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Verdict:
    """A question, the answer in a few words, and whether it came out as it should (None: no judgement).

    `mark` replaces the words "as it should" or "not as it should", or stands alone where there is no judgement.
    """

    question: str
    answer: str
    good: bool | None = None
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; `align` holds one of l, r for each column."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    align: str = ""


@dataclass(frozen=True, eq=False)
class Figure:
    """A matplotlib figure and the sentence that says what to see in it."""

    figure: object
    caption: str

    @property
    def png(self):
        """The picture as base64 text; the figure is left as it was."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=130, bbox_inches="tight")
        return base64.b64encode(buffer.getvalue()).decode()


@dataclass(frozen=True)
class Section:
    """A heading, paragraphs of plain text, and figures and tables below them."""

    title: str
    text: tuple[str, ...] = ()
    parts: tuple = ()


def write_report(path, title, lead, verdicts, sections, footer=""):
    """Write the page, whole or not at all.

    Parameters
    ----------
    path : path
    title, lead, footer : str
        Plain text; everything is escaped.
    verdicts : sequence of Verdict
    sections : sequence of Section
    """
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    environment.tests["figure"] = lambda part: isinstance(part, Figure)
    page = environment.get_template("report.html").render(
        title=title, lead=lead, verdicts=verdicts, sections=sections, footer=footer
    )
    path = Path(path)
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(page, encoding="utf-8")
    os.replace(temporary, path)
