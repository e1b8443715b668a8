"""What the event kernel works on: neurons, synapses and counters as named tuples of flat arrays."""

from typing import NamedTuple

import numpy as np

__all__ = ["BUSY", "CHANGES", "CURSOR", "EFFECT", "HORIZON", "LANE", "MOST", "NEXT_SAMPLE", "NOTED", "NOW", "PATHWAY",
           "REACHED", "RECORDED", "ROOM", "ROWS", "SAMPLES", "SPIKE", "SPIKES", "STAMP", "TOTAL", "WINDOW", "Counters",
           "Neurons", "Sampling", "Wires", "new_registers"]  # fmt: skip

#: Places in the kernel's registers, which live on between calls.
#:
#: CURSOR : next spike of the stimulus
#: STAMP : number of rounds, by which neurons are marked
#: HORIZON, WINDOW, BUSY : up to where crossings are known, how long a look ahead is, neurons reached since the last
#: SPIKES, RECORDED, ROOM : spikes in the buffer, those of them that were handed over, new ones that it may hold
#: TOTAL, MOST : spikes of the run so far, and the number at which it stops
#: ROWS, SAMPLES : rows of counts, and samples, in their buffers
#: NOTED, NOW : counts above zero of the present tick, and that tick
#: NEXT_SAMPLE, REACHED : the next tick to be sampled, the first one not handled
#: CHANGES : changes with time that were made
(CURSOR, STAMP, HORIZON, WINDOW, BUSY, SPIKES, RECORDED, ROOM, TOTAL, MOST, ROWS, SAMPLES, NOTED, NOW, NEXT_SAMPLE,
 REACHED, CHANGES) = range(17)  # fmt: skip

_FIRST_WINDOW = 8  # ticks

#: A pathway: where its rows, its synapses, its two populations and its effects begin; whether all it does is to add the
#: weight to x; and whether it uses the weight.
PATHWAY = np.dtype([
    ("rows_at", np.int64), ("n_delays", np.int64), ("first", np.int64), ("source_start", np.int64),
    ("target_start", np.int64), ("effect_from", np.int64), ("effect_to", np.int64), ("plain", np.bool_),
    ("weighted", np.bool_),
])  # fmt: skip

#: What a delivery does to one state variable (0 to 2): it adds, or sets, slope * weight + intercept. `values_at` is
#: where these begin, one of each for each target neuron.
EFFECT = np.dtype([("place", np.int64), ("sets", np.bool_), ("values_at", np.int64)])

#: A pathway and one of its delays, in ticks; `spike` is the next one to deliver, or -1.
LANE = np.dtype([("pathway", np.int64), ("delay_index", np.int64), ("delay", np.int64), ("spike", np.int64)])

#: A spike in the buffer, which is in order of time; `next` is the next one of the same population, or -1.
SPIKE = np.dtype([("tick", np.int64), ("offset", np.float64), ("neuron", np.int64), ("next", np.int64)])


class Neurons(NamedTuple):
    """Neurons.

    Parameters
    ----------
    cells, further, noise : (n_neurons,) records of CELL, FURTHER, NOISE
    kinds : (n_kinds,) records of KIND
    restless : (n_restless,) int64
        Those that may cross threshold by themselves.
    newest : (n_populations,) int64
        The last spike of each population that is in the buffer, or -1.
    """

    cells: np.ndarray
    further: np.ndarray
    kinds: np.ndarray
    noise: np.ndarray
    restless: np.ndarray
    newest: np.ndarray


class Wires(NamedTuple):
    """Synapses.

    Parameters
    ----------
    post, weight : (n_synapses,) int32, float64
    rows : int64
        Of all pathways, end to end.
    pathways, effects : records of PATHWAY, EFFECT
    slope, intercept : float64
        Of all effects, end to end.
    lanes : records of LANE
        In the order in which simultaneous arrivals are added up.
    lanes_of, lanes_at : int64
        Lanes that leave each population, end to end, and where its own begin.
    """

    post: np.ndarray
    weight: np.ndarray
    rows: np.ndarray
    pathways: np.ndarray
    effects: np.ndarray
    slope: np.ndarray
    intercept: np.ndarray
    lanes: np.ndarray
    lanes_of: np.ndarray
    lanes_at: np.ndarray


class Counters(NamedTuple):
    """What is counted. A slot is a core, counted from 1; 0 is the host.

    Parameters
    ----------
    slot_of : (n_neurons,) uint16, or int32 where cores are that many
    reach, reach_at : int64
        The distinct slots that each neuron's synapses lead to, end to end, and where its own begin.
    tally, noted : (n_slots * n_kinds,) int64
        Counts of the present tick by (slot, kind), and the places of those above zero.
    messages : (n_slots, n_slots) int64
    delivered : (n_pathways,) int64
    row_tick, row_core, row_kind, row_count : (room,) int64, int32, uint8, int64
        Rows of EventCounts.
    """

    slot_of: np.ndarray
    reach: np.ndarray
    reach_at: np.ndarray
    tally: np.ndarray
    noted: np.ndarray
    messages: np.ndarray
    delivered: np.ndarray
    row_tick: np.ndarray
    row_core: np.ndarray
    row_kind: np.ndarray
    row_count: np.ndarray


class Sampling(NamedTuple):
    """Which state is sampled, and what was.

    Parameters
    ----------
    neuron, place : (n_recorded,) int64
        A neuron, and which of its state variables.
    every : (1,) int64
        In ticks.
    tick, value : (room,), (room * n_recorded,) int64, float64
    cell, further : (1,) records of CELL, FURTHER
        Scratch: a sample moves a copy of the neuron.
    """

    neuron: np.ndarray
    place: np.ndarray
    every: np.ndarray
    tick: np.ndarray
    value: np.ndarray
    cell: np.ndarray
    further: np.ndarray


def new_registers(room):
    """Registers at time 0, for a buffer of so many new spikes."""
    registers = np.zeros(17, np.int64)
    registers[WINDOW], registers[ROOM], registers[NOW] = _FIRST_WINDOW, room, -1
    return registers
