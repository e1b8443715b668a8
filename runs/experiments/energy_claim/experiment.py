"""energy-claim: published models, and attention blocks that are run here, under each way to account for energy."""

from fractions import Fraction
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from analysis.energy_claim import CLAIMED, accountings, activity
from analysis.operation_counts import deliveries, products
from eventsim import compile_network, simulate
from hardware_models import count_events, load_chip, place
from hardware_models.costing.published import load_models, load_thresholds
from runs.experiments.all_at_once import all_at_once
from runs.experiments.drawn_circuits import BoundedBlock, cost_at, drawn_circuit, not_costed
from runs.experiments.energy_claim.report import lines, write

__all__ = ["Config", "lines", "run"]


class Config(BoundedBlock, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/energy_claim.toml for what each key means."""

    blocks: Annotated[list[Literal["ssa", "qk_token", "sdsa"]], Meta(min_length=1)]


def run(config, folder, progress):
    """Run the experiment; write a trace for each block and report.html into `folder` and return the summary."""
    ways, ms = list(accountings()), Fraction(str(config.tick_ms))
    circuits = {name: drawn_circuit(name, config) for name in config.blocks}  # all are there before one is run
    with all_at_once(folder) as fresh:
        summary = {
            "experiment": "energy-claim", "config": msgspec.to_builtins(config), "claimed": list(CLAIMED),
            "accountings": [_accounting(way) for way in ways],
            "models": [_model(name, model, ways, ms) for name, model in load_models().items()],
            "thresholds": [{"title": each.title, "steps": int(each.steps_count.value),
                            "rate": float(each.rate_ratio.value), "rho": float(each.activity),
                            "source": each.rate_ratio.source} for each in load_thresholds().values()],
            "blocks": [_block(name, *circuit, ways, config.tick_ms, fresh / f"{name}.h5", progress)
                       for name, circuit in circuits.items()],
        }  # fmt: skip
        write(fresh / "report.html", summary)
    return summary


def _accounting(way):
    """An accounting as plain types; with static power the activity for a ratio is each model's own, and None here."""
    activities = [None if way.static_mw else float(way.activity_for(ratio)) for ratio in (*CLAIMED, 1)]
    return {
        "name": way.name, "text": way.text, "ann_pj": float(way.ann), "event_pj": float(way.event),
        "own_pj": float(way.own), "static": bool(way.static_mw), "unverified": way.unverified,
        "sources": list(way.sources), "rho_claimed": activities[:-1], "rho_even": activities[-1],
    }  # fmt: skip


def _model(name, model, ways, ms):
    """A published model: its activity; under each accounting its ratio, and its activity for the ratios claimed and
    for 1; None where a figure is missing. Where only its energy is known, it has a ratio at its authors' prices alone.
    """
    own = {"name": name, "title": model.title, "steps": int(model.steps_count.value),
           "unverified": list(model.unverified), "counted": model.additions_count is not None,
           "uncounted": model.uncounted,
           "sources": {key: figure.source for key, figure in model.figures.items()}}  # fmt: skip
    found = activity(model, ways[0].ann, ways[0].event)
    if found is None or model.unverified or model.uncounted:
        unknown = [None] * (len(ways) - 1)
        as_published = None if found is None or model.unverified else float(ways[0].ratio(*found))
        return own | {"rho": None, "own_share": None, "ratios": [as_published, *unknown],
                      "rho_claimed": [[None] * len(CLAIMED)] * len(ways), "rho_even": [None, *unknown]}  # fmt: skip
    rho, share = found
    statics = [_static(way, model, ms) for way in ways]
    ratios = [None if static is None else float(way.ratio(rho, share, static)) for way, static in zip(ways, statics)]
    activities = [[_reached(way, ratio, share, static) for ratio in (*CLAIMED, 1)]
                  for way, static in zip(ways, statics)]  # fmt: skip
    return own | {"rho": float(rho), "own_share": float(share), "ratios": ratios,
                  "rho_claimed": [each[:-1] for each in activities], "rho_even": [each[-1] for each in activities]}


def _reached(way, ratio, share, static):
    """The activity at which a model has this ratio; words where no activity is low enough, None where not known."""
    if static is None:
        return None
    rho = way.activity_for(ratio, share, static)
    return "not reached" if rho < 0 else float(rho)


def _static(way, model, ms):
    """pJ per MAC of the chips that hold each weight once, in full lists; None where their number is not known."""
    if not way.static_mw:
        return Fraction(0)
    if model.parameters_count is None:
        return None
    chip = load_chip(way.table[0])
    words = chip.limits.synapse_words_per_core.value * chip.mesh.cores_per_chip.value
    chips = -(-int(chip.synapse_memory.words(0, model.parameters_count.value)) // words)
    macs = model.dense_macs_count.exact / model.steps_count.exact
    return way.static_per_mac(chips, ms * model.steps_count.exact, macs)


def _block(name, circuit, x, ways, tick_ms, path, progress):
    """A block that is run: deliveries counted, and on chips all that their tables price; what they do not is named."""
    network = compile_network(circuit.network())
    with simulate(network, circuit.stimulus(x), trace=path, progress=progress) as trace:
        routes = deliveries(trace, circuit)
        events, built = int(routes["all"].sum()), set(routes["stage"])  # a membrane output has no synapses
        dense = sum(product.dense for product in products(circuit, trace) if product.stage in built)
        macs = Fraction(dense, len(x))
        costs = [_block_cost(way, trace, tick_ms) for way in ways]
        ratios = [_block_ratio(way, report, macs, Fraction(events)) for way, report in zip(ways, costs)]
    reports = [report for report in costs if report is not None]
    left_out = {chip: not_costed([report for report in reports if report.chip == chip])
                for chip in dict.fromkeys(report.chip for report in reports)}  # fmt: skip
    return {"name": name, "neurons": network.n_neurons, "synapses": network.n_synapses, "macs": float(macs),
            "deliveries": events, "rho": float(events / macs), "ratios": ratios, "not_costed": left_out}


def _block_cost(way, trace, tick_ms):
    """The CostReport on the accounting's chip; None where it has none."""
    if way.table is None:
        return None
    chip, network = load_chip(way.table[0]), trace.network
    return cost_at(tick_ms, count_events(trace, place(network, chip)), chip, way.table[1], network=network)


def _block_ratio(way, report, macs, events):
    """(least, most) ratio: neurons all active, or all idle."""
    if report is None:
        return [float(way.ratio(events / macs))] * 2
    static = report.static_pj if way.static_mw else 0
    return [float(way.ann * macs / (energy + static)) for energy in (report.dynamic_high_pj, report.dynamic_low_pj)]
