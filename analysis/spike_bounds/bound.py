"""What a bound is, what bits it asks for, and what both rest on."""

import math
from dataclasses import dataclass
from numbers import Integral

from analysis.given import number
from eventsim.errors import ConfigError

__all__ = ["NOT_A_BOUND", "ROUNDING", "Assumption", "Bound", "Information", "given_bits", "whole"]

#: Label of every figure that rests on a Gaussian of the same covariance.
NOT_A_BOUND = "Gaussian assumption, not a bound"

#: Ratios this close to 1 are 1: the inversion of the entropy is exact to about 1e-12.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Assumption:
    """One statement that a bound rests on.

    Parameters
    ----------
    text : str
    kind : str
        A word by which `analysis.spike_bounds.suspects` looks for evidence in a trace; "" for what no trace can tell.
    """

    text: str
    kind: str = ""

    def __str__(self):
        return self.text


@dataclass(frozen=True)
class Information:
    """Bits per query that must have crossed a cut, and why.

    Parameters
    ----------
    bits : float
    is_bound : bool
        Whether at least so many bits are certain to have crossed under `assumptions`.
    assumptions : tuple of Assumption
    formula, source : str
    """

    bits: float
    is_bound: bool
    assumptions: tuple[Assumption, ...]
    formula: str
    source: str

    def __float__(self):
        return self.bits


@dataclass(frozen=True)
class Bound:
    """The spikes per query that a cut needs, and everything this rests on.

    Parameters
    ----------
    name : str
    spikes_needed : float
        Mean per query; inf when no number of spikes suffices.
    bits : float or None
        Information per query asked of the cut; None where the bound is on an error and not on information.
    cut : str
        The population whose spikes are counted.
    channels : int
        Its neurons.
    ticks : int or None
        Length of the window; None where the bound does not depend on it.
    assumptions : tuple of Assumption
    is_bound : bool
        False for a figure that merely resembles one, such as one that takes the data to be Gaussian.
    formula, source : str
    """

    name: str
    spikes_needed: float
    bits: float | None
    cut: str
    channels: int
    ticks: int | None
    assumptions: tuple[Assumption, ...]
    is_bound: bool
    formula: str
    source: str

    def saturation(self, spikes_used):
        """Spikes used over spikes needed, as float: inf when none are needed, 0 when none would suffice."""
        spikes_used = number("spikes_used", spikes_used)
        if not (math.isfinite(spikes_used) and spikes_used >= 0):
            raise ConfigError(f"spikes_used is {spikes_used}; it must be a mean count per query, 0 or more")
        return spikes_used / self.spikes_needed if self.spikes_needed > 0 else math.inf

    def beaten_by(self, spikes_used):
        """Whether fewer spikes were used than needed, a rounding error aside."""
        return self.saturation(spikes_used) < 1 - ROUNDING

    def verdict(self, spikes_used):
        """One sentence: consistent, or which statements cannot all be true."""
        ratio = self.saturation(spikes_used)
        figures = f"{self.name}: {spikes_used:.6g} spikes used on {self.cut}, {self._needed()}"
        if not self.beaten_by(spikes_used):
            return f"{figures}; ratio {ratio:.4g}, consistent"
        if not self.is_bound:
            return f"{figures}; ratio {ratio:.4g} is below 1, which refutes nothing: {NOT_A_BOUND}"
        return f"{figures}; ratio {ratio:.4g} is below 1: at least one of these fails: {self._assumed('; ')}"

    def to_json(self):
        """Mapping of plain types; an infinite need becomes None."""
        need = self.spikes_needed if math.isfinite(self.spikes_needed) else None
        return {**vars(self), "spikes_needed": need, "assumptions": [str(each) for each in self.assumptions]}

    def __str__(self):
        label = "" if self.is_bound else f" ({NOT_A_BOUND})"
        lines = [f"{self.name}{label}: {self._needed()} on {self.cut}, {self.channels} channels", f"  {self.formula}"]
        return "\n".join(lines + [f"  assumes: {text}" for text in self.assumptions] + [f"  source: {self.source}"])

    def _assumed(self, between):
        return between.join(map(str, self.assumptions))

    def _needed(self):
        asked = "this error" if self.bits is None else f"{self.bits:.6g} bits"
        if math.isfinite(self.spikes_needed):
            return f"{self.spikes_needed:.6g} needed for {asked}"
        return f"no number suffices for {asked}"


def given_bits(bits):
    """`bits` as Information; a bare number is taken as given."""
    if isinstance(bits, Information):
        return bits
    bits = number("bits", bits)
    if not (math.isfinite(bits) and bits >= 0):
        raise ConfigError(f"bits is {bits}; it must be finite and 0 or more")
    claim = Assumption(f"{bits:.6g} bits per query cross the cut")
    return Information(bits, is_bound=True, assumptions=(claim,), formula="given", source="given")


def whole(name, value):
    """`value` as int, at least 1."""
    if not isinstance(value, Integral) or value < 1:
        raise ConfigError(f"{name} is {value}; it must be a whole number, 1 or more")
    return int(value)
