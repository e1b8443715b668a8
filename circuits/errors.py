"""How a circuit says that a description is inconsistent."""

from eventsim.errors import CircuitError

__all__ = ["require"]


def require(condition, message):
    """Raise CircuitError with `message` unless `condition` holds."""
    if not condition:
        raise CircuitError(message)
