"""Columns that are made when somebody asks for them."""

__all__ = ["Made"]


class Made:
    """Columns that are made together, when one of them is first read; what they are made of is let go of then.

    Parameters
    ----------
    make : callable
        Returns a mapping of name -> one-dimensional array, the same each time.
    """

    def __init__(self, make):
        self._make, self._arrays = make, {}

    def __getitem__(self, name):
        make = self._make
        if make is not None:  # two threads at once both make them
            self._arrays = make()
            self._make = None
        return self._arrays[name]
