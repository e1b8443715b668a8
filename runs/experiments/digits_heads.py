"""digits-heads: handwritten digits by attention in which q.K, too, is computed by spikes, one head after the other.

The task is that of digits-attention: the query is a test image, the keys are labelled images, the values their one-hot
labels. There the keys are synaptic weights; here queries, keys and values all arrive as spikes, in the code of each
head, and the products are formed by neurons.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from analysis.audit import audit
from analysis.plots import error_by_stage
from analysis.report import Figure, Section, Table, Verdict, write_report
from analysis.spike_bounds import describe_task, measure_bounds, read_task
from circuits.attention import HEADS
from eventsim import compile_network, simulate
from hardware_models import cost, count_events, load_chip, place
from runs.experiments.bounds_section import bounds_in_words, bounds_section
from runs.inputs import digits

__all__ = ["Config", "lines", "run"]

Positive = Annotated[int, Meta(ge=1)]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/digits_heads.toml for what each key means."""

    support: Annotated[int, Meta(ge=2)]
    queries: Positive
    seed: Annotated[int, Meta(ge=0, lt=2**31)]
    beta: Annotated[float, Meta(gt=0)]
    codes: Annotated[list[Literal[tuple(HEADS)]], Meta(min_length=1)]
    ticks: Annotated[int, Meta(ge=4)]
    reset: Literal["spikes", "host", "none"]
    chip: str
    table: str


@dataclass(frozen=True, eq=False)
class _Task:
    """What every head is asked: q (m, 1, 1, d), k (m, 1, n, d), v (m, 1, n, classes), and the right classes."""

    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    answers: np.ndarray


def run(config, folder, progress):
    """Run the experiment; write a trace for each head and report.html into `folder` and return the summary."""
    data = digits(config.support, config.queries, config.seed)
    one_hot = np.eye(data.n_classes)[data.labels]
    k, v = (np.broadcast_to(a, (config.queries, 1, *a.shape)) for a in (data.keys, one_hot))
    task = _Task(data.queries[:, None, None, :], k, v, data.answers)
    rows = [_head(config, code, task, folder / f"{code}.h5", progress) for code in config.codes]
    nearest = data.labels[(data.queries @ data.keys.T).argmax(axis=1)]
    summary = {
        "experiment": "digits-heads", "config": msgspec.to_builtins(config), "heads": rows,
        "accuracy": {"exact_softmax": rows[0]["exact_accuracy"], "chance": 1 / data.n_classes,
                     "nearest_neighbour": float((nearest == data.answers).mean())},
    }  # fmt: skip
    _write(folder / "report.html", config, summary)
    return summary


def _head(config, code, task, path, progress):
    """One head on all queries: build, place, run, audit, cost; the figures as plain types."""
    # Images have unit length, so that no logit, nor any part of its sum, is beyond beta.
    noise = {"seed": config.seed} if code == "rate" else {}
    head = HEADS[code](
        1, task.q.shape[-1], n_keys=config.support, d_values=task.v.shape[-1], beta=config.beta, ticks=config.ticks,
        logit_range=(-config.beta, config.beta), reset=config.reset, **noise,
    )  # fmt: skip
    network, chip = compile_network(head.network()), load_chip(config.chip)
    placement = place(network, chip)
    exact = head.exact(task.q, task.k, task.v)[2][:, 0, 0]
    manifest = {
        "experiment": "digits-heads", "config": msgspec.to_builtins(config), "seed": config.seed,
        "circuit": {"name": head.name, "populations": head.labels(), "warmup_ticks": head.phases.warmup_ticks,
                    "active_ticks": head.phases.active_ticks, "flush_ticks": head.phases.flush_ticks},
        "placement": {"chip": config.chip, "table": config.table, "hash": placement.hash},
        "task": describe_task(head, exact, task.answers, error="root mean square over queries and classes"),
    }  # fmt: skip
    with simulate(network, head.stimulus(task.q, task.k, task.v, seed=config.seed), trace=path,
                  core_of=placement.core_of, progress=progress, manifest=manifest) as trace:  # fmt: skip
        report = cost(count_events(trace, placement), chip, config.table, queries=config.queries, network=network)
        return _figures(head, code, task, exact, trace, report, audit(trace, placement, report))


def _figures(head, code, task, exact, trace, report, verdict):
    decoded = head.decode(trace)[:, 0, 0]
    received, _ = trace.received()
    return {
        "code": code, "neurons": trace.network.n_neurons, "synapses": trace.network.n_synapses,
        "ticks_per_query": head.duration_ticks, "spikes_per_query": trace.n_spikes / len(exact),
        "synaptic_events_per_query": int(received.sum()) / len(exact),
        "accuracy": _accuracy(np.nan_to_num(decoded), task), "exact_accuracy": _accuracy(exact, task),
        "rmse": float(np.sqrt(np.nanmean((decoded - exact) ** 2))),
        "unanswered": int(np.isnan(decoded).any(axis=1).sum()),
        "stages": head.errors(trace, task.q, task.k, task.v).to_dict("records"),
        "energy": report.to_json(), "audit": verdict.to_json(),
        "bounds": measure_bounds(trace, read_task(trace, f"{code}.h5")).to_json(),
    }  # fmt: skip


def _accuracy(scores, task):
    return float((scores.argmax(axis=1) == task.answers).mean())


def _table(summary):
    """Headings, and a row of text for each head."""
    headings = ("code", "accuracy", "error (rms)", "neurons", "synapses", "ticks", "spikes", "synaptic events",
                "dynamic energy")  # fmt: skip
    rows = []
    for row in summary["heads"]:
        each = row["energy"]["per_query"]
        whole = (f"{row[key]:,.0f}" for key in ("neurons", "synapses", "ticks_per_query", "spikes_per_query",
                                                "synaptic_events_per_query"))  # fmt: skip
        rows.append((
            row["code"], f"{row['accuracy']:.1%}", f"{row['rmse']:.4f}", *whole,
            f"{each['dynamic_low_pj'] / 1e6:,.0f} to {each['dynamic_high_pj'] / 1e6:,.0f} µJ",
        ))  # fmt: skip
    return headings, tuple(rows)


def _write(path, config, summary):
    accuracy, heads = summary["accuracy"], summary["heads"]
    headings, rows = _table(summary)
    best = min(heads, key=lambda row: row["rmse"])
    fewest = min(heads, key=lambda row: row["spikes_per_query"])
    broken = [f"{row['code']}: {law['name']}" for row in heads for law in row["audit"]["laws"]
              if law["verdict"] == "failed"]  # fmt: skip
    verdicts = [
        Verdict("Do they recognise digits?", ", ".join(f"{row['code']} {row['accuracy']:.1%}" for row in heads)
                + f"; exact softmax {accuracy['exact_softmax']:.1%}, nearest neighbour "
                f"{accuracy['nearest_neighbour']:.1%}, guessing {accuracy['chance']:.0%}"),
        Verdict("Which is the most exact?", f"{best['code']}: rms error {best['rmse']:.4f}"),
        Verdict("Which fires least?", f"{fewest['code']}: {fewest['spikes_per_query']:,.0f} spikes per query"),
        Verdict("Is every synaptic event accounted for?", f"broken: {', '.join(broken)}" if broken else
                "every law that could be checked passed, for each head", not broken),
    ]  # fmt: skip
    lacking = "; ".join(heads[0]["energy"]["missing"][:1]) if heads[0]["energy"]["missing"] else ""
    sections = [
        Section("What each head did", (
            f"Per query, {config.queries} queries over {config.support} labelled images. Energy is dynamic, on "
            f"{config.chip} with the table {config.table}, per query."
            + (f" Not runnable there as is: {lacking}." if lacking else ""),
        ), (Table(headings, rows, "Spikes count the sources' too: each key and value arrives anew with every query.",
                  "l" + "r" * (len(headings) - 1)),)),
        Section("Where the error comes from", (
            "Each stage is compared with what an exact one would have made of what it was given; errors are relative "
            "to the root mean square of what was to be represented. The last bar is the whole, from images to outputs.",
        ), (Figure(error_by_stage({row["code"]: row["stages"] for row in heads}), "Relative error of each stage."),)),
        *(replace(bounds_section(row["bounds"]), title=f"Spikes used against spikes needed: {row['code']}")
          for row in heads),
    ]  # fmt: skip
    lead = (f"{config.queries} images of handwritten digits, classified by attention over {config.support} labelled "
            "ones. Images, keys and values are spikes, and every product and sum between them is formed by neurons: "
            "by coincidences of random trains (rate), of regular trains and windows (duration), or by sums of spike "
            "times (latency).")  # fmt: skip
    settings = ", ".join(f"{key} = {value}" for key, value in summary["config"].items())
    title = "Digits by fully spiking attention heads"
    write_report(path, title, lead, verdicts, sections, f"Configuration: {settings}")


def lines(summary):
    """The summary in words, for a terminal."""
    accuracy = summary["accuracy"]
    headings, rows = _table(summary)
    widths = [max(len(row[k]) for row in (headings, *rows)) for k in range(len(headings))]
    for row in (headings, *rows):
        yield "  ".join(text.ljust(w) if k == 0 else text.rjust(w) for k, (text, w) in enumerate(zip(row, widths)))
    yield (f"exact softmax {accuracy['exact_softmax']:.1%}, nearest neighbour {accuracy['nearest_neighbour']:.1%}")
    for row in summary["heads"]:
        failed = [law["name"] for law in row["audit"]["laws"] if law["verdict"] == "failed"]
        yield from (f"bound of {row['code']}: {text}" for text in bounds_in_words(row["bounds"]))
        yield f"audit of {row['code']}: " + (f"broken: {', '.join(failed)}" if failed else "no law broken")
