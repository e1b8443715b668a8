"""Functions that are compiled once, however many call them.

Numba links what a function calls into it, and LLVM optimises and translates it there again. A function that is
`outlined` is called where it stands, by a name under which its address is made known. The name tells the module and the
types of the arguments, so a caller from the cache, of another process, finds the same there.
"""

import sys
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from inspect import Parameter, Signature, signature
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core.typing.templates import signature as types_of_call
from numba.extending import intrinsic

__all__ = ["FOR_KERNELS", "UNCOUNTED", "outlined"]

#: Options of `numba.njit` for what kernels call, and nobody else: what would let Python or C call it takes as long to
#: compile as it does.
FOR_KERNELS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
#: And for what makes no array: Numba need not count references to arrays then, which takes longer than a few events.
UNCOUNTED: dict[str, Any] = {**FOR_KERNELS, "_nrt": False}

#: What callers may have the address of: it stays where it is, whatever becomes of the module that defined it.
_HELD: list[Any] = []


def outlined(function: Any) -> Callable[..., Any]:
    """What compiled code calls in place of a function of the top level of its module, compiled with `numba.njit`."""

    def call(_, *arguments):
        arguments = tuple(map(types.unliteral, arguments))
        name = _make_known(function, arguments)
        returned = function.overloads[arguments].signature.return_type
        again = partial(_make_known_again, function.__module__, function.__name__, arguments)

        def write(context, builder, signature, values):
            context.active_code_library._reload_init.add(again)
            kind = context.call_conv.get_function_type(returned, arguments)
            callee = _declared(builder.module, kind, name)
            status, value = context.call_conv.call_function(builder, callee, returned, arguments, values)
            with builder.if_then(status.is_error, likely=False):
                context.call_conv.return_status_propagate(builder, status)
            return value

        return types_of_call(returned, *arguments), write

    context = Parameter("context", Parameter.POSITIONAL_ONLY)
    named = [context, *signature(function.py_func).parameters.values()]
    call.__signature__ = Signature(named)  # type: ignore[attr-defined] - PEP 362 has it, the types of functions do not
    called: Any = intrinsic(call)
    called.outlined = function
    return called


def _declared(module, kind, name):
    return module.globals[name] if name in module.globals else ir.Function(module, kind, name)


def _make_known(function, arguments):
    """Make the address of a function for these types known to LLVM; returns its name."""
    function.compile(arguments)
    compiled = function.overloads[arguments]
    name = f"{function.__module__}.{function.__name__}.{sha256(str(arguments).encode()).hexdigest()[:32]}"
    binding.add_symbol(name, compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))
    _HELD.append(compiled)
    return name


def _make_known_again(module, function, arguments):
    """What Numba does before it takes a caller from its cache."""
    _make_known(getattr(sys.modules[module], function).outlined, arguments)
