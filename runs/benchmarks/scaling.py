"""What a run costs when neurons are added, and when events are: cost should follow events, not neurons.

Leaky neurons hear spike sources through random synapses. Once the deliveries stay as they are and silent neurons are
added; once the neurons stay and the sources fire more. Each run is measured in processor time, by dense steps, by touch
and in continuous time; the exponent is the slope of log(time) against log(what grows).

    python -m runs.benchmarks.scaling [--full] [--rounds N] [--out FOLDER]
"""

import argparse
import json
import time
from pathlib import Path
from statistics import median

import numpy as np
from matplotlib.figure import Figure

import eventsim
from eventsim import Simulation, Stimulus

__all__ = ["GROWS", "TICKS", "network_of", "scaling"]

TICKS, SOURCES, FAN_OUT = 1000, 1000, 200

#: What grows -> its values; (neurons, deliveries) is what stays of the other.
GROWS = {
    "quick": {"neurons": (2_000, 20_000, 200_000), "deliveries": (20_000, 200_000, 2_000_000)},
    "full": {"neurons": (10_000, 100_000, 1_000_000, 10_000_000),
             "deliveries": (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)},
}  # fmt: skip
_STAYS = {"quick": {"neurons": 20_000, "deliveries": 200_000}, "full": {"neurons": 100_000, "deliveries": 1_000_000}}

#: Name -> how it is run, colour and marker of its line.
_WAYS = {
    "dense steps": ({"updates": "dense"}, "#D55E00", "s"),
    "by touch": ({"updates": "touched"}, "#0072B2", "o"),
    "continuous time": ({"clock": "continuous"}, "#009E73", "^"),
}


def scaling(quick=True, rounds=3, folder=Path("out/bench")):
    """Measure, fit and plot.

    Parameters
    ----------
    quick : bool
        Smaller networks, fewer deliveries.
    rounds : int
        Rounds in which the ways take turns; figures are medians.
    folder : path
        Where scaling.json and scaling.png are written.

    Returns
    -------
    dict : for what grows and each way, the points (grown, deliveries made, seconds) and the exponent
    """
    size = "quick" if quick else "full"
    document = {}
    for grows, values in GROWS[size].items():
        networks = [network_of(**(_STAYS[size] | {grows: value})) for value in values]
        runs = {way: [[] for _ in values] for way in _WAYS}
        for number in range(rounds + 1):
            for k, (network, stimulus) in enumerate(networks):
                for way, (options, *_) in _WAYS.items():
                    result = _run(network, stimulus, options)
                    if number:
                        runs[way][k].append(result)
        document[grows] = {way: _fitted(values, results) for way, results in runs.items()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scaling.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    _plot(document, folder / "scaling.png")
    return document


def network_of(neurons, deliveries, seed=0):
    """(network, stimulus): so many leaky neurons, and so many deliveries to them."""
    rng = np.random.default_rng(seed)
    cells = {"model": np.repeat(["source", "lif"], [SOURCES, neurons]), "tau_ms": np.full(SOURCES + neurons, 20.0)}
    cells["tau_ms"][:SOURCES] = np.nan
    n = SOURCES * FAN_OUT
    synapses = {"pre": np.repeat(np.arange(SOURCES), FAN_OUT), "post": SOURCES + rng.integers(0, neurons, n),
                "weight": np.full(n, 0.3), "delay_ms": np.ones(n)}  # fmt: skip
    spikes = deliveries // FAN_OUT
    at = rng.choice((TICKS - 1) * SOURCES, spikes, replace=False)
    stimulus = Stimulus.of(at // SOURCES, at % SOURCES, duration_ticks=TICKS)
    return eventsim.network(cells, synapses), stimulus


def _run(network, stimulus, options):
    with Simulation(network, stimulus, **options) as simulation:
        simulation.run(1)
        began = time.process_time()
        simulation.run()
        return simulation.summary.synaptic_events, time.process_time() - began


def _fitted(values, results):
    seconds = [median(s for _, s in runs) for runs in results]
    points = [[value, runs[0][0], s] for value, runs, s in zip(values, results, seconds)]
    return {"points": points, "exponent": float(np.polyfit(np.log(values), np.log(seconds), 1)[0])}


def _plot(document, path):
    figure = Figure(figsize=(9, 4), layout="constrained")
    for ax, (grows, ways) in zip(figure.subplots(1, 2, sharey=True), document.items()):
        for way, (_, colour, marker) in _WAYS.items():
            grown, _, seconds = zip(*ways[way]["points"])
            label = f"{way}: exponent {ways[way]['exponent']:.2f}"
            ax.loglog(grown, seconds, marker=marker, color=colour, label=label)
        ax.set_xlabel(grows)
        ax.set_title(f"more {grows}, all else the same", fontsize="medium")
        ax.legend(fontsize="small")
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_ylabel("processor time, s")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    given = parser.parse_args()
    for what, found in scaling(not given.full, given.rounds, given.out).items():
        for name, row in found.items():
            print(f"more {what}, {name}: exponent {row['exponent']:.2f}")
