"""on-chip: every circuit on every chip: native, quantised, or refused and why; its error there, and its energy.

A circuit that a chip's integers can say is run in them; all others are costed as they are, which no chip can run, and
say so.
"""

from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from circuits.softmax.latency import SPAN_LIMIT
from eventsim import simulate
from eventsim.errors import CapacityError
from hardware_models import load_chip, place, quantise
from hardware_models.integers.obstacles import obstacles
from runs.experiments.all_at_once import all_at_once
from runs.experiments.drawn_circuits import BoundedBlock
from runs.experiments.on_chip.cases import CASES
from runs.experiments.on_chip.energy import counted_with_relays, energy_range
from runs.experiments.on_chip.report import lines, write

__all__ = ["Config", "lines", "run"]

#: Upper bounds are far above what is of use, and below what overflows or fills the memory.
Few = Annotated[int, Meta(ge=1, le=64)]
Many = Annotated[int, Meta(ge=1, le=4096)]


class Config(BoundedBlock, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/on_chip.toml for what each key means."""

    cases: Annotated[list[Literal[tuple(CASES)]], Meta(min_length=1)]
    chips: Annotated[list[Literal["loihi", "truenorth"]], Meta(min_length=1)]
    rows: Many
    n: Annotated[int, Meta(ge=2, le=4096)]
    length: Annotated[int, Meta(ge=4, le=2**20)]
    spread: Annotated[float, Meta(ge=1e-3, le=SPAN_LIMIT)]
    head_tokens: Few
    head_channels: Few
    head_ticks: Annotated[int, Meta(ge=4, le=2**16)]
    support: Annotated[int, Meta(ge=2)]
    queries: Annotated[int, Meta(ge=1)]
    beta: Annotated[float, Meta(gt=0, le=1000)]
    tau_ticks: Many
    levels: Annotated[int, Meta(ge=2, le=1024)]


def run(config, folder, progress):
    """Run the experiment; write a trace for each circuit that runs on a chip, and report.html, into `folder`."""
    cases = {name: CASES[name](name, config) for name in config.cases}  # all are there before one is run
    with all_at_once(folder) as fresh:
        rows = [row for name, case in cases.items() for row in _rows(name, case, config, fresh, progress)]
        summary = {"experiment": "on-chip", "config": msgspec.to_builtins(config), "rows": rows}
        write(fresh / "report.html", summary)
    return summary


def _rows(name, case, config, folder, progress):
    """A row for each chip: what becomes of one circuit there."""
    with simulate(case.network, case.stimulus, progress=progress) as trace:
        said, exact = case.says(trace), case.exact
        exact = said if exact is None else exact
        given = {"case": name, "title": case.title, "measure": case.measure, "neurons": case.network.n_neurons,
                 "synapses": case.network.n_synapses, "error_as_is": case.error(said, exact), "queries": case.queries,
                 "accuracy_as_is": None if case.accuracy is None else case.accuracy(said),
                 "accuracy_exact": None if case.accuracy is None else case.accuracy(exact)}  # fmt: skip
        for key in config.chips:
            chip = load_chip(key)
            found = obstacles(case.network, chip)
            common = given | {"chip": key, "obstacles": found, "mapped": _share_mapped(case.network, found)}
            if found:
                yield common | {"status": "refused", "why": found[0]} | _energy(trace, case, chip, config)
            else:
                yield common | _on_chip(case, chip, config, said, exact, folder / f"{name}_{key}.h5", progress)


def _on_chip(case, chip, config, said, exact, path, progress):
    """What a circuit does in the chip's integers."""
    native = not chip.check(case.network)
    made = _quantised(case.network, chip)
    with simulate(made.network, made.stimulus(case.stimulus), trace=path, progress=progress) as trace:
        there = case.says(trace)
        losses = made.losses
        return {
            "status": "native" if native else "quantised", "why": "; ".join(losses.notes),
            "error_on_chip": case.error(there, exact), "difference": case.error(there, said),
            "accuracy_on_chip": None if case.accuracy is None else case.accuracy(there),
            "weight_error": float(losses.pathways["rms_error"].max()), "neurons_on_chip": made.network.n_neurons,
            "copies": made.network.n_neurons - case.network.n_neurons,
        } | _energy(trace, case, chip, config)  # fmt: skip


def _quantised(network, chip):
    """The network in the chip's integers; on TrueNorth with repeats of axons that take the fewest cores."""
    if chip.name != "truenorth":
        return quantise(network, chip)
    made = [quantise(network, chip, repeats=repeats) for repeats in (3, 2, 1)]
    return min(made, key=lambda each: _cores(each.network, chip))


def _cores(network, chip):
    try:
        return place(network, chip).n_cores
    except CapacityError:
        return np.inf


def _energy(trace, case, chip, config):
    """Placement and energy of a trace on a chip; None, and why, where it does not fit."""
    try:
        placed = place(trace.network, chip)
    except CapacityError as error:
        return {"cores": None, "energy": None, "does_not_fit": str(error), "relays": 0}
    network, counts = counted_with_relays(trace, placed)
    return {"cores": int(placed.n_cores), "does_not_fit": None, "relays": network.n_neurons - trace.network.n_neurons,
            "energy": energy_range(counts, chip, network, case.queries, config.tick_ms)}  # fmt: skip


def _share_mapped(network, found):
    """Of the neurons, those whose population, and every pathway onto it, is in no obstacle."""
    named = {text.split("'")[1] for text in found}
    stuck = {p.name for p in network.populations if p.name in named}
    stuck |= {network.populations[p.target].name for p in network.pathways if p.name in named}
    own = [p for p in network.populations if not p.is_source]
    return float(sum(p.size for p in own if p.name not in stuck) / np.sum([p.size for p in own]))
