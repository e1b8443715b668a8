"""CostReport: joules with their sources, dynamic and static apart."""

from dataclasses import dataclass, field
from fractions import Fraction

import pandas as pd

from hardware_models.costing.tick_length import Ticks

__all__ = ["CostLine", "CostReport"]


@dataclass(frozen=True)
class CostLine:
    """One term: how many operations, the least and the most that one of them costs, and which inputs are unverified."""

    term: str
    count: int
    unit_low_pj: Fraction
    unit_high_pj: Fraction
    unverified: tuple[str, ...] = ()

    @property
    def energy_low_pj(self):
        return self.count * self.unit_low_pj

    @property
    def energy_high_pj(self):
        return self.count * self.unit_high_pj


@dataclass(frozen=True, eq=False)
class CostReport:
    """What a run costs on a chip.

    Energies are exact Fractions in pJ; `to_frame` and `to_json` round them once. Dynamic energy is an interval when
    it is not known which neurons were idle. Static energy is never part of it.

    Parameters
    ----------
    chip, chip_hash, counts_hash : str
        The chip, and the hashes of the two things that were multiplied.
    table, scope, process, voltage : str
        The table of figures, and where it holds.
    sources : mapping of str to str
        Each figure that was used -> publication and how it came by it.
    lines : tuple of CostLine
    per_core : DataFrame
        One row per core: counts, energy_low_pj and energy_high_pj.
    ticks : Ticks
    static_mw : Fraction or None
        Static power of the chips in use; 0 for an all-in table, which holds it already; None where nobody published it,
        as are then all powers and static energies.
    copies : int
        How many copies of the network fit side by side on the chips in use.
    queries : int or None
        Queries run one after the other.
    missing : tuple of str, or None
        What the network needs and the chip does not offer; None when that was not looked at.
    not_costed : tuple of str
        What happened but has no published figure.
    binning : str or None
        How the times of a run in continuous time became ticks; None for a run on the grid.
    origin : str
        Whose measurement or simulation the table is.
    caution : str or None
        Why nothing of this report may stand by itself; from the table.
    unverified : mapping of str to str
        Inputs that nobody published or checked -> where they come from.
    """

    chip: str
    chip_hash: str
    counts_hash: str
    table: str
    scope: str
    process: str
    voltage: str
    sources: dict
    lines: tuple[CostLine, ...]
    per_core: pd.DataFrame
    ticks: Ticks
    static_mw: Fraction | None
    copies: int
    queries: int | None
    missing: tuple[str, ...] | None
    not_costed: tuple[str, ...]
    binning: str | None = None
    origin: str = ""
    caution: str | None = None
    unverified: dict = field(default_factory=dict)

    @property
    def headline(self):
        """One sentence that may be quoted: what rests on published figures; the rest is left out and named."""
        if self.caution:
            return f"no headline from table {self.table} of {self.chip}: {self.caution}"
        sound = [line for line in self.lines if not line.unverified]
        low, high = (sum((getattr(line, name) for line in sound), Fraction(0))
                     for name in ("energy_low_pj", "energy_high_pj"))  # fmt: skip
        left_out = [line.term for line in self.lines if line.unverified and line.count]
        static = "" if self.scope == "all_in" else f", {_static(self.static_pj)} static"
        if "static.power_mw_per_chip" in self.unverified:
            static, left_out = "", [*left_out, "static power"]
        told = f"; left out, as unverified: {', '.join(left_out)}" if left_out else ""
        return f"{_interval(low, high)} dynamic{static} on {self.chip} ({self.table}{told})"

    @property
    def power_mw(self):
        """(least, most) Fractions: energy, dynamic and static, over the time of the run; 0 for no time; or None."""
        return self._power(Fraction(1), self.ticks.total_ns)

    @property
    def full_chip_power_mw(self):
        """The same when copies of the network fill the chips."""
        return self._power(Fraction(self.copies), self.ticks.total_full_chip_ns)

    def _power(self, copies, time_ns):
        if self.static_mw is None:
            return None
        if not time_ns:
            return Fraction(0), Fraction(0)
        dynamic = (self.dynamic_low_pj, self.dynamic_high_pj)
        return tuple(copies * energy / time_ns + self.static_mw for energy in dynamic)

    @property
    def lacks(self):
        """The heading: why the network does not run on the chip as it is; None when it does."""
        if self.missing is None:
            return f"not checked against what {self.chip} offers: no network was given"
        return f"not runnable as is: {'; '.join(self.missing)}" if self.missing else None

    @property
    def dynamic_low_pj(self):
        """Fraction: all neurons idle."""
        return sum((line.energy_low_pj for line in self.lines), Fraction(0))

    @property
    def dynamic_high_pj(self):
        """Fraction: all neurons active."""
        return sum((line.energy_high_pj for line in self.lines), Fraction(0))

    @property
    def static_pj(self):
        """Fraction or None: static power for as long as the run takes (mW times ns is pJ)."""
        return None if self.static_mw is None else self.static_mw * self.ticks.total_ns

    @property
    def static_parallel_pj(self):
        """Fraction or None: the share of one copy when the chips are filled with copies that run side by side."""
        return None if self.static_mw is None else self.static_mw * self.ticks.total_full_chip_ns / self.copies

    def per_query(self):
        """Fractions by name, in pJ: dynamic_low, dynamic_high, static, static_parallel; None without queries."""
        if self.queries is None:
            return None
        names = ("dynamic_low_pj", "dynamic_high_pj", "static_pj", "static_parallel_pj")
        of_all = {name: getattr(self, name) for name in names}
        return {name: None if energy is None else energy / self.queries for name, energy in of_all.items()}

    def to_frame(self):
        """DataFrame, one row per term: count, unit_low_pj, unit_high_pj, energy_low_pj, energy_high_pj, unverified."""
        names = ("unit_low_pj", "unit_high_pj", "energy_low_pj", "energy_high_pj")
        rows = [{"term": line.term, "count": line.count} | {name: float(getattr(line, name)) for name in names}
                | {"unverified": ", ".join(line.unverified)} for line in self.lines]  # fmt: skip
        return pd.DataFrame(rows).set_index("term")

    def to_json(self):
        """The report in plain types, each energy rounded once; per core left out."""
        ticks = self.ticks
        per_query = self.per_query()
        return {
            "chip": self.chip, "chip_hash": self.chip_hash, "counts_hash": self.counts_hash, "table": self.table,
            "scope": self.scope, "origin": self.origin, "process": self.process, "voltage": self.voltage,
            "headline": self.headline, "caution": self.caution, "unverified": dict(self.unverified),
            "power_mw": self.power_mw and [float(mw) for mw in self.power_mw],
            "lacks": self.lacks, "missing": None if self.missing is None else list(self.missing),
            "lines": self.to_frame().reset_index().to_dict(orient="records"),
            "dynamic_low_pj": float(self.dynamic_low_pj), "dynamic_high_pj": float(self.dynamic_high_pj),
            "static_pj": _rounded(self.static_pj), "static_mw": _rounded(self.static_mw),
            "ticks": {"count": ticks.count, "rule": ticks.rule, "shortest_us": float(ticks.shortest_ns / 1000),
                      "mean_us": float(ticks.mean_ns / 1000), "longest_us": float(ticks.longest_ns / 1000),
                      "total_ms": float(ticks.total_ns / 1_000_000)},
            "n_cores": len(self.per_core), "copies": self.copies, "queries": self.queries,
            "per_query": per_query and {name: _rounded(energy) for name, energy in per_query.items()},
            "binning": self.binning, "not_costed": list(self.not_costed), "sources": dict(self.sources),
        }  # fmt: skip

    def __str__(self):
        ticks = self.ticks
        rows = [f"Energy on {self.chip}, table {self.table} ({self.scope}, {self.process}, {self.voltage})"]
        if self.missing:
            rows += ["not runnable as is:", *(f"  - {text}" for text in self.missing)]
        elif lacks := self.lacks:
            rows.append(lacks)
        rows += [f"  a run in continuous time, binned to ticks: {self.binning}"] if self.binning else []
        for line in self.lines:
            unit = _interval(line.unit_low_pj, line.unit_high_pj)
            rows.append(f"  {line.term:<17}{line.count:>16,} x {unit:<22} = "
                        f"{_interval(line.energy_low_pj, line.energy_high_pj)}{_mark(line)}")  # fmt: skip
        rows.append(f"  dynamic: {_interval(self.dynamic_low_pj, self.dynamic_high_pj)}")
        span = " to ".join(dict.fromkeys(f"{float(ns / 1000):.4g}" for ns in (ticks.shortest_ns, ticks.longest_ns)))
        power = "" if self.static_mw is None else f"{float(self.static_mw):g} mW for "
        rows.append(f"  static, apart: {_static(self.static_pj)} ({power}{ticks.count:,} ticks of {span} us, "
                    f"{ticks.rule}; {_duration(ticks.total_ns)} in all)")  # fmt: skip
        if each := self.per_query():
            rows.append(f"  per query, {self.queries:,} in sequence: "
                        f"{_interval(each['dynamic_low_pj'], each['dynamic_high_pj'])} dynamic, "
                        f"{_static(each['static_pj'])} static; {_static(each['static_parallel_pj'])} static with "
                        f"{self.copies} copies side by side")  # fmt: skip
        rows += [f"  not costed: {item}" for item in self.not_costed]
        rows += [f"  unverified: {name}: {source}" for name, source in self.unverified.items()]
        rows += [f"  caution: {self.caution}"] if self.caution else []
        return "\n".join(rows)


def _show(energy_pj):
    """An energy to four digits, in the unit that reads best."""
    return _in_units(energy_pj, (("J", 10**12), ("mJ", 10**9), ("uJ", 10**6), ("nJ", 10**3), ("pJ", 1)))


def _static(energy_pj):
    return "unknown" if energy_pj is None else _show(energy_pj)


def _rounded(value):
    return None if value is None else float(value)


def _duration(time_ns):
    return _in_units(time_ns, (("s", 10**9), ("ms", 10**6), ("us", 10**3), ("ns", 1)))


def _in_units(value, units):
    unit, size = next((each for each in units if value >= each[1]), units[-1])
    return f"{float(value / size):.4g} {unit}"


def _mark(line):
    return f"  [unverified: {', '.join(line.unverified)}]" if line.unverified and line.count else ""


def _interval(low_pj, high_pj):
    return _show(low_pj) if low_pj == high_pj else f"{_show(low_pj)} to {_show(high_pj)}"
