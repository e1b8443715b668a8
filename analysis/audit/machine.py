"""The machine of the replay: a stack machine that runs a network's statements for many neurons at a time.

It shares nothing with the simulation kernels, whose source is written for each network: here the statements are data,
and one compiled function runs them all. Neurons do not meet in it. Whatever reaches one of them is given, arrival by
arrival, from the recorded spikes; so is whether it fired, and the machine says whether it should have.

Invariants
- A neuron's registers hold its variables; what reaches it, and its own spikes, change those of one neuron only.
- History is the recorded one: after a spike that is not justified the neuron is reset as if it were, so that each
  verdict is about one tick, given the record of all ticks before.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from analysis.audit.instructions import BLOCK, STACK, Functions, execute
from eventsim.code_cache import cached_njit

__all__ = ["CONDITION", "DELIVER", "FIRST_FREE", "RESET", "THRESHOLD", "UPDATE", "Arrivals", "Program", "Verdicts",
           "run"]  # fmt: skip

#: Kinds of operation.
UPDATE, THRESHOLD, RESET, DELIVER = range(4)

#: Registers that every neuron has: the outcome of its threshold.
CONDITION, FIRST_FREE = range(2)


class Program(NamedTuple):
    """What happens in a tick.

    Parameters
    ----------
    operations : (n, 10) int64
        In order: kind; every how many ticks; first and last + 1 slot concerned; first and last + 1 instruction; those
        of what is executed on firing; how many neurons or arrivals may be handled together; of a reset, how many ticks
        ago those fired whom it concerns.
    code : (m, 2) int64
        Opcode and argument.
    numbers : float64
        Those that the code pushes.
    functions : Functions
    """

    operations: np.ndarray
    code: np.ndarray
    numbers: np.ndarray
    functions: Functions


class Arrivals(NamedTuple):
    """Deliveries to replayed neurons, in the order in which they are applied: by tick, then place.

    Parameters
    ----------
    tick, place, slot : int64
        `place` is the operation that applies them.
    weight : float64
    """

    tick: np.ndarray
    place: np.ndarray
    slot: np.ndarray
    weight: np.ndarray


class Verdicts(NamedTuple):
    """What was decided so far; each array is changed in place.

    Parameters
    ----------
    checked, wrong : (2,) int64
        Silences and spikes: how many were tried, and how many are not justified.
    first : (2, 2) int64
        Tick and slot of the first silence and of the first spike that is not justified; tick -1 when there is none.
    """

    checked: np.ndarray
    wrong: np.ndarray
    first: np.ndarray


@cached_njit(error_model="numpy")
def run(tick, stop, program, registers, start, resets, arrivals, spike_tick, spike_slot, verdicts, seen):
    """Replay ticks `tick` to `stop` - 1.

    Parameters
    ----------
    tick, stop : int
    program : Program
    registers, start : (width, n_slots) float64
        The neurons' registers now, and as a reset by the host leaves them.
    resets : int64
        Ticks at which the host resets, ascending.
    arrivals : Arrivals
        All of these ticks.
    spike_tick, spike_slot : int64
        Recorded spikes of these ticks, and of as many before as resets lag, by (tick, slot).
    verdicts : Verdicts
    seen : (n_ticks, width, n_slots) float64
        Where registers are kept as they are when the threshold has been tested; n_ticks is 0 where nobody asks.
    """
    n_slots = registers.shape[1]
    tested, everyone = np.zeros(n_slots, np.bool_), np.arange(n_slots)
    stack, nothing = np.empty((STACK, BLOCK)), np.empty(0)
    first, arrival, k = tick, 0, _count_below(resets, tick)
    reset = resets[k - 1] if k else 0
    while tick < stop:
        while k < resets.size and resets[k] == tick:
            reset = tick
            k += 1
            _copy(start, registers, 0, n_slots)
        fired = _fired_at(tick, spike_tick, spike_slot, reset)
        for place in range(len(program.operations)):
            kind, every, slot_from, slot_to, from_, to, on_firing, on_firing_to, block, lag = program.operations[place]
            if tick % every:
                continue
            step = float(tick // every)
            if kind == DELIVER:
                last = arrival
                while last < arrivals.tick.size and arrivals.tick[last] == tick and arrivals.place[last] == place:
                    last += 1
                if last > arrival:
                    slots, weight = arrivals.slot[arrival:last], arrivals.weight[arrival:last]
                    execute(program, from_, to, registers, slots, weight, step, stack, block)
                    arrival = last
                continue
            if kind == RESET:
                before = _fired_at(tick - lag, spike_tick, spike_slot, reset) if lag else fired
                slots = _within(before, slot_from, slot_to)
                if len(slots):
                    execute(program, from_, to, registers, slots, nothing, step, stack, block)
                continue
            own = _within(fired, slot_from, slot_to)
            slots = everyone[slot_from:slot_to]
            execute(program, from_, to, registers, slots, nothing, step, stack, block)
            if kind == THRESHOLD:
                _judge(verdicts, tick, slots, registers[CONDITION], own)
                tested[slot_from:slot_to] = True
                if len(own):
                    execute(program, on_firing, on_firing_to, registers, own, nothing, step, stack, block)
                if len(seen):
                    _copy(registers, seen[tick - first], slot_from, slot_to)
        for slot in fired:
            if not tested[slot]:  # fired although its threshold was not even looked at
                _book(verdicts, 1, tick, slot, False)
        tested[:] = False
        tick += 1


@njit
def _copy(registers, to, slot_from, slot_to):
    for register in range(len(registers)):
        for slot in range(slot_from, slot_to):
            to[register, slot] = registers[register, slot]


@njit
def _fired_at(tick, spike_tick, spike_slot, reset):
    """Slots that fired at a tick; none, when the host has reset since."""
    if tick < reset:
        return spike_slot[:0]
    return spike_slot[_count_below(spike_tick, tick) : _count_below(spike_tick, tick + 1)]


@njit
def _within(slots, first, stop):
    return slots[_count_below(slots, first) : _count_below(slots, stop)]


@njit
def _count_below(values, bound):
    """How many of some ascending values are below a bound; numpy's own takes seconds to compile."""
    low, high = 0, values.size
    while low < high:
        middle = (low + high) // 2
        if values[middle] < bound:
            low = middle + 1
        else:
            high = middle
    return low


@njit
def _judge(verdicts, tick, slots, condition, fired):
    """Compare who was due to fire with who did, in one tick of one population."""
    k = 0
    for slot in slots:
        did = k < fired.size and fired[k] == slot
        k += did
        _book(verdicts, int(did), tick, slot, (condition[slot] != 0.0) == did)


@njit(inline="always")
def _book(verdicts, kind, tick, slot, justified):
    verdicts.checked[kind] += 1
    if not justified:
        verdicts.wrong[kind] += 1
        if verdicts.first[kind, 0] < 0:
            verdicts.first[kind, 0], verdicts.first[kind, 1] = tick, slot
