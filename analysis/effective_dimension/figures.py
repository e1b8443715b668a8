"""Figures of dimensions: estimates beside a claimed range, their growth with the number of samples, spectra."""

import numpy as np
from matplotlib.figure import Figure

from analysis.plots import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE

__all__ = ["estimates_by_definition", "growth_with_samples", "spectra"]


def _panels(count, height, columns=3, **keywords):
    columns = min(count, columns)
    rows = -(-count // columns)
    figure = Figure(figsize=(3.1 * columns + 1, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **keywords).ravel()
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[count:]:
        ax.set_visible(False)
    return figure, axes[:count]


def estimates_by_definition(panels, claimed):
    """Every definition on every set, a panel for each set.

    Parameters
    ----------
    panels : sequence of (title, rows)
        A row is (definition, estimate or None, low or None, high or None, known or None).
    claimed : (low, high)
        Drawn as a grey band.
    """
    figure, axes = _panels(len(panels), 0.24 * len(panels[0][1]) + 0.7, sharey=True, sharex=True)
    for ax, (title, rows) in zip(axes, panels):
        ax.axvspan(*claimed, color=GREY, alpha=0.3, linewidth=0)
        for place, (_, estimate, low, high, known) in enumerate(rows):
            if low is not None:
                ax.plot([low, high], [place, place], color=BLUE, linewidth=1.5)
            if estimate is not None:
                ax.plot(estimate, place, "o", color=BLUE, markersize=4.5)
            if known is not None:
                ax.plot(known, place, "D", color=ORANGE, markersize=6, markerfacecolor="none")
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.set_title(title, loc="left", fontsize=10)
        ax.tick_params(labelbottom=True)
        ax.grid(axis="y", color="#eceff3", linewidth=0.8)
        ax.set_axisbelow(True)
        ax.set_yticks(np.arange(len(rows)), [row[0] for row in rows], fontsize=8)
        ax.set_xlabel("dimensions", fontsize=9)
    axes[0].invert_yaxis()
    return figure


def growth_with_samples(panels, claimed):
    """Estimates against the number of samples, a panel for each set.

    Parameters
    ----------
    panels : sequence of (title, curves)
        A curve is (label, samples, mean, deviation, known or None); at most five, the same labels in each panel.
    claimed : (low, high)
        Drawn as a grey band.
    """
    figure, axes = _panels(len(panels), 2.9, columns=4, sharey=True)
    looks = list(zip((BLUE, ORANGE, GREEN, PURPLE, BLACK), ("o", "s", "^", "D", "v"), ("-", "--", "-.", ":", "-")))
    for ax, (title, curves) in zip(axes, panels):
        ax.axhspan(*claimed, color=GREY, alpha=0.3, linewidth=0)
        for (label, samples, mean, deviation, known), (colour, marker, line) in zip(curves, looks):
            ax.errorbar(samples, mean, yerr=deviation, color=colour, marker=marker, linestyle=line, linewidth=1,
                        markersize=4, elinewidth=0.8, label=label)  # fmt: skip
            if known is not None:
                ax.plot(1.35 * max(samples), known, marker, color=colour, markerfacecolor="none", markersize=7)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
        sizes = curves[0][1]
        ax.set_xticks(sizes, [f"{size:,.0f}" for size in sizes], fontsize=8)
        ax.minorticks_off()
        ax.set_title(title, loc="left", fontsize=10)
        ax.tick_params(labelleft=True)
        ax.set_xlabel("samples", fontsize=9)
    axes[0].set_ylabel("dimensions", fontsize=9)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    return figure


def spectra(panels):
    """Share of the variance of each eigenvalue, a panel for each set.

    Parameters
    ----------
    panels : sequence of (title, (ranks, shares), (ranks, shares) or None)
        Of the samples, and of the source where that is known.
    """
    figure, axes = _panels(len(panels), 2.6, columns=4, sharey=True, sharex=True)
    for ax, (title, found, known) in zip(axes, panels):
        ax.plot(*found, "o-", color=BLUE, markersize=3, linewidth=1, label="of the samples")
        if known is not None:
            ax.plot(*known, "--", color=ORANGE, linewidth=1.4, label="of the source")
            ax.legend(frameon=False, fontsize=8, loc="lower left")
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_ylim(1e-6, 1.5)
        ax.set_title(title, loc="left", fontsize=10)
        ax.tick_params(labelbottom=True)
        ax.set_xlabel("rank of the eigenvalue", fontsize=9)
    axes[0].set_ylabel("share of the variance", fontsize=9)
    return figure
