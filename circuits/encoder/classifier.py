"""SpikingTransformer: a whole published model, from the pixels of an image to spikes that a linear head reads."""

from dataclasses import dataclass

from circuits.block import Block
from circuits.encoder.block import Encoder
from circuits.encoder.patch_embedding import PatchEmbedding
from circuits.encoding import BitPlanes
from circuits.errors import require
from circuits.maps import Linear

__all__ = ["SpikingTransformer"]


@dataclass(frozen=True, eq=False)
class SpikingTransformer(Block):
    """Patch embedding, encoder blocks and the classifier that is read from them, as in Spikformer.

    An image is the same input in every step ("direct coding"). The models average the last block's spikes over tokens
    and steps and apply a linear layer: real numbers, made of counts. Nothing spikes there, and so no neurons are built
    for it; `logits` computes it from decoded spikes, as a host would.

    Populations are at "patch_embed/proj", "block0/attention/q" and so on.

    Parameters
    ----------
    pixels : BitPlanes
        How numbers of an image become spikes.
    embedding : PatchEmbedding
        Its first convolution reads the planes: see `BitPlanes.reading`.
    encoder : Encoder
    head : Linear
    """

    pixels: BitPlanes
    embedding: PatchEmbedding
    encoder: Encoder
    head: Linear

    def __post_init__(self):
        for what, makes, reads in (("patch embedding", self.embedding.outputs, self.encoder.channels),
                                   ("encoder", self.encoder.channels, self.head.inputs),
                                   ("image", self.pixels.planes, self.embedding.channels)):  # fmt: skip
            require(makes == reads, f"the {what} makes {makes} channels, and what follows it reads {reads}")

    @property
    def channels(self):
        return self.embedding.channels

    @property
    def period(self):
        """Ticks per step."""
        return self.encoder.period

    @property
    def tokens(self):
        """Pixels of an image: the tokens that come in."""
        return self.embedding.grid[0] * self.embedding.grid[1]

    def build(self, flow, x):
        with flow.section("patch_embed"):
            x = self.embedding.build(flow, x)
        return self.encoder.build(flow, x)

    def spikes(self, images, steps):
        """Images as the input of a `Pipeline`.

        Parameters
        ----------
        images : (m, rows, columns) or (m, rows, columns, colours) integers
        steps : int

        Returns
        -------
        (m, steps, pixels, planes) int8
        """
        grid, colours = self.embedding.grid, self.pixels.channels
        shape = images.shape if images.ndim == 4 else (*images.shape, 1)
        require(shape[1:] == (*grid, colours),
                f"images have shape {images.shape}; they must be (m, {grid[0]}, {grid[1]}, {colours}), "
                "the last axis left out if it is 1")  # fmt: skip
        planes = self.pixels.encode(images.reshape(len(images), self.tokens, colours))
        return planes[:, None].repeat(steps, axis=1)

    def logits(self, features, steps=None):
        """What the head says of decoded spikes of the last block.

        Parameters
        ----------
        features : (m, steps, tokens, channels) integers
            `Pipeline.decode` of the output.
        steps : int, optional
            Use only the first so many steps: what a shorter run would say.

        Returns
        -------
        (m, classes) float64
        """
        return self.head(features[:, :steps].mean(axis=(1, 2)))
