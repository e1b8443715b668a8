"""TimedArrays into a network's tables of time."""

import re

import numpy as np
from brian2.input.timedarray import _find_K

from eventsim.compile.statements import functions_of_time
from eventsim.compiled_network import Table
from eventsim.errors import CompileError

__all__ = ["Tables"]


class Tables:
    """The TimedArrays that a network's statements call, each stored once."""

    def __init__(self):
        self.tables, self._index = [], {}

    def used_by(self, statements, variables, dt_s):
        """Mapping function name -> place of its table, for the TimedArrays that statements call."""
        text = " ".join(s.expr for s in statements)
        return {
            name: self._place(name, variables[name], dt_s)
            for name in functions_of_time(variables) if re.search(rf"\b{re.escape(name)}\(", text)
        }  # fmt: skip

    def _place(self, name, timed_array, dt_s):
        """Place of the table for a TimedArray read by an object with this time step."""
        key = (id(timed_array), dt_s)
        if key not in self._index:
            values = np.asarray(timed_array.values, dtype=np.float64)
            if not np.isfinite(values).all():
                row = int(np.argwhere(~np.isfinite(values))[0][0])
                raise CompileError(name, f"row {row} of the TimedArray has a value that is not finite", "finite values")
            columns = values.shape[1] if values.ndim == 2 else 1
            table = Table(values.ravel(), columns, float(timed_array.dt), int(_find_K(dt_s, timed_array.dt)))
            self._index[key] = len(self.tables)
            self.tables.append(table)
        return self._index[key]
