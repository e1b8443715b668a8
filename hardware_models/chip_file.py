"""load_chip: a chip from its TOML file, refused when a number has no source or a key is unknown."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import msgspec

from eventsim.errors import ConfigError, ProvenanceError
from hardware_models.chip import Chip, Claim, Table
from hardware_models.features import FEATURES

__all__ = ["list_chips", "load_chip"]

_SHIPPED = Path(__file__).parent / "chips"
_DEEPEST = 8  # levels of tables in a file; ours have five
_LARGEST = 15  # powers of ten a number may lie from 1, so that a hostile one cannot exhaust the memory


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
        The file cannot be read, or has an unknown key, a wrong type, or a negative or non-finite number.
    ProvenanceError
        A number has no source. Both name the file and the key.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        if str(name_or_path) not in list_chips():
            known = ", ".join(list_chips())
            raise ConfigError(f"unknown chip '{name_or_path}'; there are {known}, or give the path of a .toml file")
        path = _SHIPPED / f"{name_or_path}.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; give the path of a chip file") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not a TOML file ({error})") from None
    _check_numbers(document, "$", path)
    for section, kind in (("tables", Table), ("lacks", Claim)):
        entries = document.get(section)
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            _convert(entry, kind, f"$.{section}.{key}", path)  # msgspec does not name the keys of a mapping
    chip = _convert(document, Chip, "$", path)
    _check_consistency(chip, path)
    return chip


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
                raise ConfigError(f"{path}: `{here}` is {value}; numbers are finite and not negative")
            if value and abs(Decimal(value).adjusted()) > _LARGEST:
                raise ConfigError(f"{path}: `{here}` is more than {_LARGEST} powers of ten from 1; use another unit")
        elif key == "value":
            raise ConfigError(f"{path}: `{here}` is {value!r}; give a number")


def _convert(document, kind, where, path):
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        what, _, inside = str(error).partition(" - at ")
        field = re.search("field `(.+)`", what)
        key = where + inside.strip("`").removeprefix("$") + (f".{field[1]}" if field else "")
        raise ConfigError(f"{path}: `{key}`: {what[0].lower()}{what[1:]}") from None


def _check_consistency(chip, path):
    """What types cannot say: known features, room on a core, a mesh that adds up, tables that can be summed."""
    for name in chip.lacks:
        if name not in FEATURES:
            raise ConfigError(f"{path}: unknown key `$.lacks.{name}`; allowed are {', '.join(FEATURES)}")
    for name in chip.limits.__struct_fields__:
        value, most = getattr(chip.limits, name).value, 32 if name == "weight_bits" else 10**_LARGEST
        if not 1 <= value <= most:
            raise ConfigError(f"{path}: `$.limits.{name}.value` is {value}; give 1 to {most}")
    mesh = chip.mesh
    product = mesh.width_tiles.value * mesh.height_tiles.value * mesh.cores_per_tile.value
    if product != mesh.cores_per_chip.value or product == 0:
        raise ConfigError(f"{path}: `$.mesh.cores_per_chip` is {mesh.cores_per_chip.value}, but width x height x "
                          f"cores_per_tile is {product}")  # fmt: skip
    for name, table in chip.tables.items():
        given = [key for key in table.energy.__struct_fields__ if getattr(table.energy, key) is not None]
        if not given or (table.scope == "all_in" and len(given) > 1):
            raise ConfigError(f"{path}: `$.tables.{name}.energy` has {len(given)} figures; a per_operation table has "
                              "at least one, an all_in table exactly one")  # fmt: skip
        if ("neuron_update_idle_pj" in given) != ("neuron_update_active_pj" in given):
            raise ConfigError(f"{path}: `$.tables.{name}.energy` gives one of neuron_update_idle_pj and "
                              "neuron_update_active_pj; give both")  # fmt: skip
