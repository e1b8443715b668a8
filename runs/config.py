"""Configurations: TOML files in runs/configs or the user's own, checked against an experiment's fields."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import msgspec

from eventsim.errors import ConfigError

__all__ = ["CONFIGS", "check", "load_config", "overrides", "read_settings", "read_table", "toml_value"]

#: Where the named experiments' files lie; "digits-attention" is digits_attention.toml.
CONFIGS = Path(__file__).parent / "configs"

_LARGEST = 1 << 20  # bytes; a configuration is small


def load_config(name, settings, experiments):
    """The experiment and its checked configuration.

    Parameters
    ----------
    name : str
        An experiment's name, or a path to a TOML file whose key `experiment` names one.
    settings : sequence of str
        Overrides "key=value", the value in TOML's notation; bare words are strings.
    experiments : mapping of str to an object with a `Config` type (a msgspec.Struct)

    Returns
    -------
    (experiment, config)

    Raises
    ------
    ConfigError
        One line that names the file or setting, the key, and what is allowed.
    """
    path, known, table = read_table(name, experiments)
    if "sweep" in table:
        raise ConfigError(f"{path}: has a table [sweep], so it is for `eventsim sweep`; without it, it can be run")
    experiment = experiments[known]
    values, origin = overrides(settings, experiment.Config, known)
    return experiment, check(table | values, experiment.Config, path, origin)


def read_table(name, experiments):
    """(path, experiment, table): a file, which experiment it names, and what else it holds, unchecked."""
    path = _path(name, experiments)
    table = _parse(path)
    known = table.pop("experiment", None)
    if known not in experiments:
        raise ConfigError(f"{path}: experiment {known!r} is unknown; choose one of {', '.join(experiments)}")
    return path, known, table


def read_settings(settings, config_type, what):
    """The checked configuration of what has no file, from overrides alone; otherwise as `load_config`."""
    values, origin = overrides(settings, config_type, what)
    return check(values, config_type, "--set", origin)


def overrides(settings, config_type, what):
    """(values, origin): the overrides by key, and how each was written."""
    values, origin = {}, {}
    for setting in settings:
        key, value = _setting(setting)
        told = "--quick" if setting == "quick=true" else f"--set {setting}"
        _require_known(key, config_type, f"{told}: '{what}'")
        values[key], origin[key] = value, f"--set {setting}"
    return values, origin


def _require_known(key, config_type, whose):
    names = [field.name for field in msgspec.structs.fields(config_type)]
    if key not in names:
        raise ConfigError(f"{whose} has no key '{key}'; its keys are: {', '.join(names)}")


def _path(name, experiments):
    if name in experiments:
        return CONFIGS / f"{name.replace('-', '_')}.toml"
    path = Path(name)
    if path.suffix == ".toml" and path.is_file():
        return path
    raise ConfigError(f"'{name}' is neither an experiment ({', '.join(experiments)}) nor a TOML file that exists")


def _parse(path):
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError(f"{path}: larger than {_LARGEST} bytes; this is no configuration")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not valid TOML ({error})") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None


def _setting(setting):
    key, equals, text = setting.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {setting}: write key=value")
    return key.strip(), toml_value(text)


def toml_value(text):
    """A value in TOML's notation; a bare word is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text.strip()


def check(table, config_type, path, origin):
    """The checked configuration; a message names the setting or the file that the wrong value came from."""
    for key in table:
        _require_known(key, config_type, f"{path}: the experiment")
    try:
        return msgspec.convert(table, config_type)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        key = where.rstrip("`").partition("[")[0]  # of a list, msgspec names the element
        raise ConfigError(
            f"{origin.get(key, f'{path}: {key}' if key else path)}: {what}{_choices(config_type, key)}"
        ) from None


def _choices(config_type, key):
    """For a key that takes one of several words, or a list of them: those words."""
    kind = next((field.type for field in msgspec.structs.fields(config_type) if field.name == key), None)
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is list:
        (kind,) = get_args(kind)
    return f"; choose one of {', '.join(get_args(kind))}" if get_origin(kind) is Literal else ""
