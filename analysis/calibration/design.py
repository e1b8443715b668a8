r"""design: how many ticks, spikes and joules a function of given data takes, from frozen constants.

The error that is asked for becomes eps, the law's; the law gives the spikes of an encoded token, and its senders' rate,
known from the data, the ticks. What held-out data sets took, over what was predicted, makes the interval. Energy is no
law's: the circuit is built with the ticks of the rule, placed on a chip and run on the task's queries.
"""

import math
from dataclasses import dataclass

from scipy.optimize import brentq

from analysis.calibration.constants import COVERAGE, Constants
from eventsim import compile_network, simulate
from eventsim.errors import ConfigError
from hardware_models import cost, count_events, load_chip, place

__all__ = ["Design", "Energy", "design"]

#: Queries of the task that are run for its energy.
_QUERIES = 8

#: No circuit here is built with fewer.
_FEWEST_TICKS = 4


@dataclass(frozen=True)
class Energy:
    """Dynamic energy per query of a circuit as placed and run; low and high as `hardware_models.cost` has them.

    Parameters
    ----------
    chip, table : str
    ticks : int
        With which the circuit was built.
    low_pj, high_pj : float
    spikes, synaptic_events : float
        Of the whole circuit, per query.
    cores, queries : int
    missing : tuple of str
        What the circuit needs and the chip lacks: with any, it is not runnable there as is.
    """

    chip: str
    table: str
    ticks: int
    low_pj: float
    high_pj: float
    spikes: float
    synaptic_events: float
    cores: int
    queries: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Design:
    """A rule's answer. Intervals are (low, middle, high).

    Parameters
    ----------
    code, circuit : str
    error : float
        Asked for: root mean square error over the standard deviation of the output.
    eps : float
        The same in the law's unit.
    ticks, duration_ticks : tuple of int
        Of an input's window, and of a query, latency included.
    spikes : tuple of float
        Of the senders, per query.
    law, origin : str
    extrapolates : bool
        Whether eps lies outside what was measured.
    energy : tuple of Energy or None
        At the ends of the interval and in its middle; None where no chip was given.
    """

    code: str
    circuit: str
    error: float
    eps: float
    ticks: tuple[int, int, int]
    duration_ticks: tuple[int, int, int]
    spikes: tuple[float, float, float]
    law: str
    origin: str
    extrapolates: bool
    energy: tuple | None = None

    def __str__(self):
        low, middle, high = self.ticks
        lines = [f"{self.circuit}, {self.code} code, error {self.error:g} of the output's standard deviation:",
                 f"  {middle:,} ticks ({low:,} to {high:,}), {self.spikes[1]:,.0f} input spikes per query "
                 f"({self.spikes[0]:,.0f} to {self.spikes[2]:,.0f})"]  # fmt: skip
        if self.energy is not None:
            least, most = self.energy[0], self.energy[-1]
            lacking = f"; not runnable as is: {'; '.join(most.missing)}" if most.missing else ""
            lines.append(f"  {least.low_pj / 1e6:,.3g} to {most.high_pj / 1e6:,.3g} µJ dynamic per query, "
                         f"{most.chip} ({most.table}), {most.cores} cores{lacking}")  # fmt: skip
        lines.append(f"  {self.law}; {self.origin}" + ("; EXTRAPOLATES beyond the errors measured" * self.extrapolates))
        return "\n".join(lines)


def design(f, error, code="random", chip=None, *, table="davies2018", constants=None):
    """What computing a function of given data to a given error takes.

    Parameters
    ----------
    f : Task
        The function and its data.
    error : float
        Root mean square error over the standard deviation of the output, above 0.
    code : str
        A code of the function's circuit.
    chip : str or Chip, optional
        Without it there is no energy.
    table : str
        Of the chip.
    constants : Constants, optional
        Those that come with the package if left out.

    Returns
    -------
    Design
        Between the ends lie 90 % of what data took that the constant had not seen.

    Raises
    ------
    ConfigError
        An error that is not positive, or a code that the circuit has not.
    ProvenanceError
        A circuit that was not calibrated.
    """
    if not (math.isfinite(error) and error > 0):
        raise ConfigError(f"error is {error}; it must be above 0, such as 0.1 of the output's standard deviation")
    if code not in f.function.codes:
        raise ConfigError(f"{f.function.circuit} has no code {code!r}; choose one of {', '.join(f.function.codes)}")
    constants = Constants.load() if constants is None else constants
    law, found = constants.of(code, f.function.circuit)
    eps = error * math.sqrt(f.output_variance / f.unit)
    resource = found.constant * float(law.shape({**f.dimensions, "error": eps}))
    factors = (found.factor_low, 1.0, found.factor_high)
    ticks = tuple(_ticks(law, resource * factor, found.sending * f.rate(code)) for factor in factors)
    if law.resource == "spikes":
        spikes = tuple(resource * factor * f.encoded_tokens for factor in factors)
    else:
        spikes = (found.sending * f.dimensions["channels"] * f.encoded_tokens,) * 3
    duration = tuple(f.build(code, t).circuit.duration_ticks for t in ticks)
    energy = None if chip is None else tuple(_energy(f, code, t, chip, table) for t in ticks)
    return Design(
        code, f.function.circuit, float(error), eps, ticks, duration, spikes, str(law),
        f"C = {found.constant:.3g} ({found.low:.3g} to {found.high:.3g}), fitted on {', '.join(found.fitted_on)}; "
        f"between the ends {COVERAGE:.0%} of {found.tests} measurements, on {', '.join(found.tested_on)} too",
        not found.error_low <= eps <= found.error_high, energy,
    )  # fmt: skip


def _ticks(law, resource, rate):
    """Ticks of a window that give this much of the law's resource, rounded up."""
    if law.resource == "spikes":
        return max(_FEWEST_TICKS, math.ceil(resource / rate))
    if resource <= _FEWEST_TICKS / math.log(_FEWEST_TICKS):
        return _FEWEST_TICKS
    return math.ceil(brentq(lambda t: t / math.log(t) - resource, _FEWEST_TICKS, 1e12))


def _energy(f, code, ticks, chip, table):
    """Energy of the circuit, placed and run on a few queries."""
    chip, built, x = load_chip(chip) if isinstance(chip, str) else chip, f.build(code, ticks), f.x[:_QUERIES]
    network = compile_network(built.circuit.network())
    placement = place(network, chip)
    with simulate(network, built.stimulus(x, 0), core_of=placement.core_of) as trace:
        report = cost(count_events(trace, placement), chip, table, queries=len(x), network=network)
        amounts = (report.dynamic_low_pj, report.dynamic_high_pj, trace.n_spikes, trace.received()[0].sum())
    each = (float(amount) / len(x) for amount in amounts)
    return Energy(chip.name, table, ticks, *each, placement.n_cores, len(x), tuple(report.missing))
