"""Attention circuits, one file each."""

from circuits.attention.dssa import DSSA
from circuits.attention.duration_head import DurationHead
from circuits.attention.heads import HEADS, AttentionHead
from circuits.attention.latency_head import LatencyHead
from circuits.attention.meta import MetaAttention
from circuits.attention.mixing import Mixing
from circuits.attention.qk_channel import QKChannelAttention
from circuits.attention.qk_token import QKTokenAttention
from circuits.attention.rate_head import RateHead
from circuits.attention.sdsa import SDSA
from circuits.attention.spiked_attention import SpikedAttention
from circuits.attention.spiking_bert import SpikingBertAttention
from circuits.attention.spiking_rwkv import SpikingRWKV
from circuits.attention.ssa import SSA
from circuits.attention.stored_keys import StoredKeyAttention

__all__ = [
    "AttentionHead", "DSSA", "DurationHead", "HEADS", "LatencyHead", "MetaAttention", "Mixing", "QKChannelAttention",
    "QKTokenAttention", "RateHead", "SDSA", "SSA", "SpikedAttention", "SpikingBertAttention", "SpikingRWKV",
    "StoredKeyAttention",
]  # fmt: skip
