"""Life: one neuron in continuous time, replayed from what reached it and from when it fired.

Points in time are those at which something happens to the neuron: an arrival, a spike of its own, the end of a
refractory period, a step of a function of time, a reset by the host. Between two of them it moves by its equations
alone. All of them follow from the record, so that all motions are worked out at once, and only their products in order.

History is the recorded one, as in `analysis.audit.machine`: a spike that is not justified resets the neuron too.
"""

from dataclasses import dataclass

import numpy as np

from analysis.audit.bracket import exponential, rises_above, summed_exponential
from analysis.audit.equations import Equations
from analysis.audit.exact_points import points_of, releases

__all__ = ["Life", "Outcome", "Seen"]

#: By how much, relative to the size of what is compared, a threshold may be missed by an exact crossing.
_TOLERANCE = 1e-9

#: The same where nothing moves, and only the order of sums may differ.
_SUMS = 1e-12

#: Ticks by which the end of a refractory period that is not whole ticks may be off: its length is a rounded quotient.
_END = 1e-9


@dataclass
class Outcome:
    """Verdicts so far: silences and spikes tried, those that are not justified, and the first of these.

    Parameters
    ----------
    checked, wrong : [int, int]
    first : [(tick, offset, neuron, words) or None, the same]
    """

    checked: list
    wrong: list
    first: list

    @classmethod
    def empty(cls):
        return cls([0, 0], [0, 0], [None, None])

    def book(self, kind, justified, fault):
        """One more; `fault` makes (tick, offset, neuron, words), and is asked only where it is needed."""
        self.checked[kind] += 1
        if not justified:
            self.wrong[kind] += 1
            found = fault()
            if self.first[kind] is None or found[:2] < self.first[kind][:2]:
                self.first[kind] = found


@dataclass(frozen=True, eq=False)
class Seen:
    """What a neuron looked like at a point in time before it fired, when what arrives then had arrived, all but what
    other neurons' spikes of that moment bring without delay.

    Parameters
    ----------
    tick, offset : int, float
    fired : int
        Spikes that the record has then.
    state : (n + 1,) float64
    potential, threshold : float
        The two sides of the threshold; nan without one.
    """

    tick: int
    offset: float
    fired: int
    state: np.ndarray
    potential: float
    threshold: float


class Life:
    """One neuron from tick 0 on.

    Parameters
    ----------
    network : CompiledNetwork
    neuron : int
    resets : (n,) int64
        Ticks above 0 at which the host resets, ascending.

    Raises
    ------
    CompileError
        When it cannot be replayed.
    """

    def __init__(self, network, neuron, resets):
        self.neuron, self.equations, self._resets = neuron, Equations(network, neuron), resets
        self._draws, self._state, self._release = -1, self.equations.start.copy(), (-1, 0.0)
        self._draw_again()
        self._is_bound = self.equations.sides is not None
        self._tolerance = _SUMS if self.equations.is_still else _TOLERANCE

    def state(self, variable):
        """A variable's value now."""
        return float(self._state[self.equations.places[variable]])

    # -- a window

    def run(self, begin, end, arrivals, tick, offset, outcome, shown=None):
        """Replay ticks `begin` to `end` - 1.

        Parameters
        ----------
        begin, end : int
        arrivals : (tick, offset, late, pathway, weight) arrays
            All of these ticks, in the order in which they are applied.
        tick, offset : (n,) int64, float64
            Its recorded spikes of these ticks, ascending.
        outcome : Outcome
            Changed in place.
        shown : list, optional
            Where what was Seen at each point, and at the start of each tick, is appended.
        """
        points = points_of(self.equations, self._release, self._resets, begin, end, arrivals[:2], (tick, offset),
                           shown is not None)  # fmt: skip
        motions, which = self._motions(points)
        matrix = np.stack([motion.matrix for motion in motions])[which]
        steps = exponential(matrix * points.length[:, None, None])
        states = np.empty((points.tick.size, matrix.shape[1]))
        late, p, weight = arrivals[2:]
        for k in range(points.tick.size):
            if points.reset[k]:
                self._begin_again()
            self._happen(k, points, motions[which[k]], (late, p, weight), outcome, shown)
            states[k] = self._state
            self._move(points, k, motions[which[k]], steps[k], outcome)
        if self._is_bound and not self.equations.is_still and motions[0].growth is None:
            self._check_between(points, motions, which, matrix, states, outcome)

    def _motions(self, points):
        """The distinct Motions of a window, and which of them follows each point."""
        changes = self.equations.changes
        step = np.searchsorted(changes, points.tick, side="right") - 1
        keys, which = np.unique(2 * step + points.closed, return_inverse=True)
        return [self.equations.motion(int(changes[key // 2]), bool(key % 2)) for key in keys], which

    # -- a point

    def _begin_again(self):
        self._state, self._release = self.equations.start.copy(), (-1, 0.0)
        self._draw_again()

    def _draw_again(self):
        """The next of the variates up to which its hazard is summed; 0 for a neuron that does not fire at random."""
        self._draws += 1
        self._draw = self.equations.draw(self._draws) if self.equations.is_drawn else 0.0

    def _happen(self, k, points, motion, arrivals, outcome, shown):
        """What arrives at a point, and the spikes that the record has then."""
        equations, now = self.equations, (int(points.tick[k]), float(points.offset[k]))
        self._state[equations.forgets] = 0.0
        closed = self._is_closed(now)
        begin, stop = points.arrivals_at[k], points.arrivals_at[k + 1]
        first_late = begin + int(np.searchsorted(arrivals[0][begin:stop], True))
        missing, fired, n = False, 0, int(points.fired[k])
        for is_late, (low, high) in enumerate(((begin, first_late), (first_late, stop))):
            self._arrive(low, high, arrivals, closed)
            if shown is not None and not is_late:
                shown.append(self._seen(now, n, motion))
            while points.tested[k]:
                shut = closed or (equations.fires_once and fired > 0)
                due = -1 if shut else self._due(motion)
                if due < 0 or fired == n:
                    missing |= due > 0
                    break
                self._fire(now, outcome, True, closed, motion)
                fired += 1
                closed = self._is_closed(now)
        if points.tested[k] and (n == 0 or missing):
            outcome.book(0, not missing, lambda: (*now, self.neuron, self._told(motion, False)))
        for _ in range(n - fired):
            self._fire(now, outcome, False, closed, motion)

    def _is_closed(self, now):
        tick, offset = self._release
        return (tick - now[0]) + (offset - now[1]) > (_END if self.equations.period[1] else 0.0)

    def _arrive(self, low, high, arrivals, closed):
        """Deliveries low, ..., high - 1; a guarded variable takes none while refractory."""
        for j in range(low, high):
            w = float(arrivals[2][j])
            for place, sets, function in self.equations.effects(int(arrivals[1][j])):
                if closed and place in self.equations.guarded:
                    continue
                value = w if function is None else function(w)
                self._state[place] = value if sets else self._state[place] + value

    def _excess(self, motion):
        """How far it is above its threshold, and how large what is compared is."""
        terms = motion.excess * self._state
        return terms.sum() - self._draw, np.abs(terms).sum() + self._draw

    def _due(self, motion):
        """1 when it must fire now, -1 when it must not, 0 when a rounding decides."""
        excess, size = self._excess(motion)
        if excess == 0.0 and self.equations.is_still:
            return -1 if self.equations.strict else 1
        return 0 if abs(excess) <= self._tolerance * size else int(np.sign(excess))

    def _fire(self, now, outcome, justified, closed, motion):
        def fault():
            until = f"it is refractory until tick {self._release[0]} + {self._release[1]:.6g}"
            return (*now, self.neuron, until if closed else self._told(motion, False))

        outcome.book(1, justified, fault)
        self._state = self.equations.reset @ self._state
        self._draw_again()
        release = releases(self.equations.period, np.array([now[0]]), np.array([now[1]]))
        if release[0].size:
            self._release = int(release[0][0]), float(release[1][0])

    # -- between points

    def _move(self, points, k, motion, step, outcome):
        """On to the next point; what grows exponentially only rises, so that its end tells whether it crossed."""
        before = self._state
        self._state = step @ before
        if motion.growth is None:
            return
        place, row = motion.growth
        self._state[place] += summed_exponential(row, motion.matrix, before, points.length[k])
        excess, size = self._excess(motion)
        end = (int(points.tick[k]), float(points.offset[k]))
        outcome.book(0, excess <= self._tolerance * size, lambda: (*end, self.neuron, self._told(motion, True)))

    def _check_between(self, points, motions, which, matrix, states, outcome):
        row = np.stack([motion.excess for motion in motions])[which]
        open_ = np.flatnonzero(~points.closed & (points.length > 0))
        tolerance = self._tolerance * np.maximum(np.abs(row * states).sum(axis=1), np.finfo(float).tiny)
        when = rises_above(matrix[open_], states[open_], row[open_], points.length[open_], tolerance[open_])
        outcome.checked[0] += open_.size
        for j in np.flatnonzero(~np.isnan(when)):
            k = open_[j]
            found = self._crossed(points, k, motions[which[k]], states[k], when[j])
            outcome.checked[0] -= 1
            outcome.book(0, False, lambda found=found: found)

    def _crossed(self, points, k, motion, state, after):
        """The fault that a neuron crossed its threshold some time after a point."""
        later = exponential(motion.matrix[None] * after)[0] @ state
        total = points.offset[k] + after
        whole = int(np.floor(total))
        return int(points.tick[k]) + whole, total - whole, self.neuron, self._told(motion, True, later)

    # -- words

    def _sides(self, motion, state):
        """(potential, threshold) of a state; nan without a threshold."""
        if not self._is_bound:
            return np.nan, np.nan
        if self.equations.is_drawn:
            return float(motion.excess @ state), self._draw
        return tuple(float(self.equations.side(which, motion.tick) @ state) for which in (0, 1))

    def _seen(self, now, n, motion):
        return Seen(*now, n, self._state.copy(), *self._sides(motion, self._state))

    def _told(self, motion, crossed, state=None):
        """The threshold and the values on both sides of it, in words."""
        if not self._is_bound:
            return "its population never fires"
        left, right = self._sides(motion, self._state if state is None else state)
        what = self.comparison
        op = ">" if self.equations.strict else ">="
        met = "" if left > right or (left == right and op == ">=") else "not "
        when = " before its next input" if crossed else ""
        return f"{what[0]} = {left:.17g} is {met}{op} {what[1]} = {right:.17g}{when}"

    @property
    def comparison(self):
        """What is compared, as two texts; None without a threshold."""
        if self.equations.is_drawn:
            return "its hazard since its last spike", "its draw"
        return self.equations.sides
