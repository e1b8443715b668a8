"""size: how many neurons and synapses a circuit has, in closed form, before anything is built.

Every circuit offers its size under the same arguments with which it is built:

- A builder, that is a function that returns a Circuit, is decorated with `sized(closed_form)`. The closed form is a
  function of those of the builder's arguments that matter, by name, and of `**_` for the others; it is given all of
  them, defaults included, and returns a Size. It says first what is wrong with the arguments that it uses. The builder
  is then refused before any work when it would not fit into memory.
- A class has a classmethod `size` that takes the constructor's arguments, and calls `size(...).check(name)` first thing
  in its constructor.

    @sized(lambda n, **_: Size(neurons=2 * n, synapses=n))
    def echo(n, *, delay_ms=0.0):
        ...

    size(echo, 10)        # 20 neurons, 10 synapses
    echo.size(10)         # the same

Sizes add, and multiply by a number of copies: a circuit made of parts adds theirs. Each circuit has a test that what is
built has the size that was said.
"""

import inspect
import os
from dataclasses import dataclass
from functools import wraps

from circuits.arguments import checked, whole_number
from circuits.errors import require
from eventsim.errors import CapacityError

__all__ = ["Size", "size", "sized"]

#: Memory at the peak of description, Brian2 network and compiled network. Measured with Brian2 2.9 and rounded up:
#: 704 MB for 4 M lateral synapses among 2,000 neurons, 226 MB for 1 M synapses between 500,000 neurons and a relay.
BYTES_PER_NEURON, BYTES_PER_SYNAPSE = 200, 200


@checked(neurons=whole_number, synapses=whole_number)
@dataclass(frozen=True)
class Size:
    """Neurons and synapses of a circuit."""

    neurons: int
    synapses: int

    def __add__(self, other):
        return Size(self.neurons + other.neurons, self.synapses + other.synapses)

    def __mul__(self, copies):
        return Size(self.neurons * copies, self.synapses * copies)

    __rmul__ = __mul__

    @property
    def bytes(self):
        """Memory that building it takes at its peak."""
        return self.neurons * BYTES_PER_NEURON + self.synapses * BYTES_PER_SYNAPSE

    def check(self, name, remedy="build a smaller circuit"):
        """Raise CapacityError unless a circuit of this size can be built in the memory of this machine.

        Parameters
        ----------
        name, remedy : str
            The circuit, and what its user can do about it.
        """
        there_are = _memory()
        if self.bytes > there_are:
            raise CapacityError("memory", f"this machine by '{name}' ({self})", f"{self.bytes:,} bytes",
                                f"{there_are:,} bytes", remedy)  # fmt: skip

    def __str__(self):
        return f"{self.neurons:,} neurons, {self.synapses:,} synapses"


def size(circuit, *arguments, **options):
    """The Size of what `circuit(*arguments, **options)` would build.

    Parameters
    ----------
    circuit : function or class
        One that offers its size; see the head of this file.
    """
    offered = getattr(circuit, "size", None)
    name = getattr(circuit, "__name__", repr(circuit))
    require(callable(offered), f"'{name}' does not offer its size; decorate it with circuits.sized")
    return offered(*arguments, **options)


def sized(closed_form):
    """Give a builder its size, and refuse what does not fit into memory; see the head of this file."""

    def decorate(build):
        signature = inspect.signature(build)

        def size_of(*arguments, **options):
            bound = signature.bind(*arguments, **options)
            bound.apply_defaults()
            return closed_form(**bound.arguments)

        @wraps(build)
        def checked(*arguments, **options):
            size_of(*arguments, **options).check(build.__name__)
            return build(*arguments, **options)

        checked.size = size_of
        return checked

    return decorate


def _memory():
    """Bytes of main memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
