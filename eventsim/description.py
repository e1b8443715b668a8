"""The part of a CompiledNetwork that is no array: typed rows, and their way into JSON and back.

Reading is strict: a value of another type than declared here is refused before anything relies on it.
"""

from typing import Literal

import msgspec

from eventsim.errors import TraceFormatError

__all__ = ["SCHEMA", "Description", "OperationRow", "PathwayRow", "PopulationRow", "TableRow", "parse"]

#: Version of this layout; raised whenever an older reader could misunderstand a newer file.
SCHEMA = 1

Number = float | int
#: Variable, assignment, expression.
StatementRow = tuple[str, Literal[":=", "=", "+=", "-=", "*=", "/="], str]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class PopulationRow(_Row, frozen=True):
    """See eventsim.compiled_network.Population; `state` and `parameters` name its arrays."""

    name: str
    start: int
    size: int
    equations: str
    state: tuple[str, ...]
    parameters: tuple[str, ...]
    is_source: bool
    guards: dict[str, str]
    booleans: tuple[str, ...]
    rates: dict[str, str]
    rate_constants: dict[str, Number]
    refractory_s: float | None
    integers: tuple[str, ...] = ()


class PathwayRow(_Row, frozen=True):
    """See eventsim.compiled_network.Pathway."""

    name: str
    source: int
    target: int
    effects: tuple[tuple[str, str, str], ...]
    constants: dict[str, Number]
    first: int
    senders: dict[str, str] = {}


class OperationRow(_Row, frozen=True):
    """See eventsim.compiled_network.Operation."""

    kind: str
    index: int
    once: tuple[StatementRow, ...]
    each: tuple[StatementRow, ...]
    fired: tuple[StatementRow, ...]
    constants: dict[str, Number]
    tables: dict[str, int]
    every: int
    lag: int = 0
    integrates: bool = False


class TableRow(_Row, frozen=True):
    """See eventsim.compiled_network.Table."""

    n_columns: int
    step_s: float
    refine: int


class Description(_Row, frozen=True):
    """All of it."""

    schema: int
    dt_ms: float
    paths: tuple[str, ...]
    populations: tuple[PopulationRow, ...]
    pathways: tuple[PathwayRow, ...]
    schedule: tuple[OperationRow, ...]
    tables: tuple[TableRow, ...]


def parse(document):
    """The Description in a JSON document; raises TraceFormatError naming the value that does not fit."""
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise TraceFormatError(f"network schema {schema}, this version reads {SCHEMA}")
    try:
        return msgspec.convert(document, Description)
    except (msgspec.ValidationError, RecursionError) as error:
        raise TraceFormatError(f"the network's description is malformed: {error}") from None
