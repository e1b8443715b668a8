"""Kernels of the grid run by Python itself: no compilation, the same arithmetic, and their text may be changed."""

import sys
from types import FunctionType, ModuleType

__all__ = ["interpreted"]

#: A line of a kernel that means nothing to Python, and that Numba's instruction refuses there.
FOR_THE_COMPILER = "    use_wide_vectors()\n"
_NOT_COMPILED = "cached_njit = lambda **options: lambda function: function"


def interpreted(changes=()):
    """What stands for `eventsim.kernel_cache.load`: sources run by Python itself, with some text replaced.

    Each replacement must be found, in the kernel or in what all kernels share.
    """
    found = set()

    def load(source, prefix):
        for old, new in changes:
            if old in source:
                source = source.replace(old, new)
                found.add(old)
        assert prefix != "grid" or found == {old for old, _ in changes}, (
            f"not in the kernel: {changes}, but {found}"
        )
        source = source.replace(FOR_THE_COMPILER, "")
        source = source.replace("from eventsim.code_cache import cached_njit", _NOT_COMPILED)
        source = source.replace("@outlined\n", "")
        module = sys.modules[f"interpreted_{prefix}"] = ModuleType(f"interpreted_{prefix}")
        exec(source, vars(module))
        vars(module).update({name: _by_python(thing) for name, thing in vars(module).items() if _is_outlined(thing)})
        return vars(module)

    return load


def _is_outlined(thing):
    return hasattr(getattr(thing, "outlined", None), "py_func")


def _by_python(outlined):
    """The Python function of one that is compiled once for all kernels."""
    function = outlined.outlined.py_func
    return FunctionType(function.__code__, function.__globals__ | {"use_wide_vectors": lambda: None})
