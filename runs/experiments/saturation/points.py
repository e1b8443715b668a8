"""Circuits run on sources whose entropy is known: spikes across a cut, errors, and the bits that these errors imply."""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from analysis.spike_bounds import Cut, shannon_bits
from circuits.attention import HEADS
from circuits.decoder import ids_of
from circuits.readout import count_by_query
from eventsim import compile_network, simulate
from runs.experiments.softmax_convergence.copies import KINDS, measure

__all__ = [
    "FLAT", "LEAST_BITS", "SENSELESS", "SOFTMAXES", "Point", "head_points", "output_entropy", "softmax_entropy",
    "softmax_point", "times",
]  # fmt: skip

#: Circuits whose shares are the answer, and what `length` counts for each.
SOFTMAXES = {"escape_inhibition": "spikes wanted", "integrate_inhibition": "spikes wanted",
             "gated_counts": "ticks of tau", "first_spike": "ticks of tau"}  # fmt: skip

#: Exponents of growth with length up to this count as none; over a factor of 4 in length they make 23 %, as much as the
#: scatter of the errors does.
FLAT = 0.15

#: Bits per number from which on a point has a part in a trend. As bits go to none, so do spikes needed, and the ratio
#: falls from infinity whatever the circuit.
LEAST_BITS = 1.0

#: Ratios from here on belong to errors so large that they imply next to no bits.
SENSELESS = 1e6

#: Logits of which the mean of sum log p is taken.
_SAMPLES = 200_000


@dataclass(frozen=True, eq=False)
class Point:
    """One circuit of one size and length, run many times.

    Parameters
    ----------
    circuit : str
    n, length : int
    cut : Cut
    channels, ticks : int
    spikes : (runs,) float
        Across the cut.
    squared_errors : (runs,) float
        Squared Euclidean distance to the exact output.
    entropy_bits : float
        Differential entropy of the exact output.
    dimensions : int
        In how many dimensions it has a density.
    known : str
        Where the entropy is known from.
    size : float
        Root mean square distance of the exact outputs from their mean: the error of knowing nothing.
    """

    circuit: str
    n: int
    length: int
    cut: Cut
    channels: int
    ticks: int
    spikes: np.ndarray
    squared_errors: np.ndarray
    entropy_bits: float
    dimensions: int
    known: str
    size: float

    def bits(self, mse):
        """Bits that cross the cut if the mean squared error is `mse`."""
        return shannon_bits(self.entropy_bits, mse, self.dimensions, known=self.known)


def softmax_entropy(n, sd, seed=0):
    r"""Differential entropy, in bits, of the softmax of n independent normal logits, on the plane where sum p = 1.

    In y_i = z_i - z_n it is that of a Gaussian of covariance sd^2 (1 + ones), whose determinant is sd^(2(n-1)) n; the
    map from y to (p_1..p_(n-1)) has the determinant prod_i p_i, and the plane's area is sqrt n times that of its
    projection. So h = ((n - 1) log(2 pi e sd^2) + log n)/2 + E sum_i log p_i + log(n)/2 in nats.

    Source
    ------
    Aitchison and Shen 1980, Biometrika 67:261 (logistic-normal distributions); the mean by simulation.
    """
    z = sd * np.random.default_rng([seed, n]).standard_normal((_SAMPLES, n))
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    nats = 0.5 * (n - 1) * np.log(2 * np.pi * np.e * sd**2) + np.log(n) + log_p.sum(axis=1).mean()
    return float(nats / np.log(2))


def softmax_point(name, n, length, sd, runs, options, seed):
    """A softmax circuit on normal logits, `runs` copies in one network, as Point."""
    logits = sd * np.random.default_rng([seed, n, length]).standard_normal((runs, n))
    found = measure(KINDS[name], logits, length, options, seed=seed + length)
    timed = KINDS[name].timed
    cut = Cut(("pool", "release") if timed else ("weights",))
    return Point(
        circuit=name, n=n, length=length, cut=cut, channels=n + timed, ticks=found.ticks,
        spikes=found.counts + float(timed), squared_errors=np.square(found.l2), entropy_bits=softmax_entropy(n, sd),
        dimensions=n - 1, known="from the law of normal logits", size=_size(softmax(logits, axis=1)),
    )  # fmt: skip


def output_entropy(weights, d_values):
    """Differential entropy, in bits, of P V for each P of (m, n, n) weights, V of n d_values numbers uniform in -1..1.

    One bit for each number, and d_values times log2 |det P|.
    """
    n = weights.shape[-1]
    return n * d_values + d_values * np.linalg.slogdet(weights)[1] / np.log(2)


def head_points(code, n, d, beta, ticks, queries, seed, progress):
    """An attention head on uniform numbers, as one Point for each cut.

    Queries and keys are taken as known to the decoder: what crosses is what values add, so that the bound holds
    whatever the law of the queries.
    """
    rng = np.random.default_rng([seed, n, d, ticks])
    q, k, v = rng.uniform(-1, 1, (3, queries, 1, n, d))
    head = HEADS[code](n, d, beta=beta, ticks=ticks, **({"seed": seed} if code == "rate" else {}))
    _, p, y = head.exact(q, k, v)
    entropy_bits = float(output_entropy(p[:, 0], d).mean())
    manifest = {"circuit": {"populations": head.labels()}}
    stimulus = head.stimulus(q, k, v, seed=seed)
    with simulate(compile_network(head.network()), stimulus, progress=progress, manifest=manifest) as trace:
        decoded = np.nan_to_num(head.decode(trace))  # of no answer, the mean of all outputs
        squared = np.square(decoded - y).sum(axis=(1, 2, 3))
        for cut in (Cut(("v",), signed_pairs=True), Cut(head.cuts[1])):
            ids = np.concatenate([ids_of(trace, name) for name in cut.populations])
            spikes = count_by_query(trace, ids).sum(axis=1).astype(float)
            yield Point(
                circuit=f"{code} head", n=n, length=ticks, cut=cut, channels=ids.size, ticks=head.duration_ticks,
                spikes=spikes, squared_errors=squared, entropy_bits=entropy_bits, dimensions=n * d,
                known="from the law of uniform values, queries and keys given", size=_size(y.reshape(queries, -1)),
            )  # fmt: skip


def times(verdict):
    """The range of a verdict's ratio in words."""
    low, high = (f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in (verdict["least"], verdict["most"]))
    return low if low == high else f"{low} to {high}"


def _size(outputs):
    return float(np.sqrt(np.square(outputs - outputs.mean(axis=0)).sum(axis=1).mean()))
