"""Encoder blocks: attention, feed-forward layers and residual paths, to any depth; and whole models around them."""

from circuits.encoder.block import Encoder, EncoderBlock
from circuits.encoder.classifier import SpikingTransformer
from circuits.encoder.feed_forward import MembraneFeedForward, SpikingFeedForward
from circuits.encoder.patch_embedding import PatchEmbedding, SpikePool

__all__ = [
    "Encoder", "EncoderBlock", "MembraneFeedForward", "PatchEmbedding", "SpikePool", "SpikingFeedForward",
    "SpikingTransformer",
]  # fmt: skip
