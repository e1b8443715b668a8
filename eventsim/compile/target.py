"""Brian2's code generation target while eventsim reads or builds a network."""

import logging
from contextlib import contextmanager

from brian2 import prefs

__all__ = ["numpy_target"]


@contextmanager
def numpy_target():
    """Have Brian2 use its numpy target, which needs no compiler, and keep quiet; put back what was set."""
    target, logger = prefs.codegen.target, logging.getLogger("brian2")
    level = logger.level
    prefs.codegen.target = "numpy"
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        prefs.codegen.target = target
        logger.setLevel(level)
