r"""Layers: the hidden neurons and the read-out of a spiking transformer, and their fit to examples by least squares.

With c the counts that a token hears, the hidden neurons fire h = floor(min(max(V c + b, 0), ticks) + 1/2) times, and
the outputs say y = offset + unit round(W [c, h] + w). V looks along directions in which the function varies: its own
first approximation by least squares from the counts alone, and their largest principal components; mixtures of these
and thresholds are random. W is fitted by ridge regression, its penalty chosen on a fifth of the examples.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["GRID_BITS", "KINDS", "LATE_KINDS", "Layers", "fit_layers", "on_grid"]

#: What hidden neurons hear, and what outputs hear besides.
KINDS = ("feature", "mean", "max", "mixed")
LATE_KINDS = ("score", "weight", "hidden")

#: Weights and start values are multiples of 2^-GRID_BITS: with sums below 2^33, all 53 bits of a float64.
GRID_BITS = 20

#: Principal components that hidden neurons see, and how much less than the first approximation.
_COMPONENTS, _LESS = 4, 0.5

#: Standard deviations from the mean to a hidden neuron's threshold, at most, and what its largest count stands for.
_WITHIN, _LARGEST = 1.5, 4.5

#: Penalties of the ridge regression, per example, for counts of variance 1.
_PENALTIES = 10.0 ** np.arange(-8, 0)

#: Outputs reach so far beyond the largest example.
_HEADROOM = 1.25


def on_grid(values):
    """The nearest multiples of 2^-GRID_BITS."""
    return np.round(np.asarray(values, dtype=np.float64) * 2.0**GRID_BITS) / 2.0**GRID_BITS


@dataclass(frozen=True, eq=False)
class Layers:
    """What a SpikingTransformer is fitted with; numbers are counts of spikes.

    Parameters
    ----------
    hidden_weight : dict of str to (hidden, number) float64
        By kind of sender, see KINDS.
    hidden_start : (hidden,) float64
    output_weight : dict of str to (outputs, number) float64
        By kind of sender, see KINDS and LATE_KINDS.
    output_start : (outputs,) float64
    offset, unit : (outputs,) float64
        An output of k spikes more of + than of - stands for offset + unit k.
    """

    hidden_weight: dict
    hidden_start: np.ndarray
    output_weight: dict
    output_start: np.ndarray
    offset: np.ndarray
    unit: np.ndarray

    @property
    def hidden(self):
        return self.hidden_start.size

    @property
    def outputs(self):
        return self.offset.size

    def hidden_drive(self, counts):
        """V c + b: (..., hidden)."""
        return sum(counts[kind] @ self.hidden_weight[kind].T for kind in KINDS) + self.hidden_start

    def outputs_of(self, counts):
        """The outputs in real numbers, of counts by kind, hidden neurons' included: (..., outputs)."""
        return self.offset + self.unit * (
            sum(counts[kind] @ weight.T for kind, weight in self.output_weight.items()) + self.output_start
        )


def hidden_counts(drive, ticks):
    """Spikes of hidden neurons with this drive."""
    return np.clip(np.floor(drive + 0.5), 0, ticks)


def fit_layers(counts, y, ticks, hidden, seed, *, fire=hidden_counts):
    """Layers that make y of these counts as well as they can, all weights on the grid.

    Parameters
    ----------
    counts : dict of str to (inputs, n, number) array
        By kind of sender, see `SpikingTransformer.counts`.
    y : (inputs, n, outputs) array
    ticks : int
    hidden : int
        Hidden neurons per token.
    seed : int
    fire : callable
        (drive, ticks) -> counts of hidden neurons; another one than `hidden_counts` if they are to be no neurons.

    Returns
    -------
    Layers
    """
    offset = y.mean(axis=(0, 1))
    unit = _HEADROOM * np.maximum(np.abs(y - offset).max(axis=(0, 1)), np.finfo(float).tiny) / ticks
    due = (y - offset) / unit
    hidden_weight, hidden_start = _hidden_layer(_joined(counts, KINDS), due, ticks, hidden, seed)
    drive = _joined(counts, KINDS) @ hidden_weight.T + hidden_start
    heard = counts | {"hidden": fire(drive, ticks)}
    kinds = (*KINDS, *LATE_KINDS)
    weight, start = _ridge(_joined(heard, kinds), due)
    return Layers(_by_kind(on_grid(hidden_weight), counts, KINDS), on_grid(hidden_start),
                  _by_kind(on_grid(weight), heard, kinds), on_grid(start), offset, unit)  # fmt: skip


def _hidden_layer(x, due, ticks, hidden, seed):
    """Weights (hidden, number) and start values of hidden neurons, on the grid."""
    rng, flat = np.random.default_rng([seed, 1000]), x.reshape(-1, x.shape[-1])
    weight, start = _ridge(x, due)
    spread = np.maximum((flat @ weight.T + start).std(axis=0), np.finfo(float).tiny)
    variance, axes = np.linalg.eigh(np.cov(flat.T))
    axes = (axes / np.sqrt(np.maximum(variance, np.finfo(float).eps * variance[-1])))[:, : -_COMPONENTS - 1 : -1].T
    look = np.concatenate([weight / spread[:, None], axes]) / _WITHIN
    shift = np.concatenate([start / spread, -axes @ flat.mean(axis=0)]) / _WITHIN
    mixture = rng.standard_normal((hidden, len(look)))
    mixture[:, len(weight) :] *= _LESS
    mixture /= np.linalg.norm(mixture, axis=1, keepdims=True)
    threshold, gain = rng.uniform(-1, 1, hidden), ticks * _WITHIN / _LARGEST
    return on_grid(gain * mixture @ look), on_grid(gain * (mixture @ shift + threshold))


def _ridge(x, y):
    """Weight (outputs, number) and start (outputs,) of the ridge regression of y (inputs, n, outputs) on x."""
    split = max(1, len(x) * 4 // 5)
    errors = [np.square(x[split:] @ weight.T + start - y[split:]).sum()
              for weight, start in _solve(x[:split], y[:split], _PENALTIES)]  # fmt: skip
    return _solve(x, y, _PENALTIES[[int(np.argmin(errors))]])[0]


def _solve(x, y, penalties):
    """(weight, start) for each penalty."""
    x, y = (a.reshape(-1, a.shape[-1]) for a in (x, y))
    centre, offset, spread = x.mean(axis=0), y.mean(axis=0), x.std(axis=0)
    spread[spread == 0] = 1.0
    x = (x - centre) / spread
    variance, axes = np.linalg.eigh(x.T @ x / len(x))
    along = axes.T @ (x.T @ (y - offset) / len(x))
    weights = [(axes @ (along / (np.maximum(variance, 0.0) + penalty)[:, None])).T / spread for penalty in penalties]
    return [(weight, offset - weight @ centre) for weight in weights]


def _joined(counts, kinds):
    return np.concatenate([counts[kind] for kind in kinds], axis=-1).astype(np.float64)


def _by_kind(weight, counts, kinds):
    ends = np.cumsum([counts[kind].shape[-1] for kind in kinds])[:-1]
    return dict(zip(kinds, np.split(weight, ends, axis=1), strict=True))
