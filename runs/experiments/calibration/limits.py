r"""Where the laws fail: constants of the offset code by its range, and data that take far more spikes than they say.

And how far above what is needed they are, on white Gaussian tokens whose rate at an error is known.

In the random code a linear map whose columns have the norms w_c needs, with m_c = E|x_c|, s_c = E x_c^2 and the largest
input A, which fires in every tick,

    spikes error^2 = sum_c m_c  sum_c w_c^2 (m_c - s_c/A)  d / (sum_c w_c^2  sum_c s_c)

A search maximises this over the constant of a law times its dimension: over the spectrum, a turn of the basis, how
sparse the data are, and on which channels the map looks. What it finds is built and run.
"""

from functools import cache

import numpy as np
from scipy.linalg import expm, logm
from scipy.optimize import differential_evolution

from analysis.calibration import Attention, Layered, Task
from analysis.calibration.dimensions import DIMENSIONS
from analysis.calibration.fit import fit
from analysis.spike_bounds import gaussian_bits, rectified_rate_bound
from circuits.maps import Linear
from runs.experiments.calibration.tasks import rotation

__all__ = ["limits"]

_CHANNELS = 16
_TOKENS = 2000
_TICKS = 256

#: Tokens that what was found is run on, and the offset code: sparse data take many to be told from luck.
_RUN = 256

#: Tokens whose mean an attention head takes.
_AVERAGED = (2, 4, 8, 16)

#: Exponent of the spectrum; turn of the basis, 1 being whole; share of tokens in which a source is not 0; exponent of
#: the squared norms of the map's columns in m_c.
_BOUNDS = [(0.0, 4.0), (0.0, 1.0), (0.1, 1.0), (0.0, 4.0)]

#: Ranges of the offset code, in standard deviations: sqrt(2 2.3 + 1) is the one that has C = 2.3.
CLIPS = (2.0, float(np.sqrt(2 * 2.3 + 1)), 3.0, 4.0)


def limits(registration, table, measurer, config):
    """Plain types: what was searched for and found, sampled averages, and constants of the offset code by its range."""
    law = registration.law_of("random")
    rows = table[(table["code"] == "random") & registration.training.rows(table)]
    names = list(DIMENSIONS)[: 2 if config.quick else None]
    found = []
    for name in names:
        constant = fit(law if name == law.replaced else law.with_dimension(name), rows).constant
        found.append((name, constant, *_worst(name, constant, config)))
    tasks = [_task(_data(parameters, config.seed), *parameters[3:], config) for _, _, parameters, _ in found]
    clipped = [_clipped(clip, config) for clip in CLIPS]
    averaged = _AVERAGED[: 2 if config.quick else None]
    averages = [Task(Attention("pooling", 0.02 / _CHANNELS), *_gaussian(n, config.tokens, config)) for n in averaged]
    jobs = [(task, "random", _TICKS) for task in tasks] + [(task, "offset", _TICKS) for task in clipped]
    jobs += [(task, "random", _TICKS) for task in averages]
    white = [(clipped[0], code, ticks) for code in config.codes if code in ("random", "regular")
             for ticks in (_TICKS // 4, _TICKS, 4 * _TICKS)]  # fmt: skip
    measured = iter(measurer("limits", jobs + white))
    return {
        "examples": [_example(*of, next(measured)) for of in found],
        "clips": [{"clip": clip, "closed_form": (clip**2 - 1) / 2, "measured": m.spikes * m.error**2 / _CHANNELS}
                  for clip, m in zip(CLIPS, (next(measured) for _ in clipped))],
        "averages": [{"tokens": task.x.shape[1], "constant": m.spikes * m.error**2 / task.dimensions["magnitude"]}
                     for task, m in zip(averages, (next(measured) for _ in averages))],
        "bounds": [_beside_bound(m) for m in measured],
    }  # fmt: skip


def _data(parameters, seed):
    """(tokens, d) of sparse Gaussian sources with a power-law spectrum, turned on the way to a random basis."""
    exponent, turn, share, _ = parameters
    normal, uniform = _draws(seed)
    sources = normal * (uniform < share) / np.sqrt(share)
    scaled = sources * np.arange(1, _CHANNELS + 1) ** (-exponent / 2)
    return scaled @ expm(turn * _generator(seed)).T


@cache
def _draws(seed):
    rng = np.random.default_rng([seed, 5])
    return rng.standard_normal((_TOKENS, _CHANNELS)), rng.random((_TOKENS, _CHANNELS))


@cache
def _generator(seed):
    """Skew-symmetric; its exponential is a random rotation."""
    turned = rotation(np.random.default_rng([seed, 6]), _CHANNELS)
    turned[0] *= np.sign(np.linalg.det(turned))
    return np.real(logm(turned))


def _weights(x, exponent):
    """Squared norms of the map's columns, their largest 1."""
    m = np.abs(x - x.mean(axis=0)).mean(axis=0)
    return (m / m.max()) ** exponent


def _worst(name, constant, config):
    """(parameters, factor): where the formula exceeds the law by most."""

    def missed(parameters):
        x = _data(parameters, config.seed)
        x = x - x.mean(axis=0)
        m, s, w = np.abs(x).mean(axis=0), np.square(x).mean(axis=0), _weights(x, parameters[3])
        needed = m.sum() * (w @ (m - s / np.abs(x).max())) * _CHANNELS / (w.sum() * s.sum())
        return -needed / (constant * DIMENSIONS[name](x))

    best = differential_evolution(missed, _BOUNDS, rng=config.seed, maxiter=2 if config.quick else 12, popsize=8,
                                  polish=False)  # fmt: skip
    return best.x.tolist(), float(-best.fun)


def _task(x, exponent, config):
    weight = np.sqrt(_weights(x[: _TOKENS // 2], exponent))
    turned = rotation(np.random.default_rng([config.seed, 7]), _CHANNELS)
    return Task(Layered("linear", (Linear(turned * weight),)), x[: _TOKENS // 2], _inputs(x, 1, _RUN))


def _gaussian(n, tokens, config):
    x = np.random.default_rng([config.seed, 8]).standard_normal((_TOKENS, _CHANNELS))
    return x[: _TOKENS // 2], _inputs(x, n, tokens)


def _inputs(x, n, tokens):
    return x[_TOKENS // 2 :][: tokens // n * n].reshape(-1, n, _CHANNELS)


def _clipped(clip, config):
    return Task(Layered("linear", (Linear(np.eye(_CHANNELS)),)), *_gaussian(1, _RUN, config), offset_clip=clip)


def _beside_bound(measured):
    """Spikes of the senders of white Gaussian numbers beside those that Poisson counts need for their error."""
    bits = gaussian_bits(np.eye(_CHANNELS), _CHANNELS * min(measured.error, 1.0) ** 2)
    bound = rectified_rate_bound(bits, _CHANNELS, cut="senders")
    return {"code": measured.code, "ticks": measured.ticks, "spikes": measured.spikes, "error": measured.error,
            "bits": bits.bits, "needed": bound.spikes_needed, "ratio": bound.saturation(measured.spikes)}  # fmt: skip


def _example(name, constant, parameters, factor, measured):
    exponent, turn, share, look = parameters
    return {
        "dimension": name, "value": measured.dimensions[name], "constant": constant, "closed_form": factor,
        "measured": measured.spikes * measured.error**2 / (constant * measured.dimensions[name]),
        "parameters": parameters, "spikes": measured.spikes, "error": measured.error,
        "what": f"variances k^-{exponent:.1f}, basis turned by {turn:.2f}, {share:.0%} of sources active, "
                f"squared column norms as m^{look:.1f}",
    }  # fmt: skip
