"""The spikes that crossed each cut of a trace, beside the spikes that its task needed there under each bound."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import entropy

from analysis.spike_bounds.asked import fano_bits, gaussian_bits, shannon_bits_of_samples
from analysis.spike_bounds.bound import Bound, Information
from analysis.spike_bounds.deterministic import deterministic_count_bound
from analysis.spike_bounds.patterns import information_bound
from analysis.spike_bounds.poisson import rate_bound, rectified_rate_bound
from analysis.spike_bounds.static_drive import LONGEST, static_drive_bound
from analysis.spike_bounds.suspects import Evidence, evidence
from circuits.decoder import ids_of
from circuits.readout import count_by_query
from eventsim.errors import ConfigError

__all__ = ["Measured", "MeasuredBounds", "asked_of", "bounds_on", "measure_bounds"]


@dataclass(frozen=True)
class Measured:
    """A bound, the spikes that were used, and what the trace says about each assumption."""

    what: str
    bound: Bound
    spikes_used: float
    evidence: tuple[Evidence, ...]

    @property
    def saturation(self):
        return self.bound.saturation(self.spikes_used)

    @property
    def beaten(self):
        return self.bound.beaten_by(self.spikes_used)

    @property
    def failing(self):
        """Texts of the assumptions that the trace speaks against."""
        return tuple(f"{each.assumption} ({each.seen})" for each in self.evidence if each.holds is False)

    def to_json(self):
        """Mapping of plain types; an infinite ratio becomes None."""
        ratio = self.saturation
        return self.bound.to_json() | {
            "what": self.what, "spikes_used": self.spikes_used, "saturation": ratio if math.isfinite(ratio) else None,
            "beaten": self.beaten, "verdict": self.bound.verdict(self.spikes_used), "failing": list(self.failing),
            "evidence": [each.to_json() for each in self.evidence],
        }  # fmt: skip


@dataclass(frozen=True)
class MeasuredBounds:
    """Every bound on every cut of a trace, and what could not be asked, with the reason.

    Parameters
    ----------
    rows : tuple of Measured
    left_out : tuple of str
    queries : int
    error : float
        Root mean square over queries of the Euclidean distance to the reference.
    """

    rows: tuple[Measured, ...]
    left_out: tuple[str, ...]
    queries: int
    error: float

    def to_json(self):
        """Mapping of plain types."""
        return {"queries": self.queries, "error": self.error, "bounds": [row.to_json() for row in self.rows],
                "left_out": list(self.left_out)}  # fmt: skip

    def __str__(self):
        lines = [f"{self.queries} queries, decoded with an error of {self.error:.4g} (root mean square distance)"]
        for place, row in enumerate(self.rows):
            bound = row.bound
            before = self.rows[place - 1] if place else None
            if before is None or before.bound.cut != bound.cut:
                lines.append(f"cut {bound.cut}: {bound.channels} channels, {row.spikes_used:,.6g} spikes per query")
            if before is None or before.what != row.what or before.bound.cut != bound.cut:
                label = "" if bound.is_bound else "  (Gaussian assumption, not a bound)"
                lines.append(f"  {row.what}: {bound.bits:.4g} bits{label}")
            lines.append(f"    {_in_a_line(row)}")
            if row.beaten and bound.is_bound:
                lines += [f"      fails: {text}" for text in row.failing or ("which one, this trace does not tell",)]
        return "\n".join([*lines, *(f"left out: {text}" for text in self.left_out)])


def _in_a_line(row):
    needed = row.bound.spikes_needed
    need = f"{needed:,.4g}" if math.isfinite(needed) else "no number"
    said = "" if not row.beaten else "  BELOW ONE" if row.bound.is_bound else "  below one, which refutes nothing"
    return f"{row.bound.name:46s} needs {need:>10s}   used/needed {row.saturation:>10,.4g}{said}"


def measure_bounds(trace, task):
    """Every bound that applies to the cuts of a task, as MeasuredBounds.

    Parameters
    ----------
    trace : Trace
    task : Task
    """
    asked, left_out = asked_of(task)
    queries = max(1, trace.stimulus.n_queries)
    rows = []
    for cut in task.cuts:
        ids = np.unique(np.concatenate([ids_of(trace, name) for name in cut.populations]))
        counts = count_by_query(trace, ids)
        drawn = bool(trace.network.is_source[ids].any()) or _draws(trace.network)
        ticks = cut.ticks or _longest_query(trace)
        for what, bits in asked.items():
            for bound in bounds_on(bits, cut, ids.size, ticks):
                seen = tuple(evidence(each, counts, task, drawn) for each in bound.assumptions)
                rows.append(Measured(what, bound, float(counts.sum(axis=1).mean()), seen))
    error = math.sqrt(task.squared_error.mean())
    return MeasuredBounds(tuple(rows), tuple(left_out), queries, error)


def asked_of(task):
    """Bits that the decoder was given, by what they are for: (mapping of str to Information, reasons for the missing).

    Of the class, by Fano, where there are answers; of the output by Shannon's lower bound, and by what a Gaussian
    would need, which is no bound.
    """
    error = float(task.squared_error.mean())
    found: dict[str, Information] = {}
    left_out = []
    if task.answers is not None:
        classes = np.unique(task.answers, return_counts=True)[1]
        known = float(entropy(classes, base=2))
        count = max(2, task.reference.shape[1], int(np.max(task.answers)) + 1)
        found["the class, at this accuracy"] = fano_bits(known, float(task.wrong.mean()), count)
    asked = {"the output, at this error": shannon_bits_of_samples, "the output, if it were Gaussian": _gaussian}
    for what, bits in asked.items():
        try:
            found[what] = bits(task.reference, error)
        except ConfigError as refused:
            left_out.append(f"{what}: {refused}")
    silent = [what for what, bits in found.items() if bits.bits == 0]
    left_out += [f"{what}: so large an error implies no bits" for what in silent]
    return {what: bits for what, bits in found.items() if bits.bits > 0}, left_out


def _gaussian(reference, error):
    return gaussian_bits(np.atleast_2d(np.cov(reference, rowvar=False)), error)


def bounds_on(bits, cut, channels, ticks):
    """Every bound that says something about a cut, for these bits."""
    yield information_bound(bits, channels, ticks, cut=cut.name)
    if cut.refractory_ticks > 1:
        yield information_bound(bits, channels, ticks, cut=cut.name, refractory_ticks=cut.refractory_ticks)
    if ticks <= LONGEST:
        yield static_drive_bound(bits, channels, ticks, cut=cut.name)
    yield deterministic_count_bound(bits, channels, cut=cut.name)
    yield rate_bound(bits, channels, cut=cut.name)
    if cut.signed_pairs and channels % 2 == 0:
        yield rectified_rate_bound(bits, channels // 2, cut=cut.name)


def _draws(network):
    statements = (s for operation in network.schedule for name in ("once", "each", "fired")
                  for s in getattr(operation, name))  # fmt: skip
    return any("keyed_" in statement.expression for statement in statements)


def _longest_query(trace):
    queries = trace.queries()
    lengths = queries["stop_tick"].to_numpy() - queries["start_tick"].to_numpy()
    return int(lengths.max()) if lengths.size else trace.duration_ticks
