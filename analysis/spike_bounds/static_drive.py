"""Spikes that neurons without noise need for constant numbers: the patterns of a constant drive are few."""

import math
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp

from analysis.spike_bounds.bound import Assumption, Bound, given_bits, whole
from eventsim.errors import ConfigError

__all__ = ["LONGEST", "pattern_count", "static_drive_bound"]

#: Largest window whose patterns are counted one by one; the work grows with its square.
LONGEST = 4096


def pattern_count(ticks):
    """Different spike trains of an integrate-and-fire neuron under a constant drive of 0 to 1 thresholds per tick.

    From rest with subtractive reset, tick t has brought floor(t c) spikes by a drive c, so the train changes where t c
    is whole for a t up to T: at the Farey fractions of order T, of which [0, 1] has 1 + sum_(t <= T) phi(t), about
    3 T^2/pi^2. The count alone has T + 1 values. (A leak that lasts longer than a few ticks leaves the number as it is:
    the trains are then those of other fractions, but as many. The tests simulate both.)

    Parameters
    ----------
    ticks : int

    Source
    ------
    Hardy and Wright, An Introduction to the Theory of Numbers, 6th ed. 2008, chapter III and theorem 330.

    Examples
    --------
    >>> [pattern_count(ticks) for ticks in (4, 8, 16, 32)]
    [7, 23, 81, 325]
    """
    return 1 + int(_totients(whole("ticks", ticks))[1:].sum())


def static_drive_bound(bits, channels, ticks, *, cut):
    """Spikes that integrate-and-fire neurons without noise need for `bits`, each under a constant drive.

    Of the trains of `pattern_count`, as many have k spikes as Farey fractions lie in [k/T, (k + 1)/T). Over all laws on
    the trains of mean count E the entropy is largest for weights exp(-mu k), and it is concave in E: N spikes on m
    channels carry at most m times that at E = N/m. No number suffices beyond m log2(pattern_count) bits.

    Parameters
    ----------
    bits : float or Information
        Per query.
    channels, ticks : int
        Neurons, and the length of the window, at most 4096.
    cut : str
        The population whose spikes are counted.

    Raises
    ------
    ConfigError
        A negative or non-finite `bits`, fewer than one channel or tick, a window that is too long.

    Source
    ------
    As `pattern_count`; Cover and Thomas 2006, theorem 12.1.1 (maximum entropy under a mean).
    """
    bits, channels, ticks = given_bits(bits), whole("channels", channels), whole("ticks", ticks)
    if ticks > LONGEST:
        raise ConfigError(f"ticks is {ticks}; trains of a constant drive are counted one by one up to {LONGEST} ticks")
    return Bound(
        name="constant-drive bound",
        spikes_needed=channels * _fewest(bits.bits / channels, _trains_by_count(ticks)),
        bits=bits.bits, cut=cut, channels=channels, ticks=ticks,
        assumptions=(
            Assumption(f"each of the {channels} channels of {cut} is an integrate-and-fire neuron under a drive that "
                       f"is constant over {ticks} ticks, without noise and from rest", "constant drive"),
            *bits.assumptions,
        ),
        is_bound=bits.is_bound,
        formula=f"maximum entropy of the {ticks}-tick trains of a constant drive; bits: {bits.formula}",
        source=f"Hardy and Wright 2008, chapter III; Cover and Thomas 2006, theorem 12.1.1; bits: {bits.source}",
    )  # fmt: skip


def _totients(order):
    """phi(0..order) by a sieve."""
    phi = np.arange(order + 1)
    for p in range(2, order + 1):
        if phi[p] == p:  # no smaller prime divides it
            phi[p::p] -= phi[p::p] // p
    return phi


@lru_cache(maxsize=8)
def _trains_by_count(ticks):
    """Trains with k spikes, k = 0..ticks: Farey fractions a/b with floor(ticks a/b) = k."""
    found = np.zeros(ticks + 1)
    for b in range(1, ticks + 1):
        a = np.arange(b if b > 1 else 2)
        lowest = np.gcd(a, b) == 1
        np.add.at(found, ticks * a[lowest] // b, 1)
    return found


def _fewest(bits, trains):
    """The least mean count of a law of entropy `bits` on classes of so many trains with 0, 1, 2, ... spikes."""
    if bits == 0:
        return 0.0
    count, log_trains = np.arange(trains.size), np.log(trains)
    if bits > math.log2(trains.sum()) + 1e-12:
        return math.inf

    def law(mu):
        log_weight = log_trains - mu * count
        log_total = logsumexp(log_weight)
        mean = float(np.exp(log_weight - log_total) @ count)
        return mean, (log_total + mu * mean) / math.log(2)

    if law(0.0)[1] <= bits:
        return law(0.0)[0]
    steepest = 700.0  # exp(-700): a mean count that is 0 in practice
    if law(steepest)[1] >= bits:
        return law(steepest)[0]
    return law(brentq(lambda mu: law(mu)[1] - bits, 0.0, steepest, xtol=1e-13))[0]
