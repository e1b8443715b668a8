"""Every definition on the same samples: estimates, intervals, and how they grow with the number of samples."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from analysis.effective_dimension.definitions import definitions, estimates
from analysis.effective_dimension.jackknife import jackknife_errors, random_groups
from analysis.effective_dimension.rarefaction import part_sizes, rarefaction
from analysis.effective_dimension.spectrum import checked_samples
from analysis.given import generator
from eventsim.errors import ConfigError

__all__ = ["DimensionEstimate", "EffectiveDimensions", "RarefactionPoint", "effective_dimension"]

#: Fewest samples: parts of half of them must still be of use to every definition.
_FEWEST = 64


@dataclass(frozen=True)
class DimensionEstimate:
    """One definition on all samples.

    Parameters
    ----------
    definition : str
    estimate : float
        inf where the samples cannot tell; nan where neighbours are asked for and too few samples are different.
    low, high : float or None
        Interval of what this definition gives of so many samples of this source; it does not cover what more samples
        would give (`growth`). None where an estimate without some group is not finite.
    growth : float
        The estimate over its mean from half the samples: 1 where samples are enough, near 2 where there is nothing but
        their number to be seen.
    """

    definition: str
    estimate: float
    low: float | None
    high: float | None
    growth: float


@dataclass(frozen=True)
class RarefactionPoint:
    """One definition on parts of the samples: mean and standard deviation over `repeats` random parts of `samples`."""

    definition: str
    samples: int
    mean: float
    deviation: float
    repeats: int


@dataclass(frozen=True)
class EffectiveDimensions:
    """The definitions side by side.

    Parameters
    ----------
    samples, channels, groups : int
        Samples, their channels, and groups of samples that were left out in turn.
    confidence : float
    estimates : tuple of DimensionEstimate
    rarefied : tuple of RarefactionPoint
    """

    samples: int
    channels: int
    groups: int
    confidence: float
    estimates: tuple[DimensionEstimate, ...]
    rarefied: tuple[RarefactionPoint, ...]

    def __getitem__(self, definition):
        """The DimensionEstimate of a definition, by its name."""
        found = {each.definition: each for each in self.estimates}
        if definition not in found:
            raise ConfigError(f"no definition '{definition}'; choose one of {', '.join(found)}")
        return found[definition]

    def to_frame(self):
        """pandas.DataFrame indexed by definition: estimate, low, high, growth, samples, channels."""
        frame = pd.DataFrame([vars(each) for each in self.estimates]).set_index("definition")
        return frame.astype(float).assign(samples=self.samples, channels=self.channels)

    def rarefaction_frame(self):
        """pandas.DataFrame of estimates against sample size: definition, samples, mean, deviation, repeats."""
        return pd.DataFrame([vars(each) for each in self.rarefied])

    def to_json(self):
        """Mapping of plain types; what is not finite becomes None."""
        return vars(self) | {
            name: [{key: _plain(value) for key, value in vars(each).items()} for each in getattr(self, name)]
            for name in ("estimates", "rarefied")
        }

    def __str__(self):
        head = f"{self.samples:,} samples of {self.channels:,} channels, {self.confidence:.0%} intervals"
        lines = [f"{'':<34}{'estimate':>10}{'interval':>22}{'growth':>9}"]
        for each in self.estimates:
            interval = "none" if each.low is None else f"{each.low:.4g} to {each.high:.4g}"
            lines.append(f"{each.definition:<34}{each.estimate:>10.4g}{interval:>22}{each.growth:>9.2f}")
        return "\n".join([head, *lines])


def effective_dimension(samples, *, groups=None, among=None, confidence=0.95, repeats=5, seed=0, progress=None):
    r"""Dimension of samples by every definition, with intervals and rarefaction, as EffectiveDimensions.

    The interval is estimate exp(± t s/estimate), s the jackknife's standard error (`analysis.effective_dimension.
    jackknife`) and t Student's quantile with groups - 1 degrees of freedom. It is one for what a definition gives
    on average of so many samples of this source. Of a count, it is that of the crossing that the count rounds.

    Parameters
    ----------
    samples : (S, D) float
        One row a sample, in the coding basis; S at least 64.
    groups : (S,) integer, optional
        Samples that belong together. By default samples are independent, and 20 groups are drawn.
    among : sequence of Definition, optional
        By default all of `definitions()`.
    confidence : float
    repeats : int
        Random parts of each size, at least 2.
    seed : int
        Of groups and parts.
    progress : callable, optional
        Called with the fraction done.

    Raises
    ------
    ConfigError
        Samples of another shape or too few, not finite or all the same; groups of another shape or fewer than 4.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> table = effective_dimension(rng.standard_normal((400, 10)) * 0.5 ** np.arange(10))
    >>> row = table["participation ratio, corrected"]
    >>> bool(row.low < (1 + 0.25) / (1 - 0.25) < row.high)
    True
    """
    samples = checked_samples(samples, least=_FEWEST)
    rng, count = generator(seed), len(samples)
    chosen = definitions() if among is None else tuple(among)
    if not chosen:
        raise ConfigError("among is empty; name one definition or more")
    groups = random_groups(count, 20, rng) if groups is None else _checked_groups(groups, count)
    if not 0 < confidence < 1 or repeats < 2:
        raise ConfigError(f"confidence is {confidence}, repeats {repeats}; they must lie in (0, 1) and be 2 or more")

    def statistic(kept):
        return estimates(chosen, samples[kept])

    whole = statistic(slice(None))
    errors, freedom = jackknife_errors(statistic, groups, whole, _share(progress, 0.0, 0.6))
    sizes = part_sizes(count, _FEWEST // 2)
    parts = rarefaction(statistic, count, sizes, repeats, rng, _share(progress, 0.6, 1.0))
    reach = stdtrit(freedom, (1 + confidence) / 2) * errors / whole
    return EffectiveDimensions(
        samples=count,
        channels=samples.shape[1],
        groups=freedom + 1,
        confidence=confidence,
        estimates=tuple(
            DimensionEstimate(each.name, float(each.rounded(value)), *_interval(each, value, way), float(value / half))
            for each, value, way, half in zip(chosen, whole, reach, parts[-1].mean(axis=0))
        ),
        rarefied=tuple(
            RarefactionPoint(each.name, size, float(values.mean()), float(values.std(ddof=1)), repeats)
            for place, each in enumerate(chosen)
            for size, values in zip(sizes, each.rounded(parts[:, :, place]))
        ),
    )


def _checked_groups(groups, count):
    groups = np.asarray(groups)
    if groups.shape != (count,) or groups.dtype.kind not in "iu":
        raise ConfigError(f"groups have shape {groups.shape} and type {groups.dtype}; give ({count},) integers")
    return groups


def _interval(definition, value, reach):
    if not math.isfinite(reach):
        return None, None
    return tuple(float(definition.rounded(value * math.exp(way))) for way in (-reach, reach))


def _share(progress, start, stop):
    """`progress` for a stage that goes from `start` to `stop` of the whole."""
    return progress and (lambda fraction: progress(start + fraction * (stop - start)))


def _plain(value):
    return None if isinstance(value, float) and not math.isfinite(value) else value
