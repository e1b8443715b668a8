r"""approximate: a spiking transformer for a permutation-equivariant function, fitted to examples, run on other ones.

Errors are relative: the root mean square over held-out inputs, tokens and outputs, divided by that of the best
permutation-invariant constant, which is one number for each output, whatever the input and the token. So 1 is what a
constant reaches, and nothing is gained by a large mean.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from circuits.approximator.encoding import CODES
from circuits.approximator.fixed_maps import FixedMaps
from circuits.approximator.layers import fit_layers
from circuits.approximator.target import Target
from circuits.approximator.transformer import SpikingTransformer
from circuits.arguments import checked
from circuits.errors import require
from circuits.softmax.pool import count
from eventsim.compile import compile_network
from eventsim.simulate import simulate

__all__ = ["Approximation", "Basis", "approximate"]

#: Hidden neurons per token, in units of the width.
_HIDDEN = 3

#: Samples of the bootstrap over held-out inputs.
_RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Approximation:
    """What `approximate` reached.

    Parameters
    ----------
    circuit : SpikingTransformer
        With its fitted layers; inputs are points of the domain brought to [-1, 1], see `Basis.place`.
    error : float
        Relative error that was asked for.
    reached, low, high : float
        That of the circuit as it ran, and its 95 % interval over inputs.
    largest : float
        Largest absolute error of an output.
    constant : float
        Root mean square error of the best permutation-invariant constant; relative errors are in units of it.
    of_width, of_ticks : float
        Relative errors of the same fit with real numbers in place of counts, and with counts but unrounded outputs.
    examples, held_out : int
        Inputs that it was fitted to, and tried on.
    spikes : float
        Per input.
    neurons, synapses : int
    """

    circuit: SpikingTransformer
    error: float
    reached: float
    low: float
    high: float
    largest: float
    constant: float
    of_width: float
    of_ticks: float
    examples: int
    held_out: int
    spikes: float
    neurons: int
    synapses: int

    @property
    def met(self):
        return self.reached <= self.error

    @property
    def limit(self):
        """What most of the error is due to: "width", "ticks" or "read-out"."""
        squares = np.square([self.of_width, self.of_ticks, self.reached])
        return ("width", "ticks", "read-out")[int(np.argmax(np.diff(squares, prepend=0.0)))]

    def __str__(self):
        said = (f"relative error {self.reached:.4f} ({self.low:.4f} to {self.high:.4f}) on {self.held_out} held-out "
                f"inputs, largest error {self.largest:.4g}; the best permutation-invariant constant: 1, "
                f"{self.constant:.4g}")  # fmt: skip
        if self.met:
            return said
        return (f"{said}; {self.error:g} was asked for, and {self.limit} limits it: {self.of_width:.4f} with real "
                f"numbers instead of counts, {self.of_ticks:.4f} with counts and unrounded outputs")  # fmt: skip


@checked()
class Basis:
    """A spiking transformer that is not fitted yet, and what its neurons say of the examples: shared by all functions.

    Parameters
    ----------
    n, d : int
        Tokens, and dimensions of each.
    width : int
        Features of a token; there are twice as many scores and a third as many heads, see FixedMaps, and three times
        as many hidden neurons.
    ticks : int
        Levels of a number.
    seed : int
        Of the maps, of the inputs and of a random code.
    domain : (float, float)
        Lowest and highest coordinate.
    code : str
        One of `circuits.approximator.encoding.CODES`.
    examples, held_out : int
        Inputs to fit to, and to try on; uniform on the domain.
    progress : True or callable, optional
        As `eventsim.simulate` takes it.
    """

    def __init__(self, n, d, *, width=48, ticks=128, seed=0, domain=(-1.0, 1.0), code="regular", examples=300,
                 held_out=100, progress=None):  # fmt: skip
        wholes = {"n": n, "d": d, "width": width, "ticks": ticks}
        for what, value in wholes.items():
            count("approximate", what, value)
        for what, value in {"examples": examples, "held_out": held_out}.items():
            count("approximate", what, value, least=5)
        require(code in CODES, f"approximate: code is {code!r}; choose one of {', '.join(CODES)}")
        edges = np.asarray(domain, dtype=np.float64)
        require(edges.shape == (2,) and np.isfinite(edges).all() and edges[0] < edges[1],
                f"approximate: domain is {domain}; give a lower and a higher finite number")  # fmt: skip
        self.n, self.d, self.ticks, self.seed, self.code = n, d, ticks, seed, code
        self.domain, self.progress = edges, progress
        self.maps = FixedMaps.draw(d, width, seed)
        self.examples, self.held_out = (
            np.random.default_rng([seed, 100 + part]).uniform(*edges, (inputs, n, d))
            for part, inputs in enumerate((examples, held_out))
        )

    def place(self, x):
        """Points of the domain in [-1, 1]."""
        low, high = self.domain
        return np.clip(2 * (x - low) / (high - low) - 1, -1.0, 1.0)

    def run(self, circuit, x, **stimulus):
        """A trace of the circuit on inputs (queries, n, d) of the domain."""
        spikes = circuit.stimulus(self.place(x), code=self.code, seed=self.seed, **stimulus)
        return simulate(compile_network(circuit.network()), spikes, progress=self.progress)

    @cached_property
    def counts(self):
        """What the neurons say of the examples."""
        circuit = SpikingTransformer(self.maps, self.n, self.ticks)
        with self.run(circuit, self.examples) as trace:
            return circuit.counts(trace)

    def fit(self, counts, y, **fire):
        """Layers that make y of these counts; see `fit_layers`."""
        return fit_layers(counts, y, self.ticks, _HIDDEN * self.maps.width, self.seed, **fire)

    def approximate(self, f, error):
        """See `circuits.approximator.approximate`."""
        require(np.isfinite(error) and error > 0, f"approximate: error is {error}; it must be positive")
        f = Target(f)
        f.check_equivariance(self.examples[:2], self.seed)
        y, due = f(self.examples), f(self.held_out)
        scale = _rms(due - due.mean(axis=(0, 1)))
        require(scale > 0, "approximate: f is the same for all inputs and tokens; a constant needs no circuit")
        circuit = SpikingTransformer(self.maps, self.n, self.ticks, self.fit(self.counts, y))
        others = len(y) + np.arange(len(due))  # a random code draws anew
        with self.run(circuit, self.held_out, input_id=others) as trace:
            missed = circuit.decode(trace) - due
            unrounded = circuit.layers.outputs_of(circuit.counts(trace)) - due
            spikes = trace.n_spikes / len(due)
        low, high = _interval(missed, self.seed)
        return Approximation(
            circuit, error, _rms(missed) / scale, low / scale, high / scale, float(np.abs(missed).max()), scale,
            _rms(self._without_spikes(y) - due) / scale, _rms(unrounded) / scale, len(y), len(due), spikes,
            circuit.n_neurons, circuit.n_synapses,
        )  # fmt: skip

    def _without_spikes(self, y):
        """The held-out outputs of such layers if all numbers were real, in the fit too."""
        counts = self._exact(self.held_out)
        layers = self.fit(self._exact(self.examples), y, fire=_rectified)
        return layers.outputs_of(counts | {"hidden": _rectified(layers.hidden_drive(counts), self.ticks)})

    def _exact(self, x):
        """`counts` of any inputs as they would be if numbers were no counts."""
        counts = {kind: self.ticks * values for kind, values in self.maps.exact(self.place(x)).items()}
        return counts | {"weight": np.full((len(x), self.n, self.maps.heads), float(self.ticks))}


def _rectified(drive, _ticks):
    return np.maximum(drive, 0.0)


def _rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def _interval(missed, seed):
    """95 % interval of the root mean square of (inputs, n, outputs) errors: inputs are drawn anew."""
    squares = np.square(missed).mean(axis=(1, 2))
    drawn = np.random.default_rng([seed, 300]).integers(squares.size, size=(_RESAMPLES, squares.size))
    return np.sqrt(np.quantile(squares[drawn].mean(axis=1), (0.025, 0.975)))


@checked()
def approximate(f, n, d, error, **options):
    """A spiking transformer whose outputs are f of its input, to within a relative error.

    Parameters
    ----------
    f : callable
        (n, d) array -> (n, outputs) array; continuous, and equivariant: f of permuted tokens are the permuted f.
    n, d : int
    error : float
        Relative error wanted; see the head of this file.
    **options
        width, ticks, seed, domain, code, examples, held_out: see Basis.

    Returns
    -------
    Approximation
        Whether or not the error was reached: `met` says so, and `limit` what was in the way.

    Raises
    ------
    CircuitError
        When an argument does not fit, f is not equivariant (names a permutation), or its values are not finite or of
        another shape.
    """
    return Basis(n, d, **options).approximate(f, error)
