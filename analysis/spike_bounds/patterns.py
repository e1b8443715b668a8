"""Spikes that no code whatever can do without: what the pattern of spikes in a window can hold."""

import math

import numpy as np
from scipy.optimize import brentq
from scipy.special import xlog1py, xlogy

from analysis.given import numbers
from analysis.spike_bounds.bound import Assumption, Bound, given_bits, whole
from eventsim.errors import ConfigError

__all__ = ["binary_entropy", "information_bound", "largest_rate"]


def binary_entropy(x):
    """Entropy in bits of a coin of probability `x`, (...) float in [0, 1]; of the shape of `x`."""
    x = numbers("binary_entropy", x)
    if not np.all((x >= 0) & (x <= 1)):
        raise ConfigError("binary_entropy: every probability must lie in [0, 1]")
    # The sum 0 - ... instead of a minus sign: no negative zero at 0 and 1.
    return 0.0 - (xlogy(x, x) + xlog1py(1 - x, -x)) / math.log(2)


def information_bound(bits, channels, ticks, *, cut, refractory_ticks=1):
    r"""Spikes without which no code whatever carries `bits` through the cut.

    A window holds M = channels x ticks bins, each with a spike or without. If bin b fires with probability r_b, the
    pattern has at most sum_b Hb(r_b) <= M Hb(N/M) bits, Hb being concave, where N is the mean spike count. So
    N >= M Hb^-1(bits/M), on the branch N <= M/2 (more spikes than that carry no more); inf when bits > M.

    With at least rho ticks from one spike of a channel to its next, rho - 1 further ticks after the window make every
    spike a block of rho ticks, and a pattern a tiling of L = ticks + rho - 1 of them by blocks and single ticks. With
    weight w per block all tilings together weigh Z_L = Z_(L-1) + w Z_(L-rho) <= y^L, y^rho = y^(rho-1) + w, hence for
    every w a channel of mean count E has at most L log2(y) - E log2(w) bits, and with the best w

        bits <= channels L h(N/(channels L)),   h(x) = (1 - (rho-1) x) Hb(x/(1 - (rho-1) x)),

    which no number of spikes exceeds when bits > channels L log2(y) at w = 1. (With L = ticks instead it would be the
    limit of long windows, and no bound in a short one.)

    Parameters
    ----------
    bits : float or Information
        Per query.
    channels, ticks : int
    cut : str
        The population whose spikes are counted.
    refractory_ticks : int
        rho: ticks from a spike of a channel to the earliest next one; 1 where it may fire in every tick.

    Raises
    ------
    ConfigError
        A negative or non-finite `bits`, fewer than one channel, tick or refractory tick.

    Source
    ------
    Cover and Thomas, Elements of Information Theory, 2nd ed. 2006: section 2.6 (independence bound on entropy,
    theorem 2.6.6) and theorem 2.7.3 (concavity). The recursion is that of run-length-limited sequences (Marcus, Roth
    and Siegel 2001, An Introduction to Coding for Constrained Systems, chapter 3).

    Examples
    --------
    >>> round(information_bound(80.7931359, channels=10, ticks=100, cut="pool").spikes_needed, 6)
    10.0
    """
    bits, rho = given_bits(bits), whole("refractory_ticks", refractory_ticks)
    channels, ticks = whole("channels", channels), whole("ticks", ticks)
    bins = channels * (ticks + rho - 1)
    once = Assumption("a channel fires at most once in a tick")
    if rho > 1:
        once = Assumption(f"a channel stays silent for {rho - 1} ticks after a spike")
    needed = _sparsest_rate(bits.bits / bins) if rho == 1 else _sparsest_run_rate(bits.bits / bins, rho)
    return Bound(
        name="coding-agnostic bound" if rho == 1 else f"coding-agnostic bound, {rho} ticks between spikes",
        spikes_needed=bins * needed,
        bits=bits.bits, cut=cut, channels=channels, ticks=ticks,
        assumptions=(
            Assumption(f"the decoder learns only from which of the {channels} channels of {cut} fire in which of "
                       f"{ticks} ticks", "window"),
            once,
            *bits.assumptions,
        ),
        is_bound=bits.is_bound,
        formula=("channels ticks Hb(N/(channels ticks)) >= bits" if rho == 1 else
                 f"channels L h(N/(channels L)) >= bits, L = ticks + {rho - 1}, h(x) = (1 - {rho - 1} x) "
                 f"Hb(x/(1 - {rho - 1} x))") + f"; bits: {bits.formula}",
        source=f"Cover and Thomas 2006, theorems 2.6.6 and 2.7.3; bits: {bits.source}",
    )  # fmt: skip


def largest_rate(refractory_ticks):
    """Bits per tick of a channel without any limit on its spikes: log2 y, y^rho = y^(rho-1) + 1.

    Examples
    --------
    >>> round(2 ** largest_rate(2), 6)  # the golden ratio
    1.618034
    """
    rho = whole("refractory_ticks", refractory_ticks)
    # In log y, of y^(rho-1) (y - 1) = 1: y^rho itself is beyond floats for long silences.
    log_y = brentq(lambda u: (rho - 1) * u + math.log(math.expm1(u)), 1e-300, math.log(2), xtol=1e-300, rtol=1e-15)
    return log_y / math.log(2)


def _sparsest_rate(bits_per_bin):
    """The x <= 1/2 with Hb(x) = bits_per_bin; inf when there is none."""
    if bits_per_bin > 1:
        return math.inf
    # Below 1e-300 bits per bin the rate is not a normal float; 0 is still a lower bound.
    if bits_per_bin < 1e-300:
        return 0.0
    # In log x: rates of 1e-12 and less are found to the same relative accuracy as those near 1/2.
    low, high = math.log(1e-305), math.log(0.5)
    if binary_entropy(math.exp(high)) <= bits_per_bin:
        return 0.5
    return math.exp(brentq(lambda y: float(binary_entropy(math.exp(y))) - bits_per_bin, low, high, xtol=1e-14))


def _sparsest_run_rate(bits_per_tick, rho):
    """The smallest x with h(x) = bits_per_tick; inf when there is none."""
    most = largest_rate(rho)
    if bits_per_tick > most:
        return math.inf
    if bits_per_tick < 1e-300:
        return 0.0
    share = 1 - 2.0**-most  # of blocks among blocks and single ticks, where h is largest: w y^-rho at w = 1
    top = share / (1 + (rho - 1) * share)
    if _run_entropy(top, rho) <= bits_per_tick:
        return top
    low, high = math.log(1e-305), math.log(top)
    return math.exp(brentq(lambda y: _run_entropy(math.exp(y), rho) - bits_per_tick, low, high, xtol=1e-14))


def _run_entropy(x, rho):
    places = 1 - (rho - 1) * x
    return places * float(binary_entropy(min(x / places, 1.0)))
