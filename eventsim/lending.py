"""Many arrays lent to a kernel as one argument.

Numba unpacks a named tuple of seventy arrays in code of its own, which takes longer to compile than many a kernel. A
`Lent` says in one table where each array lies, and its shape and strides; the kernel gets the table's address, and
`lent.name` there is the array that the table tells of. Nobody counts references to it: who lends holds the arrays for
as long as they are used.
"""

from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import populate_array
from numba.np.numpy_support import from_dtype

from eventsim.machine import instruction

__all__ = ["Lent", "lent"]

_MOST_DIMENSIONS = 4
#: Of the table: addresses, shapes, strides. What a function reads most, addresses, is in a few lines of the cache.
_ROWS = 1 + 2 * _MOST_DIMENSIONS
_WORD = ir.IntType(64)


class Lent:
    """A named tuple of arrays and numbers, as a kernel takes it; to Python it reads the same.

    Parameters
    ----------
    arrays : named tuple
        Arrays of at most four dimensions, and numbers, of which the kernel reads the value at this moment; kept as
        `arrays`.
    """

    def __init__(self, arrays: Any) -> None:
        self.arrays = arrays
        self._held = [np.asarray(array) for array in arrays]
        self._table = np.zeros((_ROWS, len(self._held)), dtype=np.int64)
        for column, array in zip(self._table.T, self._held):
            column[0] = array.ctypes.data
            column[1 : 1 + array.ndim] = array.shape
            column[1 + _MOST_DIMENSIONS : 1 + _MOST_DIMENSIONS + array.ndim] = array.strides
        self.address = self._table.ctypes.data
        self.numba_type = _lent_type(tuple(zip(arrays._fields, map(_looks, self._held))))

    def with_other(self, name: str, array: np.ndarray) -> "Lent":
        """The same arrays, but for another that looks like one of them."""
        column, other = self.arrays._fields.index(name), object.__new__(Lent)
        other.arrays, other.numba_type = self.arrays._replace(**{name: array}), self.numba_type
        other._held = [*self._held[:column], array, *self._held[column + 1 :]]
        other._table = self._table.copy()
        other._table[0, column] = array.ctypes.data
        other.address = other._table.ctypes.data
        return other

    def __getattr__(self, name: str) -> Any:
        return getattr(self.arrays, name)


def _looks(array):
    """What the type of an array depends on: its dtype, dimensions, layout, and whether it is aligned."""
    flags = array.flags
    return array.dtype, array.ndim, "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A", flags.aligned


@cache
def _lent_type(fields):
    """The type of a Lent with arrays of these names and looks: whether Python may write to them does not matter."""
    return LentType(tuple((name, _array_type(*looks)) for name, looks in fields))


@cache
def _array_type(dtype, n_dimensions, layout, aligned):
    return types.Array(from_dtype(dtype), n_dimensions, layout, aligned=aligned)


class LentType(types.Type):
    """Numba's type of a Lent: the names of its arrays, and their types."""

    def __init__(self, fields: tuple[tuple[str, types.Array], ...]) -> None:
        self.fields = fields
        super().__init__(name=f"Lent({', '.join(f'{name}: {array}' for name, array in fields)})")

    def place(self, name: str) -> tuple[int, types.Array]:
        """Column of the table, and type, of the array of that name."""
        return next((column, array) for column, (other, array) in enumerate(self.fields) if other == name)


@typeof_impl.register(Lent)
def _type_of(lent, _):
    return lent.numba_type


@register_model(LentType)
class _AddressModel(models.PrimitiveModel):
    def __init__(self, data_model_manager, of_type):
        super().__init__(data_model_manager, of_type, _WORD.as_pointer())


@unbox(LentType)
def _unbox(_, lent, context):
    address = context.pyapi.object_getattr_string(lent, "address")
    value = context.pyapi.long_as_longlong(address)
    context.pyapi.decref(address)
    return NativeValue(context.builder.inttoptr(value, _WORD.as_pointer()))


@infer_getattr
class _Attributes(AttributeTemplate):
    key = LentType

    def generic_resolve(self, lent, name):
        if name in dict(lent.fields):
            _, array = lent.place(name)
            return array if array.ndim else array.dtype
        return None


@lower_getattr_generic(LentType)
def _attribute(context, builder, lent, table, name):
    column, of_type = lent.place(name)

    def word(row):
        return builder.load(builder.gep(table, [_WORD(len(lent.fields) * row + column)]))

    item = context.get_data_type(of_type.dtype)
    data = builder.inttoptr(word(0), item.as_pointer())
    if of_type.ndim == 0:
        return context.unpack_value(builder, of_type.dtype, data)
    shape = [word(1 + axis) for axis in range(of_type.ndim)]
    strides = [word(1 + _MOST_DIMENSIONS + axis) for axis in range(of_type.ndim)]
    array = context.make_array(of_type)(context, builder)
    populate_array(array, data, shape, strides, _WORD(context.get_abi_sizeof(item)), meminfo=None)
    return array._getvalue()


def _uncounted(context, builder, of_type, value):
    of_parts = getattr(of_type, "types", None)
    if of_parts is not None:  # a tuple
        for k, inner in enumerate(of_parts):
            part = _uncounted(context, builder, inner, builder.extract_value(value, k))
            value = builder.insert_value(value, part, k)
        return value
    if not isinstance(of_type, types.Array):
        return value
    array = context.make_array(of_type)(context, builder, value)
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    return array._getvalue()


@instruction
def lent(_, arrays):
    """The same array, or tuple of arrays, whose references nobody counts.

    Numba counts up and down, in atomic steps, each array of each tuple in each call. Who lends must hold what is lent
    for as long as it is used.
    """

    def write(context, builder, signature, arguments):
        return _uncounted(context, builder, signature.args[0], arguments[0])

    return arrays(arrays), write
