"""Gates: memoryless neurons that combine the spikes of one tick. Connect inputs with weight 1.

An input that must be silent is connected with weight -m, m the number of the others: its spike is a veto.
"""

from circuits.arguments import checked, whole_number
from circuits.errors import require
from circuits.neurons import Gate

__all__ = ["And", "AtLeast", "Majority", "Or"]


def Or():
    """Fires when any input fires."""
    return AtLeast(1)


def And(inputs=2):
    """Fires when all of its inputs fire together.

    Parameters
    ----------
    inputs : int
        How many synapses of weight 1 it has.
    """
    return AtLeast(inputs)


@checked(inputs=whole_number)
def Majority(inputs):
    """Fires when more than half of its inputs fire together."""
    return AtLeast(inputs // 2 + 1)


def AtLeast(count):
    """Fires when at least `count` inputs fire together."""
    require(isinstance(count, int) and count >= 1, f"a gate waits for {count!r} inputs; it must be an integer >= 1")
    return Gate(v_th=count - 0.5)
