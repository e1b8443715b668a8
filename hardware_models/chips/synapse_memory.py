"""SynapseMemory: how many words of a core's memory a list of synapses takes.

A list holds the synapses from one sender to one core. It is cut into blocks of at most `synapses_per_block`; a block of
n synapses takes

    header_bits + n (weight_bits + index_bits + delay_bits)

rounded up to whole words. The delay field is as wide as the longest delay of the network asks for.
"""

import msgspec
import numpy as np

from hardware_models.chips.figures import Count

__all__ = ["SynapseMemory"]


class SynapseMemory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The format in which a chip keeps lists of synapses."""

    word_bits: Count
    synapses_per_block: Count
    header_bits: Count
    weight_bits: Count
    index_bits: Count

    def words(self, longest_delay, size):
        """Words that lists of so many synapses take: an int64 array like `size`."""
        each = self.weight_bits.value + self.index_bits.value + int(longest_delay).bit_length()
        most = self.synapses_per_block.value
        full, rest = np.divmod(np.asarray(size, dtype=np.int64), most)
        return full * self._block(most, each) + np.where(rest > 0, self._block(rest, each), 0)

    def _block(self, n, each):
        return -(-(self.header_bits.value + n * each) // self.word_bits.value)
