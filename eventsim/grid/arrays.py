"""What a grid kernel works on: a network and its stimulus as one named tuple of flat arrays."""

from collections import namedtuple

__all__ = ["CHANGING", "START", "GridArrays"]

_FIELDS = (
    # the network
    "key_lo", "key_hi", "tables", "tables_at", "state", "state_at", "floats", "floats_at", "integers", "integers_at",
    "constants", "population_start", "population_size", "bounds",
    # its synapses
    "target", "weight", "code", "row_code", "row_code_at", "values", "first_synapse", "delays", "delays_at", "rows",
    "rows_at", "stretch_at", "stretch", "shared",
    # its input
    "stimulus_tick", "stimulus_neuron", "stimulus_at", "cursor",
    # the last `depth` ticks
    "history", "history_at", "history_count",
    # the neurons to look at, of populations that run by touch
    "active", "active_count",
    # and, where these decay when nobody looks
    "updated", "powers", "largest", "in_doubt",
    # the neurons that rest, of populations that are parked
    "resting", "resting_head", "resting_count", "held",
    # counters
    "core_of", "sender_of", "n_senders", "kinds_at", "alike", "alike_at", "senders", "width", "sent", "reach",
    "reach_at", "told_apart", "announced", "message_words", "message_bytes", "row_times", "spread", "row_brings",
    "row_zeros", "alike_rows", "alike_rows_at", "alike_of", "alike_from", "alike_brings", "lanes", "list_at", "lists",
    "brought", "lane_words", "lane_sums", "landed", "single", "single_at", "coming_at", "coming", "block_core",
    "cores_at", "sends", "delivered", "tally", "cells", "busy", "came", "source_of",
    # what is recorded of the state
    "recorded_at", "record_every", "sample_tick", "sample_value",
    # what is recorded of the deliveries
    "event_window", "event_at", "event_most", "event_end", "event_synapse", "mark_tick", "mark_end", "n_marks",
    "synapse_of",
    # what was recorded since the last look
    "spike_tick", "spike_neuron", "row_of_counts", "table_of_bytes", "table_of_pairs", "table_of_counts",
    "filled",
    # how far parts run, and where they meet
    "may_run", "meeting",
)  # fmt: skip

#: Arguments of a kernel. Sizes: P populations, W pathways, Q parts, T ticks of history, D ticks that parts run ahead,
#: C cores and the host.
#:
#: state, floats, integers : variables and parameters end to end; `Layout` says in which order, *_at where each begins
#: bounds : (Q + 1, P) int64; part q owns neurons bounds[q, k], ..., bounds[q + 1, k] - 1 of population k
#: target : uint16 or uint32; receiving neurons, counted from the part's first of the population; synapses are sorted
#: by (part, pathway, sender, delay, creation)
#: weight, code, row_code, values : weights, as eventsim.grid.storage has them; row_code_at : (W + 1,)
#: first_synapse, rows_at : (Q, W) int64; where the synapses and the rows of a part's pathway begin
#: rows : (n, 2) int32 or int64; as in Pathway, for each part and pathway, but counted from the first synapse of all,
#: and beside it how many times the row was delivered
#: stretch_at : as rows, the first stretch of each; stretch : (n, 3) int, first receiver, size, and where in `shared`
#: its weights begin; both empty where nothing is stretched (see `eventsim.grid.stretches`)
#: history : int32; for each population T slots of `size` neurons, part q's spikes from bounds[q, k] on
#: history_count : (Q, P, T) int64
#: active : (n_neurons,) int32; of population k and part q the first active_count[q, k] from the part's first neuron on
#: updated : (n_neurons,) int32, powers : (decaying populations * POWERS,) float64, largest : (Q, P) float64,
#: in_doubt : (Q,) bool; see `eventsim.grid.decay` and the templates DECAY_*; `updated` is empty where nothing decays
#: resting : (n_neurons,) int32; a ring for each population and part, resting_count[q, k] from resting_head[q, k] on
#: held : as state, where populations are parked, else empty; what is put back, -infinity where nothing is
#: sender_of, n_senders, kinds_at, alike, alike_at, senders, width, sent, reach, reach_at : spikes of senders, and the
#: cores that each reaches; see `eventsim.grid.reach`; told_apart : (Q, n_senders) int64, spikes of each, zero but while
#: somebody counts; announced : (Q, D) bool, whether some spikes of a tick are counted when it ends
#: row_times : the second column of `rows`; landed : (Q, most rows of a pathway) int64,
#: those of a pathway in a tick; one row more where these may be counted aside
#: spread : (Q, W, 7) int64; of a part's pathway the bytes of a row of lanes, its first cell, cells, where its rows
#: begin, lanes in a byte, how many kinds of deliveries are counted, 2 with those of weight zero, and, of lists only, a
#: step. A cell is a place in a tally, (kind, core) as one number. A row of `lanes`, uint64, has a lane for each cell
#: from the first on, then for each of weight zero, then padding, in the order of `eventsim.grid.spread`. In place of
#: its bytes, ON_ONE_CORE: all deliveries are counted in one cell. ON_A_CORE: row r's in that in the lower half of the
#: bits of row_brings[place + r], unsigned, as many as are in the upper half; row_zeros[place + r] of them of weight
#: zero, uint32, empty where none is. IN_LISTS: that of row r begins in `lists`, unsigned, as many units behind `place`
#: as the step says for each row, or, where that is 0, list_at[place + r] tells where (`eventsim.grid.lists`), and in
#: place of lanes in a byte the bits stand that name a cell.
#: alike_rows : (n, 3) int64; pathways whose rows are alike (`eventsim.grid.alike`): population, pathway, and where in
#: `alike_brings`, which is as row_brings, the numbers of its kinds begin, delay by delay; those of population k from
#: alike_rows_at[k] on; alike_of : (W,) int64, which of them a pathway is, -1 if none; alike_from : (P,) int64, spikes
#: of a population in a tick from which on what they bring is told by kind, by all its pathways whose rows are alike
#: brought : (Q, cells and more) uint64, what lists bring; zero but while somebody counts
#: lane_sums : (Q, twice the most lanes) uint16, lane_words : the same as uint64, message_words : (Q, words of 8 cores)
#: uint64, message_bytes : the same as uint8; zero but while somebody counts
#: single : (n, 2) int64; pathways whose rows are counted when they are sent, and the neuron of their population behind
#: the last that sends by each; those of population k from single_at[k] on; coming : the end of `cells`; coming_at :
#: (W,) int64; for such a pathway with a delay, where in `cells` its T slots begin, of what the rows that were sent in a
#: tick bring to each of its cells; without a delay no place, but 0 or more; for one whose rows are alike the slots of
#: each delay, of 0 too, are side by side; -1 for all others; block_core, sends : as `eventsim.sums.sum_sent` has them,
#: `sent` there; sends zero but while somebody counts; cores_at : (P, 2) int64, the first core of a population and the
#: one behind its last, counted from the host; see `eventsim.grid.single`
#: delivered : (Q, W) int64; tally : (Q, D, kinds, C) uint32, of the last ticks, int64 where there are so many synapses
#: that they could all be one core's; cells : the same in one row, then `coming`; busy : (Q, D) bool
#: came : (T, W) int64, deliveries of a pathway in each of the last ticks, where these are counted aside
#: (`eventsim.grid.aside`), else empty; source_of : (W,) int64, the population that each pathway is of
#: recorded_at : places in `state` that are sampled at the start of each `record_every`-th tick
#: event_window : (W, 2) int64; ticks of arrival, first and last + 1, in which a pathway's deliveries are recorded
#: event_synapse : uint32; part q's recorded deliveries from event_at[q] to event_end[q], at most event_most[q] more
#: in a tick; mark_tick, mark_end : (marks,), (marks, Q) int64; how far each part was at the end of a tick with any
#: synapse_of : uint32; id of each synapse where they are partitioned and deliveries recorded, else empty
#: spike_*, row_of_counts, sample_* : buffers of which filled[0], filled[1] and filled[2] entries are in use; rows of
#: counts are words of `eventsim.collected`; table_of_* : the same buffer as numbers of a byte, of two, of `cells`' type
#: filled[3], filled[4] : spikes so far, and the number at which the kernel stops
#: may_run : (3,) int64; the tick up to which parts may run, D, and, in doubt, the tick up to which all was decided
#: meeting : (Q, 1) int64; to how many meetings each part has come; (2, 1) as `eventsim.grid.aside` has it, if need be
#: What parts write to in each tick has more, unused, between one part's and the next's: history_count, resting_*,
#: lane_*, brought, message_*, delivered, busy, meeting (see `eventsim.grid.parts.apart`)
GridArrays = namedtuple("GridArrays", _FIELDS)

#: What changes during a run, and so what a checkpoint holds besides the recording.
CHANGING = ("state", "history", "history_count", "active", "active_count", "updated", "largest", "resting",
            "resting_head", "resting_count", "cursor", "row_times", "sent", "coming", "delivered",
            "filled")  # fmt: skip
#: Among it, what a reset by the host puts back.
START = ("state", "history_count", "active", "active_count", "updated", "largest", "resting_count")
