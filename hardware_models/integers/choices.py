"""require_choice: a named choice that is none of those there are."""

from eventsim.errors import ConfigError

__all__ = ["require_choice"]


def require_choice(what, value, allowed):
    """Raise ConfigError unless `value` is one of `allowed`."""
    if value not in allowed:
        raise ConfigError(f"{what} is {value!r}; choose one of {', '.join(map(str, allowed))}")
