"""Amounts side by side, with what they are compared to."""

import numpy as np

from analysis.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, axes

__all__ = ["energy_bars", "error_by_stage", "intervals", "messages_by_placer"]


def energy_bars(terms):
    """Energy per query by term, in microjoule, low and high ends side by side where they differ.

    Parameters
    ----------
    terms : sequence of (label, low_uj, high_uj)
    """
    figure, ax = axes(7.5, 0.55 * len(terms) + 1.1)
    place = np.arange(len(terms))[::-1]
    low, high = (np.array([term[k] for term in terms], dtype=float) for k in (1, 2))
    ax.barh(place, low, color=BLUE, height=0.6)
    ax.barh(place, high - low, left=low, color=BLUE, alpha=0.35, hatch="///", height=0.6)
    for y, a, b in zip(place, low, high, strict=True):
        text = f"{a:.3g}" if a == b else f"{a:.3g} to {b:.3g}"
        ax.annotate(f" {text}", (max(a, b), y), va="center", fontsize=9)
    ax.set_yticks(place, [term[0] for term in terms])
    ax.set_xscale("log")
    ax.set_xlim(low[low > 0].min(initial=1.0) / 10, high.max(initial=1.0) * 12)
    ax.set_xlabel("energy per query, µJ (logarithmic)")
    return figure


def error_by_stage(stages):
    """Relative error of each stage of a computation, side by side for several ways to do it.

    Parameters
    ----------
    stages : mapping of str to list of dict
        Way -> rows with the keys stage, rmse, scale; the same stages in each.
    """
    figure, ax = axes(9, 3.6)
    names = [row["stage"] for row in next(iter(stages.values()))]
    width = 0.8 / len(stages)
    looks = zip((BLUE, ORANGE, GREEN, PURPLE, GREY), ("", "//", "..", "xx", "--"))
    for k, ((way, rows), (colour, hatch)) in enumerate(zip(stages.items(), looks)):
        relative = [row["rmse"] / row["scale"] for row in rows]
        at = np.arange(len(names)) + (k - (len(stages) - 1) / 2) * width
        heights = np.maximum(relative, 1e-6)
        ax.bar(at, heights, width * 0.92, color=colour, hatch=hatch, edgecolor="white", linewidth=0.5, label=way)
    ax.set_yscale("log")
    ax.set_xticks(np.arange(len(names)), names)
    ax.set_ylabel("error / what was represented (rms)")
    ax.legend(frameon=False, fontsize=9, ncols=len(stages), loc="upper left", bbox_to_anchor=(0, 1.12))
    return figure


def messages_by_placer(shares):
    """Messages of each placer beside those of the placement in order, one group of bars for each network.

    Parameters
    ----------
    shares : sequence of (network, placer, share)
        Share 1 is as many messages as in order.
    """
    networks, placers = (list(dict.fromkeys(row[k] for row in shares)) for k in (0, 1))
    figure, ax = axes(7.5, 0.35 * max(len(shares), 2) + 1.2)
    height = 0.8 / max(len(placers), 1)
    looks = dict(zip(placers, zip((GREY, BLUE, ORANGE, GREEN), ("", "///", "", "..."))))
    seen = set()
    for network, placer, share in shares:
        y = -networks.index(network) - (placers.index(placer) - (len(placers) - 1) / 2) * height
        colour, hatch = looks[placer]
        ax.barh(y, share, height * 0.9, color=colour, hatch=hatch, edgecolor="white", linewidth=0.5,
                label=None if placer in seen else placer)  # fmt: skip
        ax.annotate(f" {share:.0%}", (share, y), va="center", fontsize=8)
        seen.add(placer)
    ax.set_yticks(-np.arange(len(networks)), networks)
    ax.set_xlabel("messages, in order = 1")
    ax.margins(x=0.1)
    if shares:
        figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def intervals(rows, claimed, xlabel):
    """Estimates with intervals, one below the other on a logarithmic axis, over a claimed range.

    Parameters
    ----------
    rows : sequence of (label, estimate, low, high)
    claimed : (float, float)
        Drawn as a grey band.
    xlabel : str
    """
    figure, ax = axes(7, 0.26 * len(rows) + 1)
    ax.axvspan(*claimed, color=GREY, alpha=0.3, linewidth=0)
    for place, (_, estimate, low, high) in enumerate(rows):
        ax.plot([low, high], [place, place], color=BLUE, linewidth=1.5)
        ax.plot(estimate, place, "o", color=BLUE, markersize=4.5)
    ax.set_xscale("log")
    ax.set_yticks(np.arange(len(rows)), [row[0] for row in rows], fontsize=9)
    ax.invert_yaxis()
    ax.set_xlabel(xlabel)
    return figure
