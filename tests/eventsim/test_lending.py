"""Arrays lent to a kernel: what it reads and writes is what the lender holds, whatever their shapes and types."""

from collections import namedtuple

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from eventsim.lending import Lent, lent

Arrays = namedtuple("Arrays", "line plane space hyper bits every_other number small records")
RECORD = np.dtype([("tick", np.int64), ("offset", np.float64)], align=True)


def arrays():
    rng = np.random.default_rng(0)
    return Arrays(
        line=rng.random(5), plane=rng.integers(9, size=(2, 3)), space=rng.random((2, 3, 4)).astype(np.float32),
        hyper=rng.integers(9, size=(2, 3, 4, 5)), bits=rng.random(7) < 0.5,
        every_other=np.arange(10, dtype=np.uint16)[1::2], number=7, small=np.uint32(2**32 - 1),
        records=np.array([(3, 0.25), (4, 0.75)], dtype=RECORD),
    )  # fmt: skip


@njit
def _sums(a):
    line, hyper = a.line, a.hyper
    flat = hyper.reshape(hyper.size)
    return (line.sum(), a.plane[1, 2], a.space[1, 2, 3], flat[-1], a.bits.sum(), a.every_other.sum(), a.number, a.small,
            a.records[1].offset)  # fmt: skip


@njit
def _write(a):
    a.line[-1] = 8.0
    a.plane[1, 0] = -1
    a.hyper[1, 2, 3, 4] = 70
    a.every_other[0] = 9
    a.records[0].tick = 5
    words = a.line.view(np.uint64)
    words[0] = 0


def test_a_kernel_reads_what_the_lender_holds():
    held = arrays()
    expected = (held.line.sum(), held.plane[1, 2], held.space[1, 2, 3], held.hyper[-1, -1, -1, -1], held.bits.sum(),
                25, 7, 2**32 - 1, 0.75)  # fmt: skip
    assert _sums(Lent(held)) == pytest.approx(expected, rel=1e-15)


def test_what_it_writes_the_lender_finds():
    held = arrays()
    _write(Lent(held))
    assert (held.line[0], held.line[-1], held.plane[1, 0], held.hyper[-1, -1, -1, -1]) == (0.0, 8.0, -1, 70)
    assert held.every_other.tolist() == [9, 3, 5, 7, 9] and held.records["tick"].tolist() == [5, 4]


def test_one_array_may_be_another_and_the_lender_keeps_his():
    held, own = arrays(), np.full(5, 2.0)
    first = Lent(held)
    other = first.with_other("line", own)
    assert other.line is own and other.plane is held.plane and _sums(other)[:2] == (10.0, held.plane[1, 2])
    _write(other)
    assert own[-1] == 8.0 and held.line[-1] != 8.0 and _sums(first)[0] == pytest.approx(held.line.sum())


def test_arrays_of_other_types_are_another_type_and_of_other_sizes_the_same():
    held = arrays()
    longer, wider = held._replace(line=np.ones(50)), held._replace(line=np.ones(5, np.float32))
    assert Lent(held).numba_type == Lent(longer).numba_type != Lent(wider).numba_type
    assert _sums(Lent(longer))[0] == 50 and _sums(Lent(wider))[0] == 5


def test_python_reads_a_lent_tuple_as_the_tuple():
    held = arrays()
    assert Lent(held).line is held.line and Lent(held).number == 7


def test_a_name_that_there_is_not_is_an_error_when_the_kernel_is_compiled():
    with pytest.raises(TypingError, match="other"):
        njit(lambda a: a.other.size)(Lent(arrays()))


def test_lent_tuples_are_the_same_arrays():
    held = arrays()

    @njit
    def write(a):
        a = lent(a)
        a.line[0] = 3.0
        return a.plane[0, 0]

    assert write(held) == held.plane[0, 0] and held.line[0] == 3.0
