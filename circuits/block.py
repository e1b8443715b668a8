"""Block: what attentions, feed-forward layers and encoders have in common; `Pipeline` makes circuits of them."""

from circuits.errors import require
from circuits.tally import Tally

__all__ = ["Block"]


class Block:
    """A description of layers, for any number of tokens.

    A block has `channels`, those of the stream it reads, and `build(flow, stream)`, which writes its layers, gates and
    wires into a `Dataflow` and returns the stream of its output.
    """

    #: Ticks per step.
    period = 1

    def size(self, tokens, *, levels=1):
        """Size of its circuit (see `Pipeline`), sources and bias neuron included, without building anything."""
        for what, count in (("tokens", tokens), ("levels", levels)):
            require(isinstance(count, int) and count >= 1, f"{what} is {count!r}; it must be an integer >= 1")
        tally = Tally(self.period)
        tally.open(tokens, self.channels, levels)
        self.build(tally, tally.input)
        return tally.size
