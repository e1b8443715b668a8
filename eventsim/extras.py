"""Packages of this distribution's extras: imported where they are needed, asked for where they are missing."""

from importlib import import_module

from eventsim.errors import EnvironmentProblem
from eventsim.packages import DISTRIBUTION

__all__ = ["need"]


def need(module, extra):
    """The module of a package that an extra of this distribution installs; raises EnvironmentProblem without it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise EnvironmentProblem(f"{module} cannot be imported ({error}); install it: "
                                 f"pip install '{DISTRIBUTION}[{extra}]'") from None  # fmt: skip
