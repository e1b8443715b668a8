r"""Task: a function of tokens and the data it is computed on; and what a circuit of spiking neurons makes of it.

    error     eps = sqrt(E |y' - y|^2 / (L^2 m tr Sigma)): the output's error in units of what the function would make
              of an input that is wrong by its own size; m = copies n tokens are encoded, Sigma is one's covariance
    spikes    of the senders, per encoded token
"""

from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np

from analysis.calibration.dimensions import DIMENSIONS
from eventsim import compile_network, simulate
from eventsim.errors import ConfigError

__all__ = ["Measurement", "Task", "measure"]


@dataclass(frozen=True, eq=False)
class Task:
    """A function and its data, which are centred and scaled to a mean square of 1 per channel.

    Parameters
    ----------
    function : Layered or Attention
    tokens : (S, d) array
        Of the training set: what is known of the data before a circuit is asked.
    x : (queries, n, d) array
        What the circuit is asked; other tokens.
    name : str
    dataset, basis : str
        Where the tokens come from, and in which basis they are encoded.
    offset_clip : float
        Largest input in the offset code, in standard deviations of its channel.
    """

    function: object
    tokens: np.ndarray
    x: np.ndarray
    name: str = "task"
    dataset: str = ""
    basis: str = ""
    offset_clip: float = 4.0

    def __post_init__(self):
        shapes = f"tokens have shape {np.shape(self.tokens)}, inputs {np.shape(self.x)}"
        fits = np.ndim(self.tokens) == 2 and np.ndim(self.x) == 3 and np.shape(self.tokens)[1] == np.shape(self.x)[2]
        if not (fits and np.isfinite(self.tokens).all() and np.isfinite(self.x).all()):
            raise ConfigError(f"{self.name}: {shapes}; give finite (S, d) and (queries, n, d), the same d in both")
        mean = self.tokens.mean(axis=0)
        scale = np.sqrt(np.square(self.tokens - mean).mean())
        object.__setattr__(self, "tokens", (self.tokens - mean) / scale)
        object.__setattr__(self, "x", (self.x - mean) / scale)

    @property
    def encoded_tokens(self):
        """m: tokens that are encoded in a query."""
        return self.function.copies * self.x.shape[1]

    @cached_property
    def dimensions(self):
        """Effective dimension of one token, by every definition in `DIMENSIONS`."""
        return {name: float(measured(self.tokens)) for name, measured in DIMENSIONS.items()}

    @cached_property
    def examples(self):
        """Inputs made of tokens of the training set: (queries, n, d)."""
        n = self.x.shape[1]
        return self.tokens[: len(self.tokens) // n * n].reshape(-1, *self.x.shape[1:])

    @cached_property
    def unit(self):
        """L^2 m tr Sigma, of which eps^2 is the fraction that the squared error is."""
        return self.function.square_gain(self.examples) * self.encoded_tokens * float(self.tokens.var(axis=0).sum())

    @cached_property
    def output_variance(self):
        """Mean squared distance of the outputs from their mean, summed over outputs."""
        return float(self.function(self.examples).var(axis=0).sum())

    def amplitude(self, code):
        """What the largest spike rate stands for: one number for all channels, but in the offset code one for each."""
        if code == "offset":
            return self.offset_clip * self.tokens.std(axis=0)
        return float(np.abs(self.tokens).max())

    def rate(self, code):
        """Spikes per tick of an encoded token's senders, as the training set has them."""
        if code == "offset":
            return self.tokens.shape[1] / 2
        return float((np.abs(self.tokens) / self.amplitude(code)).sum(axis=1).mean())

    def build(self, code, ticks):
        """The circuit, as Built."""
        return self.function.build(code, ticks, self.examples, self.amplitude(code))


@dataclass(frozen=True)
class Measurement:
    """What one circuit did, on average over queries.

    Parameters
    ----------
    task, family, circuit, dataset, basis, code : str
    ticks : int
        Length of an input's window.
    duration : int
        Ticks of a query.
    rate : float
        Spikes per tick of an encoded token's senders, as the training set has them.
    spikes : float
        Of the senders, per encoded token.
    all_spikes, synaptic_events : float
        Of the whole circuit, per query.
    error, error_low, error_high : float
        eps; with one standard error over queries below and above.
    of_output : float
        The root mean square error over the standard deviation of the output.
    dimensions : dict
        Those of the task.
    """

    task: str
    family: str
    circuit: str
    dataset: str
    basis: str
    code: str
    ticks: int
    duration: int
    rate: float
    spikes: float
    all_spikes: float
    synaptic_events: float
    error: float
    error_low: float
    error_high: float
    of_output: float
    dimensions: dict = field(repr=False)

    def row(self):
        """Mapping of plain types, the dimensions among the others."""
        row = asdict(self)
        return row | row.pop("dimensions")


def measure(task, code, ticks, *, seed=0, progress=None, **simulation):
    """Build the circuit, run it on the task's queries, and compare its answers with the function's.

    Parameters
    ----------
    task : Task
    code : str
    ticks : int
    seed : int
        Of the noise, of the input and of the circuit's.
    progress, **simulation
        As `eventsim.simulate` takes them.

    Returns
    -------
    Measurement
    """
    built = task.build(code, ticks)
    network = compile_network(built.circuit.network())
    with simulate(network, built.stimulus(task.x, seed), progress=progress, **simulation) as trace:
        missed = np.square(np.nan_to_num(built.decode(trace)) - task.function(task.x)).sum(axis=1)
        sent, events = built.sent(trace).mean(), trace.received()[0].sum()
        total = trace.n_spikes
    queries = len(task.x)
    mean, spread = missed.mean(), missed.std(ddof=1) / np.sqrt(queries)
    low, high = (float(np.sqrt(max(mean + sign * spread, 0.0) / task.unit)) for sign in (-1, 1))
    return Measurement(
        task=task.name, family=task.function.family, circuit=task.function.circuit, dataset=task.dataset,
        basis=task.basis, code=code, ticks=ticks, duration=built.circuit.duration_ticks, rate=task.rate(code),
        spikes=float(sent) / task.encoded_tokens, all_spikes=total / queries, synaptic_events=float(events) / queries,
        error=float(np.sqrt(mean / task.unit)), error_low=low, error_high=high,
        of_output=float(np.sqrt(mean / task.output_variance)), dimensions=task.dimensions,
    )  # fmt: skip
