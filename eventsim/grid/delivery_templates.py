"""The text of a delivery, row by row, and of its record; filled in by `eventsim.grid.delivery_source`."""

__all__ = [
    "ASK", "ASK_CODES", "CAME", "CAME_NONE", "COUNT_ROWS", "DELIVER", "EVENT", "EVENTS_OF_ROW", "EVENT_MARK",
    "EVENT_ROOM", "EVENT_START", "EVENT_STOP", "ROW", "ROW_WEIGHT", "SENDER", "STRETCHES", "WEIGHT",
]  # fmt: skip

# The rows that land in this tick are looked up, delivered, and counted; none, when nothing has fired for so long. The
# spikes of other parts are not looked at for that. Places are unsigned, as in `eventsim.grid.ticks`.
DELIVER = """            # {where}
{came}            if {is_time} and (tick - latest <= longest or n_parts > 1):
                n_landed, done = land(a, part, np.int64({p}), np.int64({s}), tick), np.int64(0)
{event_start}                for j in range(n_landed):
{ask}                    row = np.uint64(landed[part, j])
{sender}{of_row}                    first, last = np.uint64(rows[row, 0]), np.uint64(rows[row + np.uint64(1), 0])
                    rows[row, 1] += 1
{each}{counted}{event_stop}"""

# Rows are counted when they are done; or how much was done is left for the thread that counts.
COUNT_ROWS = """                if n_landed:
                    count_rows(a, part, np.int64({p}), n_landed, done, tick, here)
                    is_busy = True
"""

CAME = """                came[slot, {p}] = done
"""

CAME_NONE = """            came[slot, {p}] = 0
"""

# Who sent a row, where its synapses read that neuron's variables.
SENDER = """                    sender = (np.int64(row) - rows_at[part, {p}]) // (delays_at[{p} + 1] - delays_at[{p}])
"""

# What a row does, synapse by synapse; or stretch by stretch, see `eventsim.grid.stretches`.
ROW = """                    for synapse in range(first, last):
                        i = target[synapse]
{each}{event}                        done += 1
"""

# Were places signed, the loop would be none over vectors.
STRETCHES = """                    first_stretch = np.uint64(stretch_at[row])
                    for s in range(first_stretch, np.uint64(stretch_at[row + np.uint64(1)])):
                        begin, size, place = stretch[s, 0], stretch[s, 1], stretch[s, 2]
{wake}                        for along in range(np.uint64(size)):
                            i = np.uint64(begin) + along
{each}                        done += size
{event}"""

# Where deliveries are recorded: a part writes them behind each other into its stretch of `event_synapse`, which must
# have room for a whole tick's; a tick with deliveries leaves a mark of how far each part came. Parts then run tick by
# tick.
EVENT_MARK = """            if stop > before and event_end.sum() > events_before:
                mark_tick[n_marks[0]] = before
                mark_end[n_marks[0], :] = event_end
                n_marks[0] += 1
            events_before = event_end.sum()
"""

EVENT_ROOM = """            is_full = mark_tick.size == n_marks[0]
            for q in range(n_parts):
                is_full |= event_at[q + 1] - event_end[q] < event_most[q]
            may_run[0] = stop if is_full else min(may_run[0], stop + 1)
"""

EVENT_START = """                records = event_window[{p}, 0] <= tick and tick < event_window[{p}, 1]
                event = event_end[part]
"""

EVENT = """                        if records:
                            event_synapse[event] = synapse
                            event += 1
"""

EVENTS_OF_ROW = """                    if records:
                        for synapse in range(first, last):
                            event_synapse[event] = synapse
                            event += 1
"""

EVENT_STOP = """                event_end[part] = event
"""

# Rows to come are asked for early: a table of many synapses is in no cache.
ASK = """                    if j + 4 < n_landed:
                        row = np.uint64(landed[part, j + 4])
                        ask_for_row(target, np.int64(rows[row, 0]), np.int64(rows[row + np.uint64(1), 0]))
{codes}"""

ASK_CODES = """                        ask_for_row(code, np.int64(rows[row, 0]), np.int64(rows[row + np.uint64(1), 0]))
"""

#: How a delivery comes by its weight, by the way the pathway's weights are stored (see `eventsim.grid.storage`).
WEIGHT = {
    "none": "",
    "row": "",
    "shared": """                        w = shared[np.uint64(place) + along]
""",
    "code": """                        c = code[synapse]
                        w = values[c]
""",
    "full": """                        w = weight[synapse]
""",
}
ROW_WEIGHT = {
    "none": "",
    "row": """                    c = row_code[row_code_at[{p}] + np.int64(row) - rows_at[part, {p}]]
                    w = values[c]
""",
    "code": "",
    "shared": "",
    "full": "",
}
