r"""CodedLayers: linear maps with ReLUs between them, from coded input spikes to output spikes.

    y = clip(W_L h_(L-1) + b_L, -limit_L, limit_L),   h_l = min(max(W_l h_(l-1) + b_l, 0), limit_l),   h_0 = x

An input x_c of magnitude at most A_c is sent for `ticks` ticks in one of three codes:

    random     a source for each sign; that of the sign of x_c fires with probability |x_c|/A_c per tick
    regular    the same, without chance: floor(|x_c|/A_c t + 1/2) spikes in the first t ticks
    offset     one source, which fires with probability (1 + x_c/A_c)/2 per tick

so that a spike stands for A_c/ticks (offset: 2 A_c/ticks, above -A_c). Every other number is a count.
Integrate-and-fire neurons add up what a layer hears, held below their threshold; a control spike releases them, and for
`ticks` ticks neuron i fires floor(v_i + 1/2) times, at most once per tick: that is the ReLU, and the upper limit. A
spike of layer l stands for limit_l/ticks. An output has a neuron for each sign.

    tick 0                ticks               2 ticks             ...  (L + 1) ticks
    begin, input spikes   layer 1 released    layer 2 released         layer L held again
"""

from itertools import pairwise

import numpy as np

from circuits.approximator.encoding import random_trains, regular_trains
from circuits.approximator.fixed_maps import SIGNS
from circuits.approximator.transformer import HOLD
from circuits.arguments import checked, sequence_of
from circuits.circuit import Circuit, Phases
from circuits.errors import require
from circuits.maps import Linear
from circuits.neurons import IntegrateFire, Source
from circuits.readout import spike_counts
from circuits.size import Size
from eventsim.stimulus import Stimulus

__all__ = ["INPUT_CODES", "CodedLayers"]

#: The codes in which inputs arrive.
INPUT_CODES = ("random", "regular", "offset")


@checked(layers=sequence_of(Linear))
class CodedLayers(Circuit):
    """Layers of counting neurons behind a coded input.

    Parameters
    ----------
    layers : sequence of Linear
        From the input to the output; each takes as many numbers as the one before gives. Weights of 0 make no synapse.
    ticks : int
        Of the input, and of each layer's bursts.
    limits : sequence of float
        Largest magnitude of what each layer gives; beyond it neurons saturate.
    code : str
        One of INPUT_CODES.
    amplitude : float or (inputs,) array
        A, the largest magnitude of each input.
    dt_ms : float
    """

    def __init__(self, layers, *, ticks, limits, code="random", amplitude=1.0, dt_ms=1.0):
        layers = tuple(layers)
        require(len(layers) >= 1, "coded layers: give one layer or more")
        for before, after in pairwise(layers):
            require(before.outputs == after.inputs, f"coded layers: {before!r} does not fit {after!r}")
        require(code in INPUT_CODES, f"coded layers: code is {code!r}; choose one of {', '.join(INPUT_CODES)}")
        require(ticks >= 1, f"coded layers: ticks is {ticks}; it must be at least 1")
        self.size(layers, code=code).check("coded_layers")
        super().__init__("coded_layers", dt_ms=dt_ms, phases=Phases(ticks, ticks * len(layers), 1))
        self.layers, self.ticks, self.code = layers, int(ticks), code
        self.amplitude = _positive("amplitude", amplitude, (layers[0].inputs,))
        self.limits = _positive("limits", limits, (len(layers),))
        self.signs = SIGNS[:1] if code == "offset" else SIGNS
        self.control = self.neurons("control", len(layers) + 2, Source())  # begins; releases each layer; ends
        self.sources = self.inputs("input", (layers[0].inputs, self.signs.size))
        self._wire()

    @classmethod
    def size(cls, layers, *, code="random", **_):
        """The Size of the circuit that these arguments of the constructor make."""
        signs = 1 if code == "offset" else 2
        whole = Size(len(layers) + 2 + signs * layers[0].inputs, 0)
        for k, layer in enumerate(layers):
            copies = (signs if k == 0 else 1) * (2 if k == len(layers) - 1 else 1)
            neurons = layer.outputs * (2 if k == len(layers) - 1 else 1)
            whole += Size(neurons, copies * int(np.count_nonzero(layer.weight)) + 3 * neurons)
        return whole

    def _wire(self):
        """Each layer hears the one before, is released by its control spike and held by the next one's."""
        worth = self._worth_of_inputs
        heard, shift = self.sources, -self.amplitude if self.code == "offset" else np.zeros(self.layers[0].inputs)
        for k, (layer, limit) in enumerate(zip(self.layers, self.limits)):
            last = k == len(self.layers) - 1
            signs = SIGNS if last else SIGNS[:1]
            unit = limit / self.ticks
            bias = layer.weight @ shift + (0.0 if layer.bias is None else layer.bias)
            start = np.multiply.outer(bias / unit, signs) + 0.5 - HOLD
            name = "output" if last else f"layer_{k + 1}"
            made = self.neurons(name, start.shape, IntegrateFire(v_start=start))
            weight = np.einsum("oc,cs,r->csor", layer.weight / unit, worth, signs)
            self.connect(heard, made, np.ma.masked_equal(weight.reshape(*heard.shape, *made.shape), 0.0))
            self.connect(self.control[k + 1], made, HOLD)
            self.connect(self.control[k + 2], made, -HOLD)
            self.reset(self.control[0], made)
            heard, worth, shift = made, np.full((layer.outputs, 1), unit), np.zeros(layer.outputs)
        self.outputs = heard

    @property
    def _worth_of_inputs(self):
        """(inputs, signs): what one spike of each source stands for."""
        span = 2.0 if self.code == "offset" else 1.0
        return span * np.multiply.outer(self.amplitude, self.signs) / self.ticks

    # -- in and out

    def stimulus(self, x, *, seed=0):
        """Spikes for inputs presented one after the other.

        Parameters
        ----------
        x : (queries, inputs) array
            Numbers beyond the amplitude are sent as the amplitude.
        seed : int
            Of the chance in a code that has any.

        Returns
        -------
        eventsim.Stimulus
        """
        x = np.asarray(x, dtype=np.float64)
        fits = x.ndim == 2 and x.shape[1] == self.layers[0].inputs and np.isfinite(x).all()
        require(fits, f"{self.name}: x has shape {x.shape}; give finite (queries, {self.layers[0].inputs})")
        fires = self._trains(np.clip(x / self.amplitude, -1.0, 1.0), seed)
        query, *where, at = np.nonzero(fires)
        duration = self.duration_ticks
        start = np.arange(len(x), dtype=np.int64) * duration
        marks = np.concatenate([[0], self.ticks * np.arange(1, len(self.layers) + 2)])
        ticks = [start[query] + at, (start[:, None] + marks).ravel()]
        ids = [self.neuron_ids(self.sources)[tuple(where)], np.tile(self.neuron_ids(self.control), len(x))]
        windows = np.column_stack([start, start + duration])
        return Stimulus.of(np.concatenate(ticks), np.concatenate(ids), windows, reset="spikes")

    def _trains(self, x, seed):
        """(queries, inputs, signs, ticks) bool, of inputs in -1 to 1."""
        rate = (1 + x[..., None]) / 2 if self.code == "offset" else np.maximum(x[..., None] * self.signs, 0.0)
        if self.code == "regular":
            return regular_trains(rate, self.ticks)
        queries = np.arange(len(x))
        keys = np.zeros((len(x), 1), dtype=np.int64)
        return random_trains(rate[:, None], self.ticks, self.path_of(self.sources), keys, queries, seed)[:, 0]

    def exact(self, x):
        """The same in real numbers: (queries, outputs)."""
        h = np.asarray(x, dtype=np.float64)
        for layer, limit in zip(self.layers[:-1], self.limits):
            h = np.clip(layer(h), 0.0, limit)
        return np.clip(self.layers[-1](h), -self.limits[-1], self.limits[-1])

    def decode(self, trace):
        """The outputs: (queries, outputs)."""
        return spike_counts(self, trace, self.outputs) @ SIGNS * self.limits[-1] / self.ticks


def _positive(what, values, shape):
    try:
        values = np.broadcast_to(np.asarray(values, dtype=np.float64), shape)
    except ValueError:
        require(False, f"coded layers: {what} has shape {np.shape(values)}; expected {shape}")
    require(np.isfinite(values).all() and (values > 0).all(), f"coded layers: {what} must be positive and finite")
    return values
