"""approximation: spiking transformers fitted to permutation-equivariant functions; error against width, ticks, spikes.

Every error is that of a circuit as it ran on inputs that it was not fitted to, in units of the error of the best
permutation-invariant constant.
"""

from time import perf_counter
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from circuits.approximator import FUNCTIONS, Basis, LowestIndexWins, follows
from eventsim import compile_network, simulate
from runs.experiments.approximation.report import write

__all__ = ["Config", "lines", "run"]

Positive = Annotated[int, Meta(ge=1)]
Several = Annotated[list[Positive], Meta(min_length=2)]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/approximation.toml for what each key means."""

    functions: Annotated[list[Literal[tuple(FUNCTIONS)]], Meta(min_length=1)]
    n: Annotated[int, Meta(ge=2)]
    d: Positive
    error: Annotated[float, Meta(gt=0)]
    widths: Several
    ticks: Several
    examples: Annotated[int, Meta(ge=5)]
    held_out: Annotated[int, Meta(ge=5)]
    seed: Annotated[int, Meta(ge=0, lt=2**31)]
    permutations: Positive


def run(config, folder, progress):
    """Run the experiment; write report.html into `folder` and return the summary."""
    start = perf_counter()
    sizes = [(width, config.ticks[-1]) for width in config.widths]
    sizes += [(config.widths[-1], ticks) for ticks in config.ticks[:-1]]
    points = [point for width, ticks in sizes for point in _points(config, width, ticks, progress)]
    summary = {
        "experiment": "approximation", "config": msgspec.to_builtins(config), "points": points,
        "equivariance": _equivariance(config, progress),
    }  # fmt: skip
    summary["seconds"] = perf_counter() - start
    write(folder / "report.html", summary)
    return summary


def _basis(config, width, ticks, progress):
    return Basis(config.n, config.d, width=width, ticks=ticks, seed=config.seed, examples=config.examples,
                 held_out=config.held_out, progress=progress)  # fmt: skip


def _points(config, width, ticks, progress):
    """What circuits of one size reach, function by function, as plain types."""
    basis = _basis(config, width, ticks, progress)
    for name in config.functions:
        found = basis.approximate(FUNCTIONS[name], config.error)
        yield {
            "function": name, "width": width, "ticks": ticks, "error": found.reached, "low": found.low,
            "high": found.high, "largest": found.largest, "constant": found.constant, "of_width": found.of_width,
            "of_ticks": found.of_ticks, "limit": found.limit, "met": found.met, "spikes": found.spikes,
            "neurons": found.neurons, "synapses": found.synapses, "ticks_per_input": found.circuit.duration_ticks,
        }  # fmt: skip


def _equivariance(config, progress):
    """Of how many permutations of one input's tokens every spike follows its token, circuit by circuit."""
    basis = _basis(config, config.widths[0], config.ticks[0], progress)
    circuit = basis.approximate(FUNCTIONS[config.functions[0]], config.error).circuit
    control = LowestIndexWins(basis.maps, config.n, basis.ticks, circuit.layers)
    rng = np.random.default_rng([config.seed, 1])
    orders = np.array([np.arange(config.n), *(rng.permutation(config.n) for _ in range(config.permutations))])
    one_input = {"input_id": np.zeros(len(orders), dtype=int), "seed": config.seed}
    cases = (
        ("regular code", True, circuit, "regular", {}),
        ("random code, noise keyed by token", True, circuit, "random", {"token_keys": orders}),
        ("random code, noise keyed by index", False, circuit, "random", {}),
        ("regular code, the lowest index wins ties", False, control, "regular", {}),
    )
    rows = []
    for name, should, tried, code, keys in cases:
        stimulus = tried.stimulus(basis.place(basis.held_out[0][orders]), code=code, **one_input, **keys)
        with simulate(compile_network(tried.network()), stimulus, progress=progress) as trace:
            followed, outputs = follows(tried, trace, orders), tried.decode(trace)
        same = [bool((y == outputs[0][order]).all()) for y, order in zip(outputs, orders, strict=True)]
        rows.append({"case": name, "should_follow": should, "permutations": len(orders) - 1,
                     "spikes_follow": int(followed[1:].sum()), "outputs_follow": sum(same[1:])})  # fmt: skip
    return rows


def lines(summary):
    """The summary in words, for a terminal."""
    config = summary["config"]
    for point in summary["points"]:
        if (point["width"], point["ticks"]) == (config["widths"][-1], config["ticks"][-1]):
            yield (f"{point['function']}: {point['error']:.4f} ({point['low']:.4f} to {point['high']:.4f}) of the best "
                   f"permutation-invariant constant's {point['constant']:.4g}, largest error {point['largest']:.4g}, "
                   f"{point['spikes']:,.0f} spikes per input; limited by {point['limit']}")  # fmt: skip
    for row in summary["equivariance"]:
        yield f"{row['case']}: spikes follow tokens in {row['spikes_follow']} of {row['permutations']} permutations"
