"""Encoder blocks: attention, feed-forward layers and residual paths, to any depth."""

from circuits.encoder.block import Encoder, EncoderBlock
from circuits.encoder.feed_forward import MembraneFeedForward, SpikingFeedForward

__all__ = ["Encoder", "EncoderBlock", "MembraneFeedForward", "SpikingFeedForward"]
