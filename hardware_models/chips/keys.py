"""allowed_keys: what may stand at a place of a chip file, for messages about what may not."""

from typing import get_args, get_origin, get_type_hints

import msgspec

__all__ = ["allowed_keys"]


def allowed_keys(kind, inside):
    """Names of the fields at a dotted place inside a struct; those of the last struct on the way where there is none.

    Parameters
    ----------
    kind : type
        A msgspec.Struct.
    inside : str
        As msgspec tells it: ".energy.spike_pj", "" for the struct itself.
    """
    for name in filter(None, inside.split(".")):
        inner = _struct_in(get_type_hints(kind).get(name))
        if inner is None:
            break
        kind = inner
    return kind.__struct_fields__


def _struct_in(hint):
    """The struct that a type hint holds: itself, in a union, or as the values of a mapping."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    held = get_args(hint)[1:] if get_origin(hint) is dict else get_args(hint)
    return next((found for found in map(_struct_in, held) if found is not None), None)
