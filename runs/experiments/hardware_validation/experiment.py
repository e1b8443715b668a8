"""hardware-validation: counts and costs of networks that are built and run, beside what others published.

Each truth is a network, a placement and a count; `runs.experiments.hardware_validation.truths` builds them.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from analysis.report import Section, Table, Verdict, write_report
from hardware_models import count_events, load_chip
from runs.experiments.core_maps import core_maps
from runs.experiments.hardware_validation.rows import in_digits_of
from runs.experiments.hardware_validation.truths import LEFT_OUT, TRUTHS, run_on_79_cores

__all__ = ["Config", "lines", "run"]

_HEADINGS = ("what is compared", "computed", "published or expected", "ratio", "accepted range", "within",
             "published or expected by")  # fmt: skip
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
    left_out = [dict(zip(("number", "title", "text"), each)) for each in LEFT_OUT]
    summary = {"experiment": "hardware-validation", "config": msgspec.to_builtins(config), "truths": truths,
               "left_out": left_out}  # fmt: skip
    verdicts = [Verdict(truth["title"], _answer(truth), truth["holds"], _outcome(truth)) for truth in truths]
    sections = [*(_section(each) for each in _in_order(summary)), _maps(config)]
    write_report(folder / "report.html", "Hardware models against published numbers", _LEAD, verdicts, sections,
                 f"Configuration: seed = {config.seed}")  # fmt: skip
    return summary


def _as_plain(truth):
    rows = [{"quantity": row.quantity, "unit": row.unit, "computed": float(row.computed), "published": row.published,
             "ratio": row.ratio, "accepted": row.accepted, "holds": row.holds, "source": row.source}
            for row in truth.rows]  # fmt: skip
    return {"number": truth.number, "title": truth.title, "text": truth.text, "limits": truth.limits, "rows": rows,
            "holds": all(row["holds"] is not False for row in rows)}  # fmt: skip


def _in_order(summary):
    """Truths, and what stands in the place of those that are left out, by number."""
    return sorted([*summary["truths"], *summary["left_out"]], key=lambda each: each["number"])


def _outcome(truth):
    return "as expected" if truth["holds"] else "NOT AS EXPECTED"


def _answer(truth):
    """In a few words, the last row that is judged as the example."""
    claimed = [row for row in truth["rows"] if row["holds"] is not None]
    quantity, computed, published, _, accepted, *_ = _cells(claimed[-1])
    return _unbroken(f"{sum(row['holds'] for row in claimed)} of {len(claimed)} within what is accepted; {quantity}: "
                     f"{computed}, published {published}, accepted: {accepted}. {truth['limits']}", truth)  # fmt: skip


def _section(truth):
    title = f"{truth['number']}. {truth['title']}"
    if "rows" not in truth:
        return Section(title, (truth["text"],))
    text = tuple(_unbroken(each, truth) for each in (truth["text"], truth["limits"]) if each)
    rows = tuple(tuple(_unbroken(cell, truth) for cell in _cells(row)) for row in truth["rows"])
    return Section(title, text, (Table(_HEADINGS, rows, "", "lrrrlll"),))


def _unbroken(text, truth):
    """Units stay beside their numbers."""
    for unit in {row["unit"] for row in truth["rows"]} - {""}:
        text = text.replace(f" {unit}", f"\N{NO-BREAK SPACE}{unit}")
    return text.strip()


def _cells(row):
    computed, published = (f"{in_digits_of(row['published'], float(number))} {row['unit']}".strip()
                           for number in (row["computed"], row["published"]))  # fmt: skip
    within = {True: "yes", False: "NO", None: "not judged"}[row["holds"]]
    return (row["quantity"], computed, published, f"{row['ratio']:.4f}", row["accepted"] or "nothing expected", within,
            row["source"])  # fmt: skip


def _maps(config):
    """Where the events of the random network on 79 cores were, and the links that its messages took."""
    counts, mesh = count_events(*run_on_79_cores(config)), load_chip("loihi").mesh
    text = ("The random network on 79 cores: synaptic events of each core, and messages over each link. The shape of "
            "the mesh, 8 x 4 tiles, is unverified.",)  # fmt: skip
    events = counts.per_core()["synaptic_events"]
    return Section("Where it happened", text, core_maps(counts, events, "synaptic events", mesh))


def lines(summary):
    """The summary in words, for a terminal."""
    tables = [_HEADINGS, *(_cells(row) for truth in summary["truths"] for row in truth["rows"])]
    widths = [max(map(len, column)) for column in zip(*tables)][:-1]  # without sources
    for each in _in_order(summary):
        if "rows" not in each:
            yield f"{each['number']}. {each['title']}: {each['text']}"
            continue
        yield f"{each['number']}. {each['title']}: {_outcome(each)}"
        if each["limits"]:
            yield f"   {each['limits']}"
        for cells in (_HEADINGS, *map(_cells, each["rows"])):
            yield "   " + "  ".join(text.rjust(w) if 0 < k < 4 else text.ljust(w)
                                    for k, (text, w) in enumerate(zip(cells, widths))).rstrip()  # fmt: skip
