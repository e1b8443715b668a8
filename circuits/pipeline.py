"""Pipeline: a block of layers as a circuit through which the steps of an input flow tick by tick."""

import numpy as np

from circuits.arguments import checked
from circuits.block import Block
from circuits.circuit import Circuit, Neurons, Phases
from circuits.dataflow import Dataflow, Stage, Stream
from circuits.errors import require
from circuits.neurons import Source
from circuits.wiring import Wiring
from eventsim.stimulus import Stimulus

__all__ = ["Pipeline"]


@checked()
class Pipeline(Circuit, Dataflow):
    """A block as a circuit: T steps of an input in, T steps of its output out, `latency_ticks` later.

    Membrane potentials carry over from step to step and return to their start between queries.

    Parameters
    ----------
    block : Block
        What to build: a Block, for instance an attention of circuits.attention or an Encoder.
    tokens : int
    steps : int
        Steps of a query, T.
    levels : int
        Largest integer an input can be; 1 for spikes.
    dt_ms : float

    Attributes
    ----------
    output : Stream
    stages : dict of str to Stage
        Every population by its path.
    """

    def __init__(self, block, tokens, *, steps=4, levels=1, dt_ms=1.0):
        require(
            isinstance(block, Block),
            f"a {type(block).__name__} is not a block; see circuits.attention and circuits.encoder",
        )
        require(isinstance(steps, int) and steps >= 1, f"steps is {steps!r}; it must be an integer >= 1")
        name = type(block).__name__.lower()
        block.size(tokens, levels=levels).check(
            name, "use fewer tokens, channels or heads, or another order of products"
        )
        super().__init__(name, dt_ms=dt_ms)
        self.block, self.steps, self.levels, self.period = block, steps, levels, block.period
        self.open(tokens, block.channels, levels)
        self.output = block.build(self, self.input)
        latency = max(stage.depth for stage in self.stages.values())
        self.phases = Phases(0, self.steps * self.period, latency)

    @property
    def latency_ticks(self):
        """Ticks from a step's input to its spikes in the last layer."""
        return self.output.depth

    # -- how a description is built

    def population(self, name, shape, model, depth, token=-1):
        made = self.neurons(name, shape, model or Source(), token=token)
        stage = Stage(made.ids, np.broadcast_to(token, made.shape), depth)
        self.stages[self.blocks[-1].path] = stage
        return stage

    def tokens(self, n):
        """Token numbers of an (n, channels) array."""
        return np.arange(n)[:, None]

    def join(self, pre, post, shape, weight, delay, receptor=None):
        flat = [np.broadcast_to(array, shape).ravel() for array in (pre.ids, post.ids)]
        weight = np.broadcast_to(weight, shape).ravel() if np.ndim(weight) else weight
        self._add(Wiring.of(*flat, weight, delay), Neurons(self, post.ids), receptor, Neurons(self, pre.ids))

    def project(self, stage, linear, post, delay):
        i, j, weight = linear.table(stage.shape[0])
        wiring = Wiring.of(stage.ids.ravel()[i], post.ids.ravel()[j], weight, delay)
        self._add(wiring, Neurons(self, post.ids), None, Neurons(self, stage.ids))

    # -- in and out

    def stimulus(self, x, input_id=None):
        """Spikes for inputs presented one after the other, each from rest (by the host, see eventsim.Stimulus).

        Parameters
        ----------
        x : (steps, tokens, channels) or (queries, steps, tokens, channels) integers in 0 to levels
        input_id : (queries,) integers, optional

        Returns
        -------
        eventsim.Stimulus

        Raises
        ------
        CircuitError
            When x has another shape or a value that is no integer in 0 to levels.
        """
        x, expected = np.asarray(x), (self.steps, *self.stages["input"].shape[1:])
        require(x.shape[-3:] == expected and x.ndim in (3, 4),
                f"x has shape {x.shape}; it must be (queries, {', '.join(map(str, expected))})")  # fmt: skip
        number = np.issubdtype(x.dtype, np.number) or x.dtype == bool
        require(number and np.isin(x, np.arange(self.levels + 1)).all(), f"x must hold integers 0 to {self.levels}")
        x = x.reshape(-1, *expected)
        start = np.arange(len(x), dtype=np.int64) * self.duration_ticks
        at = start[:, None] + np.arange(self.steps) * self.period  # (queries, steps)
        query, step, level, *place = np.nonzero(x[:, :, None] > np.arange(self.levels)[:, None, None])
        ids = self._compiled_ids(self.stages["input"])
        tick = np.concatenate([at[query, step], at.ravel()])
        neuron = np.concatenate([ids[level, *place], np.full(at.size, self._compiled_ids(self.one))])
        windows = np.column_stack([start, start + self.duration_ticks])
        return Stimulus.of(tick, neuron, windows, input_id, "host")

    @checked()
    def decode(self, trace, what=None):
        """What the circuit, or one of its stages, put out in each step.

        Parameters
        ----------
        trace : Trace
        what : str, Stage or Stream, optional
            A path, for instance "q"; the block's output if left out.

        Returns
        -------
        (queries, steps, ...) array
            Spikes of each neuron (int64), or the values of a stream: integers of spikes, real where maps are.
        """
        what = self.output if what is None else what
        if isinstance(what, Stream):
            return sum(self._spikes(trace, stage) if own is None else own(self._spikes(trace, stage))
                       for stage, own in what.terms)  # fmt: skip
        if isinstance(what, str):
            require(what in self.stages, f"there is no stage '{what}'; there are: {', '.join(self.stages)}")
            what = self.stages[what]
        return self._spikes(trace, what)

    def _spikes(self, trace, stage):
        ids = self._compiled_ids(stage).ravel()
        starts = trace.queries()["start_tick"].to_numpy()
        spikes = trace.spikes(neurons=ids)
        query = np.searchsorted(starts, spikes.tick, side="right") - 1
        step = (spikes.tick - starts[query] - stage.depth) // self.period
        order = np.argsort(ids)
        place = order[np.searchsorted(ids, spikes.neuron, sorter=order)]
        counts = np.zeros((len(starts), self.steps, ids.size), dtype=np.int64)
        kept = step < self.steps  # a block with delays of whole steps may go on after the last one
        np.add.at(counts, (query[kept], step[kept], place[kept]), 1)
        return counts.reshape(len(starts), self.steps, *stage.shape)

    def _compiled_ids(self, stage):
        return self.neuron_ids(Neurons(self, stage.ids))
