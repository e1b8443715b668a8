"""Where each variable of a network lies in a kernel's flat arrays, and the source that names it."""

import numpy as np

__all__ = ["Layout"]


class Layout:
    """Where each variable of a network lies in a kernel's flat arrays.

    Attributes
    ----------
    state, floats, integers : list of (population, name)
        Variables in order of their place; those of one population are in order of name.
    constants : list of float
        Every scalar the statements name, operation by operation.
    drawn : list of int
        The population of each threshold for which a kernel draws ahead.
    """

    def __init__(self, network):
        self.state, self.floats, self.integers, self.constants, self.drawn, self._writers = [], [], [], [], [], 0
        for k, population in enumerate(network.populations):
            self.state += [(k, name) for name in sorted(population.state)]
            for name, values in sorted(population.parameters.items()):
                is_float = np.issubdtype(values.dtype, np.floating)
                (self.floats if is_float else self.integers).append((k, name))

    def _places(self):
        """(array, letter, place, population, name) of every variable."""
        for array, letter in (("state", "s"), ("floats", "f"), ("integers", "m")):
            for place, (population, name) in enumerate(getattr(self, array)):
                yield array, letter, place, population, name

    def views(self, populations, parked):
        """Source lines that name the part's slices of these populations' variables, and what is held of parked ones."""
        lines = []
        for array, letter, place, k, name in self._places():
            at = f"a.{array}_at[{place}] + base{k}"
            if k in populations:
                lines.append(f"    {letter}{place} = a.{array}[{at}:{at} + n{k}]\n")
            if k in parked and name == parked[k].variable:
                lines.append(f"    held_{letter}{place} = a.held[{at}:{at} + n{k}]\n")
        return "".join(lines)

    def whole(self, k, variable):
        """Source line that names a whole variable of population k, of all parts."""
        array, letter, place = next(found[:3] for found in self._places() if found[3:] == (k, variable))
        return f"    all_{letter}{place} = a.{array}[a.{array}_at[{place}]:a.{array}_at[{place} + 1]]\n"

    def names(self, k):
        """Mapping from a variable's name in population k to its slice."""
        return {name: f"{letter}{place}" for _, letter, place, owner, name in self._places() if owner == k}

    def letters(self):
        """A beginning of names that no other writer of statements has: all of a kernel's names are in one function."""
        self._writers += 1
        return f"x{self._writers}"

    def draw(self, k):
        """The number of a threshold of population k for which a kernel draws ahead."""
        self.drawn.append(k)
        return len(self.drawn) - 1

    def constant(self, value):
        """Source of a scalar: the name of its place among the kernel's constants."""
        self.constants.append(float(value))
        source = f"constant{len(self.constants) - 1}"
        return f"int({source})" if isinstance(value, int) else source

    def table(self, table, k):
        """Source of the first arguments of `eventsim.tables.table` for table k."""
        numbers = (self.constant(table.n_columns), self.constant(table.step_s), self.constant(table.refine))
        return f"tables, tables_at[{k}], tables_at[{k} + 1], {', '.join(numbers)}"
