"""What every grid kernel counts of spikes, in the tick in which they are found: they themselves, and their messages.

A message goes to each core that the synapses of the neuron reach, in the wiring that this very run was laid out from.
Where each spike sends one row, what this adds to cores is summed up here too, for the tick in which the rows land
(`eventsim.grid.single`). How many messages went from which core to which follows at the end, from the spikes that were
counted of each neuron. Nothing is read off a recorded spike or an out-degree.

Places in loops are unsigned, as in `eventsim.grid.ticks`.
"""

import numpy as np

from eventsim.code_cache import cached_njit
from eventsim.counts import MESSAGES_IN, MESSAGES_OUT, SPIKES, SYNAPTIC_EVENTS
from eventsim.grid.alike import place_of_coming
from eventsim.grid.lists import ask_for_entries, bring, forget, place_of_list
from eventsim.machine import ask_for, ask_for_list, ask_for_row
from eventsim.outline import UNCOUNTED, outlined
from eventsim.sums import AHEAD, IN_LISTS, IN_TURN, LARGEST_SUM, sum_bits, sum_sent

__all__ = ["announce", "count_announced"]

#: Spikes that are sent one by one; kinds looked at in vain while one is sent. As measured: SSA 2 %, B1 1 % less.
_FEW, _LOOKS = 4, 4
#: So many spikes for each stretch of neurons of a kind, and its end is looked for, not the kind of each: QKTA 1 % less.
_SEARCH = 32
_MOST_IN_BYTES = 255
#: Bytes of tables that a near cache holds: they are not asked for early, chip 2 % less. B3 takes 2 % more without.
_FAR = 1 << 19
_1, _32 = (np.uint64(n) for n in (1, 32))
_32_BITS = np.uint64(2**32 - 1)


@outlined
@cached_njit(error_model="numpy", **UNCOUNTED)
def announce(a, part, k, at, fired, here):
    """Count the spikes of population k, and for each the message to each core that it reaches.

    Of a few for which one has to look far it is done at the end of the tick, by `count_announced`, and what it looks at
    is asked for here.

    Parameters
    ----------
    a : GridArrays
        Its `told_apart`, `lane_words`, `brought`, `sends` and `message_words` are zero.
    at, fired : int
        Where in `history` the spikes begin, and how many they are.
    here : int
        Where in `cells` this part's and tick's counts begin, kind by kind.
    """
    if a.sender_of.size:
        _announce_kinds(a, part, k, at, fired, here)
    elif not _are_few_and_far(a, fired):
        _count(a, part, k, at, fired, here)
    else:
        a.announced[part, _place_of_tick(a, here)] = True  # sources fire some ticks ahead
        if a.single_at[k] < a.single_at[k + 1]:
            _ask_for_rows(a, k, at, fired)
        else:
            _ask_for_each(a, k, at, fired)


@outlined
@cached_njit(error_model="numpy", **UNCOUNTED)
def count_announced(a, part, slot, here):
    """Count what `announce` put off, of all populations.

    Parameters
    ----------
    a, part, here
        As `announce` has them.
    slot : int
        Of the tick, in `history`.
    """
    a.announced[part, _place_of_tick(a, here)] = False
    for k in range(a.population_size.size):
        fired = a.history_count[part, k, slot]
        if fired and _are_few_and_far(a, fired):
            _count(a, part, k, a.history_at[k] + slot * a.population_size[k] + a.bounds[part, k], fired, here)


@cached_njit(error_model="numpy", forceinline=True, **UNCOUNTED)
def _are_few_and_far(a, fired):
    """Whether so many spikes are asked for all at once, and it is worth while."""
    return fired <= AHEAD and (a.senders.size + a.lanes.size) * 8 + a.lists.size * a.lists.itemsize >= _FAR


@cached_njit(error_model="numpy", forceinline=True, **UNCOUNTED)
def _place_of_tick(a, here):
    """Which of the last ticks counts in `cells` from `here` on."""
    _, depth, n_kinds, n_cores = a.tally.shape
    return here // (n_kinds * n_cores) % depth


@cached_njit(error_model="numpy", **UNCOUNTED)
def _count(a, part, k, at, fired, here):
    """Count spikes where senders are no kinds."""
    if a.single_at[k] < a.single_at[k + 1]:
        _announce_rows(a, k, at, fired, here)
    else:
        _announce_each(a, part, k, at, fired, here)


@cached_njit(error_model="numpy", **UNCOUNTED)
def _announce_kinds(a, part, k, at, fired, here):
    """The same where senders are some kinds of neurons: of more than a few spikes each kind is looked at once, and of
    as many as `_count_alike` of `eventsim.grid.counting` takes for told, what rows that are alike bring is held."""
    senders, reach, reach_at, cells, width, n_cores = (
        a.senders, a.reach, a.reach_at, a.cells, a.width, a.tally.shape[3]
    )  # fmt: skip
    history, sender_of, told_apart, start = a.history, a.sender_of, a.told_apart[part], a.population_start[k]
    lowest, behind, first_sender = a.kinds_at[k, 0], a.kinds_at[k, 1], part * a.n_senders
    if fired < min(max(_FEW, (behind - lowest) // _LOOKS), a.alike_from[k]):
        for j in range(np.uint64(at), np.uint64(at + fired)):
            sender = first_sender + sender_of[np.uint64(start + history[j])]
            _send(senders, width, reach, reach_at, sender, np.int64(1), cells, here, n_cores)
        return
    if 0 < _SEARCH * (a.alike_at[k + 1] - a.alike_at[k]) <= fired:
        _tell_stretches_apart(told_apart, a.alike, a.alike_at[k], a.alike_at[k + 1], history, at, fired)
    else:
        _tell_apart(told_apart, sender_of, start, history, at, fired)
    if fired >= a.alike_from[k]:
        _bring(a, part, k, (at - a.history_at[k]) // a.population_size[k])
    for s in range(lowest, behind):
        if told_apart[s]:
            _send(senders, width, reach, reach_at, first_sender + s, told_apart[s], cells, here, n_cores)
            told_apart[s] = 0


@cached_njit(error_model="numpy", **UNCOUNTED)
def _bring(a, part, k, slot):
    """Hold what spikes that were told apart bring by rows that are alike until these land."""
    told_apart, cells, brings, lowest = a.told_apart[part], a.cells, a.alike_brings, np.uint64(a.kinds_at[k, 0])
    n_kinds, half = a.kinds_at[k, 1] - a.kinds_at[k, 0], np.uint64(4 * a.alike_brings.itemsize)
    mask = (_1 << half) - _1
    for r in range(a.alike_rows_at[k], a.alike_rows_at[k + 1]):
        pathway, first = a.alike_rows[r, 1], a.alike_rows[r, 2]
        for d in range(a.delays_at[pathway + 1] - a.delays_at[pathway]):
            start = place_of_coming(a, pathway, slot, d)
            for cell in range(np.uint64(start), np.uint64(start + a.spread[0, pathway, 2])):
                cells[cell] = 0
            start -= a.spread[0, pathway, 1]
            for s in range(np.uint64(n_kinds)):
                word = np.uint64(brings[np.uint64(first) + s])
                if word:
                    cells[np.uint64(start) + (word & mask)] += np.uint64(told_apart[lowest + s]) * (word >> half)
            first += n_kinds


@cached_njit(error_model="numpy", **UNCOUNTED)
def _tell_apart(told_apart, sender_of, start, history, at, fired):
    """Count the spikes of each kind, of each neuron that fired."""
    apart = np.uint64(fired) // IN_TURN
    for j in range(np.uint64(at), np.uint64(at) + apart):
        for turn in range(IN_TURN):
            told_apart[sender_of[np.uint64(start + history[j + turn * apart])]] += 1
    for j in range(np.uint64(at) + IN_TURN * apart, np.uint64(at + fired)):
        told_apart[sender_of[np.uint64(start + history[j])]] += 1


@cached_njit(error_model="numpy", **UNCOUNTED)
def _tell_stretches_apart(told_apart, alike, first, last, history, at, fired):
    """The same where neurons of a kind stand together: so do, in order, those that fired."""
    place, stop = at, at + fired
    for stretch in range(first, last):
        before, place = place, _first_from(history, place, stop, alike[stretch, 0])
        told_apart[alike[stretch, 1]] += place - before


@cached_njit(error_model="numpy", forceinline=True, **UNCOUNTED)
def _first_from(history, place, stop, neuron):
    """The first place in history[place:stop], which rises, of a neuron that is not below another; `stop` if none is.

    A branch that nobody could guess takes longer than the look.
    """
    left = stop - place
    while left > 0:
        half = (left + 1) // 2
        place += half if history[np.uint64(place + half - 1)] < neuron else 0
        left -= half
    return place


@cached_njit(error_model="numpy", **UNCOUNTED)
def _announce_rows(a, k, at, fired, here):
    """The same where each spike sends a single row: what it brings, and so whom it reaches, is counted too, for the
    tick in which it lands."""
    cells, sends, single, n_cores, place, stop = a.cells, a.sends, a.single, a.tally.shape[3], at, at + fired
    last = a.single_at[k + 1] - 1
    for s in range(a.single_at[k], last + 1):
        first, place = place, stop if s == last else _first_from(a.history, place, stop, single[s, 1])
        if place > first:
            _send_rows(a, k, single[s, 0], first, place - first, here)
    spikes, messages_out = np.uint64(here + SPIKES * n_cores), np.uint64(here + MESSAGES_OUT * n_cores)
    cores = range(np.uint64(a.cores_at[k, 0]), np.uint64(a.cores_at[k, 1]))
    for core in cores:
        cells[spikes + core] += np.int64(sends[core] >> _32)
        cells[messages_out + core] += np.int64(sends[core] & _32_BITS)
    for core in cores:
        sends[core] = 0


@cached_njit(error_model="numpy", **UNCOUNTED)
def _ask_for_rows(a, k, at, fired):
    """Have on its way into the cache what the rows of a few spikes bring."""
    s, last = a.single_at[k], a.single_at[k + 1] - 1
    for j in range(np.uint64(at), np.uint64(at + fired)):
        neuron = np.int64(a.history[j])
        while s < last and neuron >= a.single[s, 1]:
            s += 1
        pathway = a.single[s, 0]
        n_bytes, first = a.spread[0, pathway, 0], a.spread[0, pathway, 3]
        if n_bytes == IN_LISTS:
            step = a.spread[0, pathway, 6]
            ask_for_entries(a.lists, step, place_of_list(a.list_at, step, first, a.lists, neuron))
        else:
            ask_for_row(a.lanes, first + n_bytes // 8 * neuron, first + n_bytes // 8 * (neuron + 1))


@cached_njit(error_model="numpy", **UNCOUNTED)
def _send_rows(a, k, pathway, at, fired, here):
    """Count what spikes bring by a pathway, and that they are sent: how often each core sends is left in `sends`."""
    lowest, n, events, cells = a.spread[0, pathway, 1], a.spread[0, pathway, 2], here, a.cells
    if a.delays[a.delays_at[pathway]]:
        coming = a.coming_at[pathway] + (at - a.history_at[k]) // a.population_size[k] * n
        for cell in range(np.uint64(coming), np.uint64(coming + n)):
            cells[cell] = 0
        events = coming - lowest
    messages_in = here + (MESSAGES_IN - SYNAPTIC_EVENTS) * a.tally.shape[3]
    if a.spread[0, pathway, 0] == IN_LISTS:
        _send_lists(a, pathway, at, fired, np.uint64(events + lowest), np.uint64(messages_in + lowest))
    else:
        _send_lanes(a, k, pathway, at, fired, np.uint64(events + lowest), np.uint64(messages_in + lowest))


@cached_njit(error_model="numpy", **UNCOUNTED)
def _send_lanes(a, k, pathway, at, fired, events, messages_in):
    """Count what the rows of spikes bring, and that they are sent, by their lanes: the first one's cells."""
    spread, cells, words, sums = a.spread, a.cells, a.lane_words[0], a.lane_sums[0]
    n_bytes, n, first_word, per_byte = (
        spread[0, pathway, 0], spread[0, pathway, 2], spread[0, pathway, 3], spread[0, pathway, 4]
    )  # fmt: skip
    bits, n_words, n_lanes, lanes = 8 // per_byte, n_bytes // 8, np.uint64(n_bytes * per_byte), range(np.uint64(n))
    at_once = LARGEST_SUM // ((1 << bits) - 1)
    for first in range(at, at + fired, at_once):
        sum_sent(words, a.lanes, first_word, n_words, bits, a.history, first, min(first + at_once, at + fired), a.sends,
                 a.population_start[k], a.block_core, a.core_of)  # fmt: skip
        for lane in lanes:
            cells[events + lane] += np.int64(sums[lane])
        for lane in lanes:
            cells[messages_in + lane] += np.int64(sums[n_lanes + lane])
        for word in range(np.uint64(4 * n_words * per_byte)):
            words[word] = 0


@cached_njit(error_model="numpy", **UNCOUNTED)
def _send_lists(a, pathway, at, fired, events, messages_in):
    """The same by their lists: what they bring is summed up in the lower half of words, the messages in the upper."""
    lists, list_at, history, brought, sends, cells = a.lists, a.list_at, a.history, a.brought[0], a.sends, a.cells
    n, first, places = a.spread[0, pathway, 2], a.spread[0, pathway, 3], a.landed[0]
    bits, step = a.spread[0, pathway, 4], a.spread[0, pathway, 6]
    for j in range(np.uint64(fired)):
        places[j] = place_of_list(list_at, step, first, lists, history[np.uint64(at) + j])
    for j in range(-AHEAD, fired):
        ask_for_entries(lists, step, places[np.uint64(min(j + AHEAD, fired - 1))])
        if j >= 0:
            place = np.uint64(places[np.uint64(j)])
            sends[np.uint64(lists[place])] += (_1 << _32) + np.uint64(lists[place + _1])
            bring(lists, place, bits, brought)
    for cell in range(np.uint64(n)):
        cells[events + cell] += np.int64(brought[cell] & _32_BITS)
        cells[messages_in + cell] += np.int64(brought[cell] >> _32)
        brought[cell] = 0
    forget(brought, bits)


@cached_njit(error_model="numpy", **UNCOUNTED)
def _announce_each(a, part, k, at, fired, here):
    """The same where each neuron is a sender."""
    history, messages, start = a.history, a.message_words[part], a.population_start[k]
    senders, reach, reach_at, cells, width, n_cores = (
        a.senders, a.reach, a.reach_at, a.cells, a.width, a.tally.shape[3]
    )  # fmt: skip
    last = at + fired - 1
    for j in range(at - AHEAD, at - AHEAD + min(AHEAD, fired)):
        _ask_for_senders(senders, width, reach, reach_at, start, history, j, last)
    for first in range(at, at + fired, _MOST_IN_BYTES):
        stop = min(first + _MOST_IN_BYTES, at + fired)
        for j in range(first, stop):
            _ask_for_senders(senders, width, reach, reach_at, start, history, j, last)
            _send(senders, width, reach, reach_at, start + history[j], np.int64(1), cells, here, n_cores)
        for word in range(2, width):
            sum_bits(messages, 8 * (word - 2), senders, start * width + word, width, history, first, stop)
        if width > 2:
            _count_messages(a, part, here)


@cached_njit(error_model="numpy", **UNCOUNTED)
def _ask_for_each(a, k, at, fired):
    """Have on its way into the cache what is known of the senders of a few spikes."""
    for j in range(np.uint64(at), np.uint64(at + fired)):
        sender = a.population_start[k] + a.history[j]
        ask_for_row(a.senders, sender * a.width, (sender + 1) * a.width)
        if a.reach_at.size:
            ask_for(a.reach_at, sender)


@cached_njit(error_model="numpy", forceinline=True, **UNCOUNTED)
def _ask_for_senders(senders, width, reach, reach_at, start, history, j, last):
    """Have on its way into the cache what the sender some places ahead of `j` needs, and of one twice as far the place
    of its list."""
    near, far = start + history[min(j + AHEAD, last)], start + history[min(j + 2 * AHEAD, last)]
    ask_for_row(senders, near * width, (near + 1) * width)
    if reach_at.size:
        ask_for_list(reach_at, reach, near, far)


@cached_njit(error_model="numpy", forceinline=True, **UNCOUNTED)
def _send(senders, width, reach, reach_at, sender, times, cells, here, n_cores):
    """Count so many spikes of a sender and their messages: those sent, and, where it has a list, those to each core."""
    at = np.uint64(sender * width)
    core = here + np.int64(senders[at] & _32_BITS)
    senders[at + _1] += np.uint64(times)
    cells[core + SPIKES * n_cores] += times
    cells[core + MESSAGES_OUT * n_cores] += times * np.int64(senders[at] >> _32)
    if reach_at.size:
        for r in range(reach_at[sender], reach_at[sender + 1]):
            cells[here + MESSAGES_IN * n_cores + np.int64(reach[r]) + 1] += times


@cached_njit(error_model="numpy", **UNCOUNTED)
def _count_messages(a, part, here):
    """Add to the cells what was counted in bytes, one for each core, and begin to count anew."""
    messages, cells, n_cores = a.message_bytes[part], a.cells, a.tally.shape[3]
    first = np.uint64(here + MESSAGES_IN * n_cores + 1)
    for core in range(np.uint64(n_cores - 1)):
        cells[first + core] += np.int64(messages[core])
    for core in range(np.uint64(n_cores - 1)):
        messages[core] = 0
