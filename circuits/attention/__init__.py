"""Attention circuits, one file each."""

from circuits.attention.stored_keys import StoredKeyAttention

__all__ = ["StoredKeyAttention"]
