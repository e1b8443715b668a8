"""hardware-validation: counts and costs of networks that are built and run, beside what others published.

Each truth is a network, a placement and a count; `runs.experiments.hardware_validation.truths` builds them.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from analysis.report import Section, Table, Verdict, write_report
from hardware_models import count_events, load_chip
from runs.experiments.core_maps import core_maps
from runs.experiments.hardware_validation.truths import TRUTHS, run_on_79_cores

__all__ = ["Config", "lines", "run"]

_HEADINGS = ("quantity", "computed", "published", "ratio", "holds", "published by")
_LEAD = (
    "A network is built neuron by neuron, run, placed on the cores of a chip and counted; the counts are multiplied "
    "with a published table. Here the result stands beside numbers that other people measured, simulated or worked "
    "out. Nothing is fitted."
)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/hardware_validation.toml for what each key means."""

    seed: Annotated[int, Meta(ge=0, lt=2**31)]


def run(config, folder, progress):
    """Run the experiment; write report.html into `folder` and return the summary."""
    truths = [_as_plain(truth(config)) for truth in TRUTHS]
    summary = {"experiment": "hardware-validation", "config": msgspec.to_builtins(config), "truths": truths}
    verdicts = [Verdict(truth["title"], _answer(truth), truth["holds"]) for truth in truths]
    sections = [*(_section(truth) for truth in truths), _maps(config)]
    write_report(folder / "report.html", "Hardware models against published numbers", _LEAD, verdicts, sections,
                 f"Configuration: seed = {config.seed}")  # fmt: skip
    return summary


def _as_plain(truth):
    rows = [{"quantity": row.quantity, "unit": row.unit, "computed": float(row.computed), "published": row.published,
             "ratio": row.ratio, "holds": row.holds, "source": row.source} for row in truth.rows]  # fmt: skip
    return {"number": truth.number, "title": truth.title, "text": truth.text, "rows": rows,
            "holds": all(row["holds"] is not False for row in rows)}  # fmt: skip


def _answer(truth):
    claimed = [row for row in truth["rows"] if row["holds"] is not None]
    last = claimed[-1]
    return (f"{sum(row['holds'] for row in claimed)} of {len(claimed)} as they must be; {last['quantity']}: "
            f"{_with_unit(last['computed'], last)}, published {last['published']}")  # fmt: skip


def _with_unit(value, row):
    return f"{value:,.8g} {row['unit']}".strip()


def _section(truth):
    table = Table(_HEADINGS, tuple(_cells(row) for row in truth["rows"]), "", "lrrrll")
    return Section(f"{truth['number']}. {truth['title']}", (truth["text"],), (table,))


def _cells(row):
    holds = {True: "yes", False: "NO", None: ""}[row["holds"]]
    return (row["quantity"], _with_unit(row["computed"], row), f"{row['published']} {row['unit']}".strip(),
            f"{row['ratio']:.4f}", holds, row["source"])  # fmt: skip


def _maps(config):
    """Where the events of the random network on 79 cores were, and the links that its messages took."""
    counts, mesh = count_events(*run_on_79_cores(config)), load_chip("loihi").mesh
    text = ("The random network on 79 cores: synaptic events of each core, and messages over each link. The shape of "
            "the mesh, 8 x 4 tiles, is unverified.",)  # fmt: skip
    events = counts.per_core()["synaptic_events"]
    return Section("Where it happened", text, core_maps(counts, events, "synaptic events", mesh))


def lines(summary):
    """The summary in words, for a terminal."""
    for truth in summary["truths"]:
        yield f"{truth['number']}. {truth['title']}: {'holds' if truth['holds'] else 'DOES NOT HOLD'}"
        for row in truth["rows"]:
            quantity, computed, published, ratio, holds, _ = _cells(row)
            yield f"   {quantity:<48}{computed:>20}{published:>20}{ratio:>9}  {holds}"
