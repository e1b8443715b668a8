"""Rows of small numbers, a vector of words each, added up: sums stay in registers as long as they have room there.

What a neuron reaches is kept as bits, what a row of synapses brings to each core as fields of some bits. Of a loop over
the words of a row LLVM makes no loop over vectors, and it would store the sums after each row and load them for the
next; so the loops are written here as LLVM reads them.
"""

from contextlib import contextmanager
from itertools import product

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils

from eventsim.machine import instruction, place_of, splat, vector_at, wish

__all__ = [
    "AHEAD", "BITS", "CORE_BLOCK", "FIELD", "IN_LISTS", "IN_TURN", "LARGEST_SUM", "ON_A_CORE", "ON_ONE_CORE", "SIZES",
    "sum_bits", "sum_fields", "sum_sent",
]  # fmt: skip

#: Bits of a sum of fields: four of them in a word. And of a field.
FIELD, BITS = 16, (4, 8)
LARGEST_SUM = (1 << FIELD) - 1
#: Words of a vector. Rows of 16 in two vectors of 8, each spike looked at twice, take 5 % of `clusters` more.
SIZES = (2, 4, 8, 16)
#: What stands in place of the bytes of a row where it is not kept as fields: see `spread` in GridArrays.
IN_LISTS, ON_ONE_CORE, ON_A_CORE = 0, 1, 2
#: Rows lie far apart in memory, and so many are on their way into the cache: one is added in a nanosecond or two. As
#: measured: 24, 12 take 1 and 6 % more of B4, 64 no more of any network of `counter_bench`.
AHEAD = 64
#: An addition to a number waits for the last one to the same: they come from so many far places in turn. QKTA 1 % less.
IN_TURN = np.uint64(4)
#: Neurons in a row of which a table tells the core, where it is one.
CORE_BLOCK = 64

_WORD = ir.IntType(64)
_WIDEST, _LINE = SIZES[-1], 8  # words, of the widest vector and of a line of a cache
_LOWEST_OF_BYTES = 0x0101010101010101
_ONE_IN_EACH = 0x0001000100010001  # of four sums


class _Rows:
    """Rows of words whose numbers stand in a list, as an instruction comes by them."""

    def __init__(self, context, builder, words_type, words, first_word, stride, numbers_type, numbers):
        self._context, self._builder = context, builder
        self._words, self._first_word, self._stride = (words_type, words), first_word, stride
        self._numbers = numbers_type, numbers

    def word(self, j, size=1):
        """The first word, or a vector of `size` words, of the row whose number stands in place `j`."""
        place = vector_at(self._context, self._builder, *self._words, self._at(j), size)
        vector = self._builder.load(place, align=8)
        return self._builder.extract_element(vector, _WORD(0)) if size == 1 else vector

    def ask_for_first(self, first, stop, size):
        """Have `size` words of the first rows on their way into the cache."""
        few = self._builder.add(first, _WORD(AHEAD))
        few = self._builder.select(self._builder.icmp_signed("<", few, stop), few, stop)
        with cgutils.for_range_slice(self._builder, first, few, _WORD(1)) as (j, _):
            self._wish(j, size)

    def ask(self, j, last, size):
        """Have `size` words of the row some places ahead of `j`, and the last at most, on their way into the cache."""
        ahead = self._builder.add(j, _WORD(AHEAD))
        ahead = self._builder.select(self._builder.icmp_signed("<", ahead, last), ahead, last)
        self._wish(ahead, size)

    def number(self, j):
        """The number that stands in place `j`."""
        number = self._builder.load(place_of(self._context, self._builder, *self._numbers, j))
        return number if number.type == _WORD else self._builder.sext(number, _WORD)

    def _wish(self, j, size):
        first = self._at(j)
        for word in range(0, size, _LINE):
            wish(self._context, self._builder, *self._words, self._builder.add(first, _WORD(word)))

    def _at(self, j):
        return self._builder.add(self._builder.mul(self.number(j), self._stride), self._first_word)


def _each(vector, number):
    """A constant vector like another, of one number or of a list."""
    return ir.Constant(vector.type, number if isinstance(number, list) else [number] * vector.type.count)


def _fields(builder, vector, shift, mask):
    """What is left of each word of a vector, shifted down and masked."""
    return builder.and_(builder.lshr(vector, _each(vector, shift)), _each(vector, mask))


def _add(builder, place, vector, align=None):
    builder.store(builder.add(builder.load(place, align=align), vector), place, align=align)


@instruction
def _sum_bits(_, sums, at, words, first_word, stride, numbers, first, stop):
    """sums[at + bit] += word >> bit, of each byte the lowest bit, for the eight bits of a byte and each row's word."""

    def write(context, builder, signature, arguments):
        sums, at, words, first_word, stride, numbers, first, stop = arguments
        rows = _Rows(context, builder, signature.args[2], words, first_word, stride, signature.args[5], numbers)
        place = vector_at(context, builder, signature.args[0], sums, at, 8)
        held = cgutils.alloca_once_value(builder, builder.load(place, align=8))
        with cgutils.for_range_slice(builder, first, stop, _WORD(1)) as (j, _):
            word = splat(builder, rows.word(j), 8)
            _add(builder, held, _fields(builder, word, list(range(8)), _LOWEST_OF_BYTES))
        builder.store(builder.load(held), place, align=8)
        return context.get_dummy_value()

    return types.void(sums, types.intp, words, types.intp, types.intp, numbers, types.intp, types.intp), write


@njit(nogil=True)
def sum_bits(sums, at, words, first_word, stride, numbers, first, stop):
    """Count the bits of a word of each row in bytes: those of byte B and bit b in byte B of sums[at + b].

    Parameters
    ----------
    sums : (n,) uint64
        A byte holds 255 at most.
    words : (m,) uint64
        Row r's word is words[first_word + stride * r].
    numbers : (k,) int32 or int64
        The rows are numbers[first:stop].
    """
    _sum_bits(sums, at, words, first_word, stride, numbers, first, stop)


class _Sums:
    """Sums of the fields of rows: of some rows in registers, with twice a field's bits, even fields and odd ones apart;
    of all in memory, with FIELD bits.

    In memory the lowest field of each FIELD bits of a word is summed in a vector of words at sums[at], the next one
    `n_words` words further on, and so on.
    """

    def __init__(self, context, builder, place, n_words, size, bits):
        self._context, self._builder, self._place, self._n_words = context, builder, place, n_words
        self._size, self._bits = size, bits
        self._kind = ir.VectorType(ir.IntType(2 * bits), 32 * size // bits)
        self._held = [cgutils.alloca_once(builder, self._kind) for _ in range(2)]

    def begin(self):
        """Nothing is in registers."""
        for held in self._held:
            self._builder.store(ir.Constant(self._kind, None), held)

    def fields(self, row):
        """The even and the odd fields of a vector of words."""
        row = self._builder.bitcast(row, self._kind)
        even = self._builder.and_(row, _each(row, (1 << self._bits) - 1))
        return even, self._builder.lshr(row, _each(row, self._bits))

    def add(self, fields):
        for held, some in zip(self._held, fields):
            _add(self._builder, held, some)

    def put_back(self):
        """Add what is in registers to what is in memory."""
        builder, (sums_type, sums, at) = self._builder, self._place
        mask = ((1 << 2 * self._bits) - 1) * _ONE_IN_EACH
        for odd, held in enumerate(self._held):
            words = builder.bitcast(builder.load(held), ir.VectorType(_WORD, self._size))
            for shift in range(0, FIELD, 2 * self._bits):
                layer = builder.mul(self._n_words, _WORD(shift // self._bits + odd))
                layer = vector_at(self._context, builder, sums_type, sums, builder.add(at, layer), self._size)
                _add(builder, layer, _fields(builder, words, shift, mask), align=8)


@contextmanager
def _in_runs(builder, first, stop, bits):
    """A loop over runs of places, each of as many rows as sums in registers have room for: where it begins and ends."""
    at_once = _WORD(((1 << 2 * bits) - 1) // ((1 << bits) - 1))
    with cgutils.for_range_slice(builder, first, stop, at_once) as (begin, _):
        end = builder.add(begin, at_once)
        yield begin, builder.select(builder.icmp_signed("<", end, stop), end, stop)


def _for_each_form(builder, size, bits, add_rows):
    """Code for each number of words and of bits that there may be, of which one is chosen when it runs: the size of a
    vector is a constant for LLVM."""
    for of_size, of_bits in product(SIZES, BITS):
        is_it = [builder.icmp_signed("==", size, _WORD(of_size)), builder.icmp_signed("==", bits, _WORD(of_bits))]
        with builder.if_then(builder.and_(*is_it)):
            add_rows(of_size, of_bits)


@instruction
def _sum_fields(_, size, bits, sums, at, words, first_word, n_words, numbers, first, stop):
    """For `size` words of each row: its lowest fields are added to the vector at sums[at], the next to the one
    `n_words` words further on, and so on."""

    def write(context, builder, signature, arguments):
        size, bits, sums, at, words, first_word, n_words, numbers, first, stop = arguments
        rows = _Rows(context, builder, signature.args[4], words, first_word, n_words, signature.args[7], numbers)

        def add_rows(size, bits):
            fields = _Sums(context, builder, (signature.args[2], sums, at), n_words, size, bits)
            last = builder.sub(stop, _WORD(1))
            rows.ask_for_first(first, stop, size)
            with _in_runs(builder, first, stop, bits) as (begin, end):
                fields.begin()
                with cgutils.for_range_slice(builder, begin, end, _WORD(1)) as (j, _):
                    rows.ask(j, last, size)
                    fields.add(fields.fields(rows.word(j, size)))
                fields.put_back()

        _for_each_form(builder, size, bits, add_rows)
        return context.get_dummy_value()

    two = (types.intp, types.intp)
    return types.void(*two, sums, types.intp, words, *two, numbers, *two), write


@njit(nogil=True)
def sum_fields(sums, words, first_word, n_words, bits, numbers, first, stop):
    """Add up the fields of rows: the lowest of word j are added to sums[j], the next to sums[n_words + j], and so on.

    Parameters
    ----------
    sums : (n,) uint64
        FIELD bits are one sum.
    words : (m,) uint64
        Row r is the `n_words` words from words[first_word + n_words * r] on; one of SIZES, or a multiple of 8.
    bits : int
        Of a field; one of BITS.
    numbers : (k,) int32 or int64
        The rows are numbers[first:stop].
    """
    for j in range(0, n_words, _WIDEST):
        _sum_fields(min(n_words - j, _WIDEST), bits, sums, j, words, first_word + j, n_words, numbers, first, stop)


@instruction
def _sum_sent(_, size, bits, sums, at, words, first_word, n_words, numbers, first, stop, sent, spike, cores):
    """As `_sum_fields`, and for each field other than zero one, to sums behind those; see `sum_sent`."""

    def write(context, builder, signature, arguments):
        size, bits, sums, at, words, first_word, n_words, numbers, first, stop, sent, spike, cores = arguments
        rows = _Rows(context, builder, signature.args[4], words, first_word, n_words, signature.args[7], numbers)

        def add_rows(size, bits):
            behind = builder.add(at, builder.mul(n_words, _WORD(FIELD // bits)))
            fields = _Sums(context, builder, (signature.args[2], sums, at), n_words, size, bits)
            reached = _Sums(context, builder, (signature.args[2], sums, behind), n_words, size, bits)
            last = builder.sub(stop, _WORD(1))
            rows.ask_for_first(first, stop, size)
            with _in_runs(builder, first, stop, bits) as (begin, end):
                fields.begin()
                reached.begin()
                with cgutils.for_range_slice(builder, begin, end, _WORD(1)) as (j, _):
                    rows.ask(j, last, size)
                    brought = fields.fields(rows.word(j, size))
                    fields.add(brought)
                    is_any = [builder.icmp_unsigned("!=", some, ir.Constant(some.type, None)) for some in brought]
                    reached.add([builder.zext(flags, some.type) for flags, some in zip(is_any, brought)])
                    message_count = builder.add(*(_how_many(builder, flags) for flags in is_any))
                    core = _core_of(context, builder, signature.args[12], cores, rows.number(j))
                    place = place_of(context, builder, signature.args[10], sent, core)
                    of_core = builder.add(builder.load(place), builder.add(spike, message_count))
                    builder.store(of_core, place)
                fields.put_back()
                reached.put_back()

        _for_each_form(builder, size, bits, add_rows)
        return context.get_dummy_value()

    two = (types.intp, types.intp)
    return types.void(*two, sums, types.intp, words, *two, numbers, *two, sent, types.intp, cores), write


def _how_many(builder, flags):
    """How many of a vector of flags are set."""
    bits = builder.bitcast(flags, ir.IntType(flags.type.count))
    found = builder.ctpop(bits)
    return builder.zext(found, _WORD) if bits.type.width < 64 else builder.trunc(found, _WORD)


def _core_of(context, builder, cores_type, cores, number):
    """The core of a neuron, counted from the host: that of its block, or its own where the block is on several."""
    start, of_block, of_each = (builder.extract_value(cores, k) for k in range(3))
    neuron = builder.add(start, number)
    block = builder.lshr(neuron, _WORD(CORE_BLOCK.bit_length() - 1))
    core = cgutils.alloca_once_value(
        builder, builder.sext(builder.load(place_of(context, builder, cores_type[1], of_block, block)), _WORD)
    )
    with builder.if_then(builder.icmp_signed("<", builder.load(core), _WORD(0)), likely=False):
        own = builder.load(place_of(context, builder, cores_type[2], of_each, neuron))
        builder.store(builder.add(builder.sext(own, _WORD), _WORD(1)), core)
    return builder.load(core)


@njit(nogil=True)
def sum_sent(sums, words, first_word, n_words, bits, numbers, first, stop, sent, start, block_core, core_of):
    """As `sum_fields` for the rows of neurons that fire; and count what they reach.

    For each field other than zero, one is added to a sum as many words behind the field's as the fields have; and for
    each neuron, 2^32 and how many of its fields are other than zero, to sent[its core, counted from the host].

    Parameters
    ----------
    sent : (n_cores,) uint64
    start : int
        What to add to a number for the neuron's id.
    block_core : (n_blocks,) int32
        The core of each CORE_BLOCK of neurons, counted from the host, or below zero: that of each is in `core_of` then.
    core_of : (n_neurons,) int32
        -1 for the host.
    """
    for j in range(0, n_words, _WIDEST):
        size, spike = min(n_words - j, _WIDEST), 0 if j else 1 << 32
        _sum_sent(size, bits, sums, j, words, first_word + j, n_words, numbers, first, stop, sent, spike,
                  (start, block_core, core_of))  # fmt: skip
