"""Dataflow: layers of spiking neurons described once, to be built (`Pipeline`) or only counted (`Tally`).

Time is balanced here. A layer has a depth: step t of an input reaches it in tick depth + t * period, so steps
follow each other through the layers without waiting. An operand that skips layers gets the missing delay.
"""

from dataclasses import dataclass, replace

import numpy as np

from circuits.errors import require
from circuits.step_neurons import ClockedLIF, StepLIF

__all__ = ["Dataflow", "Stage", "Stream"]


@dataclass(frozen=True, eq=False)
class Stage:
    """Neurons in an array of any shape, and when the spikes of a step are in them.

    Parameters
    ----------
    ids : int64 array
        Number of each neuron within its circuit.
    token : int array of that shape
        Token each neuron belongs to, -1 for none.
    depth : int
        Ticks from a step's input to its spikes here.
    """

    ids: np.ndarray
    token: np.ndarray
    depth: int

    @property
    def shape(self):
        return self.ids.shape

    def __getitem__(self, index):
        """A part, or new axes, as with numpy."""
        return replace(self, ids=self.ids[index], token=self.token[index])

    def view(self, shape, axes=None):
        """The same neurons in another shape, its axes then in another order."""
        axes = range(len(shape)) if axes is None else axes
        ids, token = (array.reshape(shape).transpose(axes) for array in (self.ids, self.token))
        return replace(self, ids=ids, token=token)

    def heads(self, heads):
        """(n, heads * d) neurons as (heads, n, d)."""
        n, channels = self.shape
        return self.view((n, heads, channels // heads), (1, 0, 2))

    def merged(self):
        """(heads, n, d) neurons as (n, heads * d): the inverse of `heads`."""
        heads, n, d = self.shape
        return self.view((heads, n, d), (1, 0, 2)).view((n, heads * d))

    def delayed(self, ticks):
        """The same neurons, read `ticks` later within their step."""
        return replace(self, depth=self.depth + ticks)


@dataclass(frozen=True, eq=False)
class Stream:
    """A sum of spike trains (n, c), each as it is or through a linear map: what flows along a residual path.

    Plain terms make integers, one synapse per term and target; mapped terms make a membrane potential.

    Parameters
    ----------
    terms : tuple of (Stage, map or None)
    """

    terms: tuple

    @classmethod
    def of(cls, stage, linear=None):
        return cls(((stage, linear),))

    def __add__(self, other):
        require(self.shape == other.shape, f"streams of shapes {self.shape} and {other.shape} cannot be added")
        return Stream(self.terms + other.terms)

    @property
    def shape(self):
        """(tokens, channels)."""
        stage, linear = self.terms[0]
        return stage.shape if linear is None else (linear.tokens_out(stage.shape[0]), linear.outputs)

    @property
    def depth(self):
        return max(stage.depth for stage, _ in self.terms)

    def through(self, linear):
        """The stream after a linear map, one for each of its terms."""
        require(all(own is None for _, own in self.terms), "a membrane stream needs a layer before the next linear map")
        require(linear.inputs == self.shape[1], f"{linear} does not fit a stream of {self.shape[1]} channels")
        return Stream(tuple((stage, linear) for stage, _ in self.terms))


class Dataflow:
    """What blocks are written in: layers, gates and the wires between them, delays included.

    Attributes
    ----------
    period : int
        Ticks per step.
    one : Stage
        A neuron that spikes once per step: the bias, and the clock if a step has several ticks.
    input : Stream
        The block's input, the sum of its levels.
    stages : dict of str to Stage
        Every population by its path.
    """

    def open(self, tokens, channels, levels):
        """Make the sources; `levels` spike trains make integer inputs of 0 to `levels`."""
        self.stages = {}
        self.one = self.population("one", (), None, 0)
        sources = self.population("input", (levels, tokens, channels), None, 0, self.tokens(tokens))
        self.input = Stream(tuple((sources[level], None) for level in range(levels)))

    def wire(self, pre, post, weight=1.0, receptor=None):
        """A synapse for each place of the common shape to which `pre`, `post` and `weight` broadcast."""
        self.join(pre, post, _common_shape(pre, post), weight, _delay(pre, post), receptor)

    def lif(self, name, shape, depth, *, v_th=1.0, tau=2.0, token=-1, model=None):
        """A population of leaky integrate-and-fire neurons that take one step per step of the input.

        `model` is another neuron that steps so; with several ticks per step it must have a receptor "clock".
        """
        clocked = self.period > 1
        model = (ClockedLIF if clocked else StepLIF)(tau, v_th) if model is None else model
        post = self.population(name, shape, model, depth, token)
        if clocked:
            self.wire(self.one, post, receptor="clock")
        return post

    def gate(self, name, model, *inputs, shape=None, token=None):
        """A population of memoryless neurons, one per place of the inputs' common shape, or of `shape`."""
        shape = _common_shape(*inputs) if shape is None else shape
        token = inputs[0].token if token is None else token
        post = self.population(name, shape, model, 1 + max(stage.depth for stage in inputs), token)
        for stage in inputs:
            self.wire(stage, post)
        return post

    def layer(self, name, stream, linear=None, *, v_th=1.0, tau=2.0, model=None):
        """A population that integrates a stream, after a linear map if one is given.

        Parameters
        ----------
        name : str
        stream : Stream
        linear : Linear or Conv, optional
        v_th, tau : float
        model : NeuronModel, optional
            See `lif`.

        Returns
        -------
        Stage
            Of shape (tokens, channels).
        """
        biases = [own.bias for _, own in stream.terms if own is not None and own.bias is not None]
        if linear is not None:
            stream = stream.through(linear)
            biases = [] if linear.bias is None else [linear.bias]
        token = self.tokens(stream.shape[0])
        post = self.lif(name, stream.shape, stream.depth + 1, v_th=v_th, tau=tau, token=token, model=model)
        for stage, own in stream.terms:
            if own is None:
                self.wire(stage, post)
            else:
                self.project(stage, own, post, _delay(stage, post))
        if biases:
            self.wire(self.one, post, sum(biases))
        return post


def _common_shape(*stages):
    shapes = [stage.shape for stage in stages]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError as error:
        require(False, f"stages of shapes {', '.join(map(str, shapes))} cannot be combined: {error}")


def _delay(pre, post):
    delay = post.depth - pre.depth - 1
    require(delay >= 0, f"a layer of depth {pre.depth} cannot feed one of depth {post.depth}; layers feed deeper ones")
    return delay
