"""load_chip: a chip from its TOML file, refused when a number has no source or no unit, or a key is unknown."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import get_args

import msgspec

from eventsim.arguments import require_kind
from eventsim.errors import ConfigError, ProvenanceError
from hardware_models.chips.chip import Chip
from hardware_models.chips.cost_table import Scope, Table
from hardware_models.chips.figures import Claim, Figure, How, Read
from hardware_models.chips.keys import allowed_keys
from hardware_models.chips.rules import check_consistency

__all__ = ["list_chips", "load_chip", "the_chip"]

_SHIPPED = Path(__file__).parent
_DEEPEST = 8  # levels of tables in a file; ours have five
_LARGEST = 15  # powers of ten a number may lie from 1, so that a hostile one cannot exhaust the memory

#: Sections whose entries have names of their own -> what each entry is.
_MAPPINGS = {"tables": Table, "lacks": Claim, "facts": Figure, "unpublished": Claim}

#: Keys that are found everywhere -> what they take.
_ALLOWED = {"value": "a whole number", "how": f"one of {', '.join(get_args(How))}",
            "read": f"one of {', '.join(get_args(Read))}", "scope": f"one of {', '.join(get_args(Scope))}"}  # fmt: skip


def list_chips():
    """Names of the chips that come with the package."""
    return sorted(path.stem for path in _SHIPPED.glob("*.toml"))


def load_chip(name_or_path):
    """The chip of that name, or of a file of your own.

    Parameters
    ----------
    name_or_path : str or Path
        One of `list_chips()`, or the path of a TOML file.

    Raises
    ------
    ConfigError
        Neither a name nor a path; or the file cannot be read, or has an unknown key, a key without a unit, a wrong
        type, a missing, negative or non-finite number.
    ProvenanceError
        A number has no source. Both name the file and the key, and say how to mend it.
    """
    require_kind("name_or_path", name_or_path, str, Path)
    path = Path(name_or_path)
    if path.suffix != ".toml":
        if str(name_or_path) not in list_chips():
            known = ", ".join(list_chips())
            raise ConfigError(f"unknown chip '{name_or_path}'; there are {known}, or give the path of a file whose "
                              "name ends in .toml")  # fmt: skip
        path = _SHIPPED / f"{name_or_path}.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; give the path of a chip file") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not a TOML file ({error})") from None
    _check_numbers(document, "$", path)
    _complete_tables(document, path)
    for section, kind in _MAPPINGS.items():
        entries = document.get(section)
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            _convert(entry, kind, f"$.{section}.{key}", path)  # msgspec does not name the keys of a mapping
    chip = _convert(document, Chip, "$", path)
    check_consistency(chip, path)
    return chip


def the_chip(chip):
    """The Chip that a caller gives as such, or as `load_chip` takes it."""
    require_kind("chip", chip, Chip, str, Path)
    return chip if isinstance(chip, Chip) else load_chip(chip)


def _check_numbers(node, where, path):
    """Every number stands under `value`, is finite and not negative, and has its source beside it."""
    if where.count(".") > _DEEPEST:
        raise ConfigError(f"{path}: `{where[:60]}` is nested too deeply for a chip file")
    if "value" in node or "how" in node:
        source = node.get("source")
        if "source" not in node or (isinstance(source, str) and not source.strip()):
            raise ProvenanceError(f"{path}: `{where}.source` is missing; say the publication, the table and the page")
    for key, value in node.items():
        here = f"{where}.{key}"
        if isinstance(value, dict):
            _check_numbers(value, here, path)
        elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            if key != "value":
                raise ProvenanceError(f"{path}: `{here}` is a bare number; make it a table of value, source and how")
            if not (Decimal(value).is_finite() and value >= 0):
                raise ConfigError(f"{path}: `{here}` is {value}; give a number that is finite and not negative")
            if value and abs(Decimal(value).adjusted()) > _LARGEST:
                raise ConfigError(f"{path}: `{here}` is more than {_LARGEST} powers of ten from 1; use another unit")
        elif key == "value":
            raise ConfigError(f"{path}: `{here}` is {str(value)[:60]!r}; give a number, its unit belongs into the key")


def _complete_tables(document, path):
    """Give each table with `like` all that the table of that name says and it does not."""
    tables, complete = document.get("tables"), {}
    for name, table in tables.items() if isinstance(tables, dict) else ():
        if not isinstance(table, dict) or "like" not in table:
            continue
        model = tables.get(table["like"]) if isinstance(table["like"], str) else None
        if not isinstance(model, dict) or "like" in model:
            whole = [other for other, entry in tables.items() if isinstance(entry, dict) and "like" not in entry]
            raise ConfigError(f"{path}: `$.tables.{name}.like` is {table['like']!r}; give one of {', '.join(whole)}")
        complete[name] = _over({key: value for key, value in table.items() if key != "like"}, model)
    if complete:
        document["tables"] = tables | complete


def _over(node, model):
    """`node` with what only `model` has; a number is taken whole."""
    if "value" in node or not isinstance(model, dict):
        return node
    mixed = {key: _over(value, model.get(key)) if isinstance(value, dict) else value for key, value in node.items()}
    return {key: value for key, value in model.items() if key not in mixed} | mixed


def _convert(document, kind, where, path):
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        what, _, inside = str(error).partition(" - at ")
        inside = inside.strip("`").removeprefix("$")
        field = re.search("(unknown|missing required) field `(.+)`", what)
        if field is None:
            allowed = _ALLOWED.get(inside.rpartition(".")[2])
            remedy = f"; give {allowed}" if allowed else ""
            raise ConfigError(f"{path}: `{where}{inside}`: {what[0].lower()}{what[1:]}{remedy}") from None
        key, allowed = f"{where}{inside}.{field[2]}", allowed_keys(kind, inside)
        if field[1] != "unknown":
            raise ConfigError(f"{path}: `{key}` is missing; give it, beside {', '.join(allowed)}") from None
        united = [name for name in allowed if name.startswith(f"{field[2]}_")]
        if united:
            raise ConfigError(f"{path}: `{key}` has no unit; write {' or '.join(united)}") from None
        raise ConfigError(f"{path}: `{key}` is unknown; allowed are {', '.join(allowed)}") from None
