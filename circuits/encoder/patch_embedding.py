"""PatchEmbedding: an image into tokens, by convolutions of spiking neurons, pooling, and their relative positions."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from circuits.arguments import checked, of, sequence_of, whole_number
from circuits.block import Block
from circuits.dataflow import Stream
from circuits.errors import require
from circuits.gates import Or
from circuits.maps import Conv
from circuits.windows import Windows

__all__ = ["PatchEmbedding", "SpikePool"]


@checked(channels=whole_number, size=whole_number)
@dataclass(frozen=True)
class SpikePool:
    """Max pooling of spikes, channel by channel: the largest of zeros and ones is an OR.

    Parameters
    ----------
    channels : int
    grid : (rows, columns)
        Where tokens lie: token = row * columns + column.
    size, stride, padding : int
        Of the published models: 3, 2, 1.
    """

    channels: int
    grid: tuple[int, int]
    size: int = 3
    stride: int = 2
    padding: int = 1

    def __post_init__(self):
        self.windows.check("pooling")

    @cached_property
    def windows(self):
        return Windows(self.grid, (self.size, self.size), self.stride, self.padding)

    @property
    def grid_out(self):
        """(rows, columns) of the tokens it makes."""
        return self.windows.grid_out

    def n_synapses(self, tokens):
        """Synapses for the tokens of its grid."""
        return self.windows.pairs[0].size * self.channels

    def table(self, tokens):
        """(pre, post, weight), one row per synapse; neurons are counted token by token, channels within."""
        pre, post = (token[:, None] * self.channels + np.arange(self.channels) for token in self.windows.pairs[:2])
        return pre.ravel(), post.ravel(), np.ones(pre.size)


@checked(layers=sequence_of(tuple, list), position=of(Conv))
@dataclass(frozen=True, eq=False)
class PatchEmbedding(Block):
    """The spiking patch splitting of Spikformer (Zhou et al., ICLR 2023, arXiv 2209.15425), exact.

    Each layer is LIF(convolution), perhaps pooled; then x + LIF(position x), a convolution that tells tokens where they
    are. Populations are "proj", "proj1", ..., "pool2", ... and "rpe", as the authors number their layers.

    Parameters
    ----------
    layers : sequence of (Conv, SpikePool or None)
        With batch normalisation folded in.
    position : Conv, optional
        From the last grid onto itself.
    """

    layers: tuple
    position: Conv | None = None

    def __post_init__(self):
        require(len(self.layers) > 0, "a patch embedding needs at least one convolution")
        known = all(len(layer) == 2 and isinstance(layer[0], Conv) and isinstance(layer[1], SpikePool | None)
                    for layer in self.layers)  # fmt: skip
        require(known, "a layer of a patch embedding is (Conv, SpikePool), or (Conv, None)")
        grid, channels = self.layers[0][0].grid, self.channels
        maps = [own for layer in self.layers for own in layer if own is not None]
        for own in maps if self.position is None else [*maps, self.position]:
            reads = own.inputs if isinstance(own, Conv) else own.channels
            require((own.grid, reads) == (grid, channels),
                    f"{own} reads {reads} channels on {own.grid}; before it are {channels} on {grid}")  # fmt: skip
            grid, channels = own.grid_out, own.outputs if isinstance(own, Conv) else channels
        back = self.position is None or (grid, channels) == (self.position.grid, self.position.inputs)
        require(back, f"{self.position} must make as many tokens and channels as it reads")

    @property
    def channels(self):
        return self.layers[0][0].inputs

    @property
    def outputs(self):
        """Channels of a token."""
        return self.layers[-1][0].outputs

    @property
    def grid(self):
        """(rows, columns) of the image."""
        return self.layers[0][0].grid

    def build(self, flow, x):
        for k, (conv, pool) in enumerate(self.layers):
            stage = flow.layer(f"proj{k or ''}", x, conv)
            if pool is not None:
                stage = self._pooled(flow, f"pool{k or ''}", stage, pool)
            x = Stream.of(stage)
        return x if self.position is None else x + Stream.of(flow.layer("rpe", x, self.position))

    @staticmethod
    def _pooled(flow, name, stage, pool):
        tokens = pool.grid_out[0] * pool.grid_out[1]
        post = flow.population(name, (tokens, pool.channels), Or(), stage.depth + 1, flow.tokens(tokens))
        flow.project(stage, pool, post, 0)
        return post
