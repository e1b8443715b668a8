"""What Numba has no words for: memory asked for ahead of time, bits and wide vectors, a meeting of threads."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = [
    "ask_for", "ask_for_list", "ask_for_row", "bits_of", "highest", "instruction", "lowest", "meet", "per_line",
    "place_of", "sleep_until", "splat", "tell", "use_wide_vectors", "vector_at", "wait_for", "wish",
]  # fmt: skip

_INT32, _INT64 = ir.IntType(32), ir.IntType(64)
#: Looks at a meeting before a thread lets others run: some ten microseconds, the length of a busy tick.
_LOOKS = 4096
_LET_OTHERS_RUN = types.ExternalFunction("SwitchToThread" if os.name == "nt" else "sched_yield", types.int32())
#: Looks before a thread that may come late sleeps between two: in microseconds, on Windows until others had their turn.
_LOOKS_AWAKE, _NAP = 1024, np.uint32(0 if os.name == "nt" else 20)
_SLEEP = types.ExternalFunction("Sleep" if os.name == "nt" else "usleep", types.void(types.uint32))


def instruction(typing: Callable) -> Callable[..., Any]:
    """Numba's `intrinsic`, as its callers see it: they give no typing context, and get a number or nothing."""
    return intrinsic(typing)


def place_of(context, builder, array_type, array, index):
    """Pointer to an element of a one-dimensional array."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


def wish(context, builder, array_type, array, index):
    """llvm.prefetch of one element."""
    byte = ir.IntType(8).as_pointer()
    place = builder.bitcast(place_of(context, builder, array_type, array, index), byte)
    kind = ir.FunctionType(ir.VoidType(), [byte, _INT32, _INT32, _INT32])
    prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    builder.call(prefetch, [place, _INT32(0), _INT32(3), _INT32(1)])  # for reading, to stay, data


@instruction
def _ask_for(_, array, index):
    def write(context, builder, signature, arguments):
        wish(context, builder, signature.args[0], *arguments)
        return context.get_dummy_value()

    return types.void(array, types.intp), write


@njit(nogil=True)
def ask_for(array, index):
    """Have the line of `array[index]` on its way into the cache; a wish that may name what does not exist."""
    _ask_for(array, index)


@njit(nogil=True)
def ask_for_list(begin, column, near, far):
    """Have a list of a column on its way into the cache, and, of one that is looked at later, where it begins.

    Parameters
    ----------
    begin : (n + 1,) int64
        Where in the column each list begins.
    near, far : int
        The two lists.
    """
    ask_for(begin, far)
    ask_for(column, begin[near])


@instruction
def _look(_, meeting, thread):
    """meeting[thread, 0], as that thread last left it, and with it all that it wrote before."""

    def write(context, builder, signature, arguments):
        return builder.load_atomic(_came(context, builder, signature, arguments), "acquire", 8)

    return types.int64(meeting, types.intp), write


@instruction
def _come(_, meeting, thread, times):
    """Set meeting[thread, 0] for other threads to see, after all that this one wrote before."""

    def write(context, builder, signature, arguments):
        builder.store_atomic(arguments[2], _came(context, builder, signature, arguments), "release", 8)
        return context.get_dummy_value()

    return types.void(meeting, types.intp, types.int64), write


def _came(context, builder, signature, arguments):
    """Pointer to the first number in a thread's row."""
    meeting = context.make_array(signature.args[0])(context, builder, arguments[0])
    width = builder.extract_value(meeting.shape, 1)
    return builder.gep(meeting.data, [builder.mul(arguments[1], width)])


@njit(nogil=True)
def tell(meeting, thread, number):
    """Set meeting[thread, 0], which other threads wait for; with it they see all that this one wrote before."""
    _come(meeting, thread, number)


@njit(nogil=True)
def _let_others_run():
    _LET_OTHERS_RUN()


@njit(nogil=True)
def _nap():
    _SLEEP(_NAP)


@njit(nogil=True)
def _wait(meeting, thread, number, looks, rest):
    """Look so often, and then again after each rest, until there is so much; returns how much there is."""
    told = _look(meeting, thread)
    while told < number:
        looks -= 1
        if looks < 0:
            rest()
        told = _look(meeting, thread)
    return told


@njit(nogil=True)
def wait_for(meeting, thread, number):
    """Return what another thread told, as soon as it is so much; it is expected at any moment."""
    return _wait(meeting, thread, number, _LOOKS, _let_others_run)


@njit(nogil=True)
def sleep_until(meeting, thread, number):
    """The same where it may take longer and nobody minds some microseconds: the processor is left to others."""
    return _wait(meeting, thread, number, _LOOKS_AWAKE, _nap)


@njit(nogil=True)
def meet(meeting, thread, n_threads):
    """Return when all threads have come here.

    A thread that waits looks for some microseconds, then lets others run between looks: on a busy machine the one that
    is waited for may need this very processor.

    Parameters
    ----------
    meeting : (n_threads, more) int64
        First in each row, and in lines of their own: to how many meetings each thread has come.
    """
    if n_threads == 1:
        return
    times = meeting[thread, 0] + 1
    tell(meeting, thread, times)
    for other in range(n_threads):
        wait_for(meeting, other, times)


@instruction
def _per_line(_, array):
    def write(context, _, signature, __):
        return context.get_constant(types.intp, 512 // signature.args[0].dtype.bitwidth)

    return types.intp(array), write


@njit(nogil=True)
def per_line(array):
    """How many elements of an array are in 64 bytes: a constant, since a division would take longer than a wish."""
    return _per_line(array)


@njit(nogil=True)
def ask_for_row(array, first, stop):
    """Have array[first:stop] on its way into the cache, or its beginning: the rest comes by itself."""
    step = per_line(array)
    for index in range(first, min(stop, first + 8 * step), step):
        ask_for(array, index)


@instruction
def use_wide_vectors(_):
    """Have the loops of the function that says so use vectors of 512 bits, where the processor has them.

    LLVM stays at 256, since the first processors with more ran slower for it; llvmlite has no word for this wish.
    """

    def write(context, builder, signature, arguments):
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), write


def splat(builder, word, size):
    """A vector of `size` times a word."""
    kind = ir.VectorType(word.type, size)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), word, _INT32(0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(_INT32, size), [0] * size))


def vector_at(context, builder, array_type, array, index, size, element=_INT64):
    """Pointer to `size` elements of an array, from `index` on, as to a vector."""
    kind = ir.VectorType(element, size).as_pointer()
    return builder.bitcast(place_of(context, builder, array_type, array, index), kind)


@instruction
def _bits_of(_, flags, at):
    """Bit j is flags[at + j], for 64 of them."""

    def write(context, builder, signature, arguments):
        flags, at = arguments
        bytes_ = builder.load(vector_at(context, builder, signature.args[0], flags, at, 64, ir.IntType(8)), align=8)
        return builder.bitcast(builder.icmp_unsigned("!=", bytes_, ir.Constant(bytes_.type, None)), _INT64)

    return types.uint64(flags, types.intp), write


@njit(nogil=True)
def bits_of(flags, at):
    """A word of which bit j is flags[at + j]; all 64 must be in the array.

    Parameters
    ----------
    flags : (n,) bool
    """
    return _bits_of(flags, at)


def _zeros_counted(name):
    """The instruction that counts the zeros at one end of a word; 64 of zero."""

    @instruction
    def count(_, word):
        def write(context, builder, signature, arguments):
            kind = ir.FunctionType(_INT64, [_INT64, ir.IntType(1)])
            function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.i64")
            return builder.call(function, [arguments[0], ir.Constant(ir.IntType(1), 0)])

        return types.int64(types.uint64), write

    return count


_zeros_below, _zeros_above = _zeros_counted("cttz"), _zeros_counted("ctlz")


@njit(nogil=True)
def lowest(word):
    """The number of the lowest bit that is set in a uint64 other than zero."""
    return _zeros_below(word)


@njit(nogil=True)
def highest(word):
    """The number of the highest bit that is set in a uint64 other than zero."""
    return 63 - _zeros_above(word)
