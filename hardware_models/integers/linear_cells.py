"""linear_cells: a population as neurons of one potential and one decaying current, or the reason why it is none.

Between two threshold tests the state s of a neuron goes through the operations after the test, B s + b, the deliveries
w, and the operations before the next test, A (B s + b + w) + a: see `tick_map.py`. With currents that only decay, one
potential v, and u the drive that v gets in a tick, this is

    u -> keep_u u + gain w,    v -> keep_v v + u + bias

A gate that forgets in each tick has keep_v 0; where weights act on v itself, u is this tick's alone and keep_u is 0.

A reset value so far below that the neuron fires once, as -1e15, is drawn up to a depth that a chip's integers can hold,
a few times all that the potential moves through on its way to the threshold.
"""

from dataclasses import dataclass

import numpy as np

from eventsim.errors import CompileError
from eventsim.neurons.reading import Reading
from hardware_models.integers.tick_map import CLOCK_OF_SPIKES, tick_map

__all__ = ["LinearCells", "linear_cells"]

#: A reset value is far when it lies so many times deeper than the potential moves. It is drawn up to so many times: a
#: ramp's return takes as many times its way up, a decaying potential's the logarithm of that, for which bits are dear.
_FAR, _DEPTH, _DEPTH_OF_DECAY = 1e6, 8.0, 2.0


@dataclass(frozen=True, eq=False)
class LinearCells:
    """Neurons with one potential and one current, in the network's units; v is counted from its reset value, or from 0
    where a reset subtracts.

    Parameters
    ----------
    keep_u, keep_v : (n,) float64
        Part of current and potential that a tick leaves.
    gain : mapping of str to (n,) float64
        Variable that receives weights -> what a weight of 1 adds to v at the next threshold test.
    bias, start, threshold : (n,) float64
        Added to v each tick; v before the first; where it fires.
    strict : bool
        It fires above the threshold, not at it.
    refractory : (n,) int64
        Ticks from a spike to the next that is possible, at least 1.
    wipes : bool
        What arrives in the tick of a spike, or while refractory, is lost.
    drop : (n,) float64 or None
        What a spike takes from v; None where it sets v to its reset value.
    cleared : bool
        A start value is cleared after the first threshold test.
    drawn_up : bool
        The reset value is deeper in the network.
    """

    keep_u: np.ndarray
    keep_v: np.ndarray
    gain: dict
    bias: np.ndarray
    start: np.ndarray
    threshold: np.ndarray
    strict: bool
    refractory: np.ndarray
    wipes: bool
    drop: np.ndarray | None = None
    cleared: bool = False
    drawn_up: bool = False


def linear_cells(network, k):
    """Population k of a network as LinearCells.

    Raises
    ------
    CompileError
        Naming the population, and what about it is no such neuron.
    """
    population, reading = network.populations[k], Reading(network, k)
    _require(not reading.tables, population, "an update that depends on time")
    v, threshold, strict = _threshold(reading)
    clear, advance, reset_is_last = _around_the_test(network, k)
    variables = tuple(name for name in reading.variables if name != CLOCK_OF_SPIKES)
    after, before = tick_map(network, k, variables, clear), tick_map(network, k, variables, advance)
    received = {name for p in network.pathways if p.target == k for name, _, _ in p.effects}
    at, moving = variables.index(v), [j for j, name in enumerate(variables) if name != v and name in received]
    _require(not (moving and v in received), population, f"synapses onto {v} as well as onto a current")
    _check_currents(population, variables, at, moving, before, after)
    (a_matrix, a), (b_matrix, b) = before, after
    keep_v = a_matrix[:, at, at] * b_matrix[:, at, at]
    keep_u = b_matrix[:, moving[0], moving[0]] * a_matrix[:, moving[0], moving[0]] if moving else 0.0 * keep_v
    grows = (keep_u < 0) | (keep_u > 1) | (keep_v < 0) | (keep_v > 1)
    _require(not grows.any(), population, "a potential or current that grows by itself or changes its sign")
    start = population.state[v]
    reset, drop, resets = _reset(reading, v, keep_v)
    rest = _drawn_up(reset, network, k, start, threshold, keep_v)
    kept = b_matrix[start != 0, at, at]
    cleared = kept.size > 0 and (kept == 0).all() and (a_matrix[start != 0, at, at] == 1).all()
    _require(cleared or (kept == 1).all(), population, f"a start value of {v}, of which then a part is left")
    refractory, guarded = np.floor(reading.refractory() + 1e-3).astype(np.int64), v in population.guards
    _require(guarded or (refractory <= 1).all(), population, f"a refractory period in which {v} moves on")
    return LinearCells(
        keep_u, keep_v, {variables[j]: a_matrix[:, at, j] for j in moving or [at]},
        a_matrix[:, at, at] * b[:, at] + a[:, at] - (1.0 - keep_v) * rest, start - rest, threshold - rest, strict,
        np.maximum(refractory, 1), wipes=not moving and resets and drop is None and (guarded or reset_is_last),
        drop=drop, cleared=bool(cleared), drawn_up=bool((rest > reset).any()),
    )  # fmt: skip


def _require(fine, population, otherwise):
    if not fine:
        raise CompileError(population.name, otherwise, "one potential and one current that decay linearly, hard reset")


def _threshold(reading):
    """(variable, threshold of each neuron, strict)."""
    _require(reading.condition is not None, reading.population, "a population that never fires")
    excess, strict = reading.excess()
    (v, slope), *more = excess.coefficients.items() or [("", 0.0)]
    plain = not more and not excess.exponentials and np.all(np.asarray(slope) > 0)
    _require(plain, reading.population, "a threshold that is not one variable against a constant")
    return v, reading.filled(-excess.constant / slope), strict


def _around_the_test(network, k):
    """(updates after the threshold test, updates before the next, whether the reset comes after all deliveries)."""
    population, places = network.populations[k], {"update": [], "threshold": [], "reset": [], "deliver": []}
    for place, operation in enumerate(network.schedule):
        owner = network.pathways[operation.index].target if operation.kind == "deliver" else operation.index
        if owner == k and operation.kind in places:
            _require(operation.every == 1, population, "a clock slower than the network's")
            places[operation.kind].append(place)
    test = places["threshold"][0]
    first, last = min(places["deliver"], default=test), max(places["deliver"], default=test)
    amid = any(first < place < last for place in places["update"])
    _require(first >= test and not amid, population, "deliveries before the threshold test or around an update")
    clear = [place for place in places["update"] if test < place < first]
    advance = [p for p in places["update"] if p > last] + [p for p in places["update"] if p < test]
    operations = ([network.schedule[place] for place in part] for part in (clear, advance))
    return *operations, any(place > last for place in places["reset"])


def _check_currents(population, variables, at, moving, before, after):
    """Currents that receive weights share one decay and only drive v; all other variables stay at 0."""
    (a_matrix, a), (b_matrix, b) = before, after
    others = [j for j in range(len(variables)) if j != at]
    starts = all((population.state[variables[j]] == 0).all() for j in others)
    steady = (a[:, others] == 0).all() and (b[:, others] == 0).all()
    coupled = any((matrix[:, j, l] != 0).any() for matrix in (a_matrix, b_matrix)
                  for j in others for l in range(len(variables)) if l != j)  # fmt: skip
    coupled |= any((b_matrix[:, at, j] != 0).any() for j in others)
    _require(starts and steady and not coupled, population,
             f"more than two variables that change ({', '.join(variables)})")  # fmt: skip
    decays = [a_matrix[:, j, j] * b_matrix[:, j, j] for j in moving]
    _require(all((decay == decays[0]).all() for decay in decays), population, "currents of different decays")


def _reset(reading, v, keep_v):
    """(value of each neuron from which v is counted, what a spike takes from it or None, whether there is a reset)."""
    resets = reading.resets()
    _require(not set(resets) - {v}, reading.population, f"a reset of {', '.join(sorted(set(resets) - {v}))}")
    kept, value = resets.get(v, (1.0, 0.0))
    kept, value = reading.filled(kept), reading.filled(value)
    whole = (kept * keep_v == 0).all()  # a potential that is cleared anyway needs no reset
    subtracts = v in resets and (kept == 1).all() and (value < 0).all()
    _require(whole or subtracts, reading.population, f"a reset that keeps a part of {v}")
    return (value * (keep_v != 0), None, v in resets) if whole else (0.0 * value, -value, True)


def _drawn_up(reset, network, k, start, threshold, keep_v):
    """Reset values, the far ones a few times as deep as start, threshold and all weights at once move a potential."""
    population, onto = network.populations[k], np.zeros(network.n_neurons)
    for p in network.pathways:
        if p.target == k:
            onto += np.bincount(network.post[p.synapses], np.abs(network.weight[p.synapses]), network.n_neurons)
    moves = (np.abs(start) + np.abs(threshold) + onto[population.start : population.stop]).max()
    depth = np.where(keep_v == 1.0, _DEPTH, _DEPTH_OF_DECAY) * moves
    return np.where(reset < threshold - _FAR * moves, threshold - depth, reset)
