"""EncoderBlock and Encoder: attention and feed-forward layers joined by residual paths, block after block."""

from dataclasses import dataclass

from circuits.arguments import checked, of, sequence_of
from circuits.block import Block
from circuits.errors import require

__all__ = ["Encoder", "EncoderBlock"]


@checked(attention=of(Block), feed_forward=of(Block))
@dataclass(frozen=True, eq=False)
class EncoderBlock(Block):
    """y = x + attention(x); output y + feed_forward(y).

    A sum of spikes is an integer: every spike train of the residual path has its own synapses onto every layer that
    reads the path, with the same weights. A sum of membrane potentials reaches the next neuron through the synapses
    of every map that takes part in it. Nothing is approximated, and fan-in grows with depth.

    Parameters
    ----------
    attention
        One of circuits.attention.
    feed_forward
        One of circuits.encoder.feed_forward.
    """

    attention: object
    feed_forward: object

    def __post_init__(self):
        channels = {self.attention.channels, self.attention.proj.outputs, self.feed_forward.channels,
                    self.feed_forward.outputs}  # fmt: skip
        require(len(channels) == 1, f"a residual path needs equal channels everywhere, got {sorted(channels)}")

    @property
    def channels(self):
        return self.attention.channels

    @property
    def period(self):
        """Ticks per step."""
        return max(self.attention.period, self.feed_forward.period)

    def build(self, flow, x):
        with flow.section("attention"):
            x = x + self.attention.build(flow, x)
        with flow.section("feed_forward"):
            return x + self.feed_forward.build(flow, x)


@checked(blocks=sequence_of(EncoderBlock))
@dataclass(frozen=True, eq=False)
class Encoder(Block):
    """Blocks one after the other; populations are at "block0/attention/q" and so on.

    Parameters
    ----------
    blocks : sequence of EncoderBlock
    """

    blocks: tuple

    def __post_init__(self):
        require(len(self.blocks) > 0, "an encoder needs at least one block")
        channels = {block.channels for block in self.blocks}
        require(len(channels) == 1, f"blocks of an encoder need equal channels, got {sorted(channels)}")

    @property
    def channels(self):
        return self.blocks[0].channels

    @property
    def period(self):
        """Ticks per step."""
        return max(block.period for block in self.blocks)

    def build(self, flow, x):
        for k, block in enumerate(self.blocks):
            with flow.section(f"block{k}"):
                x = block.build(flow, x)
        return x
