"""What a network too large to measure would take on ranks, from what smaller ones took: on paper.

    python -m runs.ranks.projection out/ranks/ranks.json

A rank's memory is base + a synapses + b own neurons + c mirrors, fitted to the measured peaks of all rows, none of them
negative. With R ranks and N neurons of K synapses each, drawn at random, a rank has N K/R synapses, N/R neurons and
N (1 - (1 - 1/N)^(N K/R)), nearly N (1 - exp(-K/R)), mirrors. Every rank hears every spike, 4 bytes each.
"""

import argparse
import json
from pathlib import Path

import numpy as np

__all__ = ["fit", "project"]

#: Bytes for each neuron of the whole network that a rank holds while it loads: its owner, its core, its place here, a
#: column that is read, and whether it is here (`eventsim.ranks.share`).
WHOLE_BYTES = 4 + 4 + 4 + 8 + 1
SPIKE_BYTES = 4

#: Neurons and synapses of each, for the table.
_SIZES = ((100_000, 1_000), (1_000_000, 1_000), (10_000_000, 1_000), (1_000_000_000, 1_000))


def fit(rows):
    """Bytes of the model above, from measured rows of `runs.ranks.measure`.

    Parameters
    ----------
    rows : sequence of dict

    Returns
    -------
    dict : base, synapse, own, mirror (bytes); worst, the largest relative error of the rows
    """
    from scipy.optimize import nnls

    counts = np.array([[1.0, row["synapses"], row["own"], row["mirrors"]] for row in rows])
    bytes_ = np.array([row["peak_mb"] for row in rows]) * 1e6
    scale = counts.max(axis=0)
    found = nnls(counts / scale, bytes_)[0] / scale
    worst = float(np.max(np.abs(counts @ found - bytes_) / bytes_))
    return dict(zip(("base", "synapse", "own", "mirror"), found.tolist())) | {"worst": worst}


def project(figures, neurons, fan_out, rank_bytes=64e9, rate_hz=10.0):
    """The least number of ranks, a power of two, that hold a network, and what each has and hears.

    Parameters
    ----------
    figures : dict
        As `fit` returns.
    neurons, fan_out : int
    rank_bytes : float
        Memory of a rank.
    rate_hz : float
        Spikes of a neuron per second of model time.

    Returns
    -------
    dict : synapses, ranks, rank_bytes (while loading), heard_bytes_per_s and events_per_s of each rank, both per second
        of model time; ranks is None when what a rank needs of the whole network is too much alone
    """
    ranks = 1
    while True:
        synapses = neurons * fan_out / ranks
        mirrors = -neurons * np.expm1(synapses * np.log1p(-1 / neurons))
        needed = (figures["base"] + figures["synapse"] * synapses + figures["own"] * neurons / ranks
                  + figures["mirror"] * mirrors + WHOLE_BYTES * neurons)  # fmt: skip
        if needed <= rank_bytes or ranks > neurons:
            break
        ranks *= 2
    return {
        "synapses": neurons * fan_out, "ranks": ranks if needed <= rank_bytes else None, "rank_bytes": float(needed),
        "heard_bytes_per_s": SPIKE_BYTES * neurons * rate_hz, "events_per_s": synapses * rate_hz,
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("document", type=Path)
    measured = json.loads(parser.parse_args().document.read_text(encoding="utf-8"))
    figures = fit([row for case in measured.values() for row in case["ranks"]])
    print(", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
    for neurons, fan_out in _SIZES:
        print(project(figures, neurons, fan_out))
