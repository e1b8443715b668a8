"""Errors against how long a circuit runs, on logarithmic axes."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from analysis.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, axes

__all__ = ["convergence", "error_against_ticks"]


def error_against_ticks(curves, xlabel="active ticks"):
    """Mean total variation against ticks, on logarithmic axes.

    Parameters
    ----------
    curves : sequence of (label, ticks, mean, half_width or None, predicted or None)
        Measured with its 95 % half-width as markers; the prediction as a line.
    """
    figure, ax = axes(6.4, 4.0)
    styles = zip((BLUE, ORANGE, GREEN), ("o", "s", "^"), ("-", "--", ":"), strict=True)
    for (label, ticks, mean, half_width, predicted), (colour, marker, line) in zip(curves, styles, strict=False):
        ax.errorbar(ticks, mean, yerr=half_width, color=colour, marker=marker, linestyle="none", markersize=5,
                    capsize=2, label=f"{label}, measured")  # fmt: skip
        if predicted is not None:
            ax.plot(ticks, predicted, color=colour, linestyle=line, linewidth=1.2, label=f"{label}, predicted")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(xlabel)
    ax.set_ylabel("total variation from exact softmax")
    ax.legend(frameon=False, fontsize=8)
    return figure


def convergence(panels, xlabel, ylabel="total variation from exact softmax", columns=3, xticks=None):
    """Error against length on logarithmic axes, one panel per circuit, the same axes for all.

    Parameters
    ----------
    panels : sequence of (title, curves, guide)
        `curves` is a sequence of (label, x, y, half_width or None); the first five are told apart by colour and
        marker, the next five by open markers and dashes. `guide` is None or the slope of a grey line.
    xticks : sequence of int, optional
        Where the horizontal axis has marks; round numbers if left out.
    """
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.1 * rows), layout="constrained")
    fields = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for ax, panel in zip(fields.flat, [*panels, *[None] * (fields.size - len(panels))], strict=True):
        if panel is None:
            ax.set_visible(False)
            continue
        title, curves, guide = panel
        ax.spines[["top", "right"]].set_visible(False)
        for place, curve in enumerate(curves):
            _curve(ax, place, *curve)
        if guide is not None:
            _guide(ax, curves[0], guide)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_title(title, loc="left", fontsize=10)
        ax.tick_params(labelbottom=True)
    for ax in fields[:, 0]:
        ax.set_ylabel(ylabel, fontsize=9)
    for ax in fields.flat:
        ax.set_xlabel(xlabel, fontsize=9)
        if xticks is not None:
            ax.set_xticks(xticks, [f"{tick:,}" for tick in xticks], fontsize=8)
            ax.set_xticks([], minor=True)
    _round_marks(*([fields[0, 0].yaxis] if xticks is not None else [fields[0, 0].xaxis, fields[0, 0].yaxis]))
    handles = {}
    for ax in fields.flat:
        handles |= {label: handle for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    return figure


def _round_marks(*axes):
    """Numbers at 1, 2 and 5 of each decade where a logarithmic axis spans few of them, and at powers of ten elsewhere.

    Without this, an axis of less than a decade has a label at each of its digits, one over the other.
    """
    for axis in axes:
        low, high = axis.get_view_interval()
        few = high < 50 * low
        axis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0) if few else (1.0,)))
        axis.set_minor_formatter(NullFormatter())
        if few:
            axis.set_major_formatter("{x:,g}")


def _curve(ax, place, label, x, y, half_width):
    colour = (BLUE, ORANGE, GREEN, PURPLE, BLACK)[place % 5]
    marker, line = ("o", "s", "^", "D", "v")[place % 5], ("-", "--", ":")[place // 5 % 3]
    ax.errorbar(x, y, yerr=half_width, color=colour, marker=marker, linestyle=line, linewidth=1, markersize=4,
                markerfacecolor="white" if place >= 5 else colour, elinewidth=0.8, label=label)  # fmt: skip


def _guide(ax, curve, slope):
    """A line of this slope through the first point of a curve, a little above it."""
    x = np.array([min(curve[1]), max(curve[1])], dtype=float)
    ax.plot(x, 1.6 * curve[2][0] * (x / x[0]) ** slope, color=GREY, linewidth=3, alpha=0.45, zorder=0)
    ax.annotate(f"slope {slope:g}", (x[0], 1.6 * curve[2][0]), xytext=(0, 3), textcoords="offset points",
                color="#5b6472", fontsize=8, ha="left", va="bottom")  # fmt: skip
