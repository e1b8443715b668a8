"""Figures: each function takes arrays and returns a matplotlib Figure, and draws nothing on a screen.

Colours are Okabe and Ito's (jfly.uni-koeln.de/color), told apart by colour-blind readers and, by marker and
line style, in grey.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

__all__ = [
    "convergence", "core_heat_map", "energy_bars", "error_against_ticks", "error_by_stage", "intervals", "link_loads",
    "messages_by_placer", "raster", "weights_against_exact",
]  # fmt: skip

BLUE, ORANGE, GREEN, PURPLE, GREY, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8a93a3", "#1c2330"


def _axes(width, height, columns=1, **keywords):
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, columns, **keywords)
    for ax in np.atleast_1d(axes):
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def raster(rows, marks=(), title=""):
    """Spikes of labelled populations over one stretch of time.

    Parameters
    ----------
    rows : sequence of (label, tick, index, size)
        One band per population: spike ticks, index of the neuron within it, number of neurons.
    marks : sequence of (tick, label)
        Vertical lines.
    """
    figure, ax = _axes(9, 4.6)
    bottom, height, gap = 0.0, 1.0, 0.25
    ticks, labels = [], []
    for band, (label, tick, index, size) in enumerate(reversed(list(rows))):
        y = bottom + height * (np.asarray(index) + 0.5) / size
        ax.plot(tick, y, linestyle="none", marker="|" if size < 40 else ".", markersize=6 if size < 40 else 2.5,
                color=(BLUE, ORANGE, GREEN, PURPLE, BLACK)[band % 5], markeredgewidth=1)  # fmt: skip
        ax.axhline(bottom - gap / 2, color="#dfe3ea", linewidth=0.8)
        ticks.append(bottom + height / 2)
        labels.append(f"{label} ({size})")
        bottom += height + gap
    ax.set_ylim(-gap, bottom + 0.3)  # room for the words of marks, which a plot of spikes would not leave
    for tick, label in marks:
        ax.axvline(tick, color=GREY, linewidth=0.9, linestyle="--")
        ax.annotate(label, (tick, bottom), fontsize=8, color=GREY, ha="left", va="bottom")
    ax.set_yticks(ticks, labels)
    ax.set_xlabel("tick")
    ax.set_title(title, loc="left", fontsize=11)
    return figure


def weights_against_exact(examples, shares, exact):
    """Attention weights by spikes beside the exact ones.

    Parameters
    ----------
    examples : sequence of (title, shares (n,), exact (n,), error (n,) or None)
        A few queries to show in full, their largest weights first.
    shares, exact : (m, n) arrays
        All queries, for the scatter.
    """
    figure, axes = _axes(11, 3.4, columns=len(examples) + 1)
    for ax, (title, share, target, error) in zip(axes, examples, strict=False):
        top = np.argsort(target)[::-1][:12]
        place = np.arange(top.size)
        ax.bar(place, share[top], color=BLUE, width=0.7, label="spikes")
        ax.errorbar(place, target[top], yerr=None if error is None else 1.96 * error[top], color=ORANGE, marker="D",
                    linestyle="none", markersize=4, capsize=2, label="exact softmax")  # fmt: skip
        ax.set_title(title, loc="left", fontsize=10)
        ax.set_xlabel("tokens, by exact weight")
        ax.set_xticks([])
    axes[0].set_ylabel("attention weight")
    axes[0].legend(frameon=False, fontsize=8)
    scatter = axes[-1]
    seen = (exact > 1e-4) | (shares > 0)
    scatter.plot(exact[seen], shares[seen], ".", markersize=2, color=BLUE, alpha=0.35, rasterized=True)
    scatter.plot([0, 1], [0, 1], color=ORANGE, linewidth=1)
    scatter.set_xlabel("exact weight")
    scatter.set_ylabel("share of spikes")
    scatter.set_title("all queries", loc="left", fontsize=10)
    return figure


def error_against_ticks(curves, xlabel="active ticks"):
    """Mean total variation against ticks, on logarithmic axes.

    Parameters
    ----------
    curves : sequence of (label, ticks, mean, half_width or None, predicted or None)
        Measured with its 95 % half-width as markers; the prediction as a line.
    """
    figure, ax = _axes(6.4, 4.0)
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


def energy_bars(terms):
    """Energy per query by term, in microjoule, low and high ends side by side where they differ.

    Parameters
    ----------
    terms : sequence of (label, low_uj, high_uj)
    """
    figure, ax = _axes(7.5, 0.55 * len(terms) + 1.1)
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
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for ax, panel in zip(axes.flat, [*panels, *[None] * (axes.size - len(panels))], strict=True):
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
    for ax in axes[:, 0]:
        ax.set_ylabel(ylabel, fontsize=9)
    for ax in axes.flat:
        ax.set_xlabel(xlabel, fontsize=9)
        if xticks is not None:
            ax.set_xticks(xticks, [f"{tick:,}" for tick in xticks], fontsize=8)
            ax.set_xticks([], minor=True)
    _round_marks(*([axes[0, 0].yaxis] if xticks is not None else [axes[0, 0].xaxis, axes[0, 0].yaxis]))
    handles = {}
    for ax in axes.flat:
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


def error_by_stage(stages):
    """Relative error of each stage of a computation, side by side for several ways to do it.

    Parameters
    ----------
    stages : mapping of str to list of dict
        Way -> rows with the keys stage, rmse, scale; the same stages in each.
    """
    figure, ax = _axes(9, 3.6)
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


def core_heat_map(amounts, width, height, cores_per_tile, label=""):
    """What each core of one chip did, cores drawn side by side within their tile.

    Parameters
    ----------
    amounts : (width * height * cores_per_tile,) array
        Cores numbered tile by tile, tiles down each column and then column by column; NaN for a core without neurons.
    width, height, cores_per_tile : int
    label : str
        What the amounts are.
    """
    side = int(np.ceil(np.sqrt(cores_per_tile)))
    canvas = np.full((height * side, width * side), np.nan)
    tile, within = np.divmod(np.arange(np.size(amounts)), cores_per_tile)
    canvas[tile % height * side + within // side, tile // height * side + within % side] = amounts
    figure, ax = _tiles(width, height)
    image = ax.imshow(canvas, extent=(-0.5, width - 0.5, height - 0.5, -0.5), cmap="viridis", aspect="equal")
    for line in range(width - 1):
        ax.axvline(line + 0.5, color="white", linewidth=1.5)
    for line in range(height - 1):
        ax.axhline(line + 0.5, color="white", linewidth=1.5)
    figure.colorbar(image, ax=ax, label=label, shrink=0.8)
    return figure


def messages_by_placer(shares):
    """Messages of each placer beside those of the placement in order, one group of bars for each network.

    Parameters
    ----------
    shares : sequence of (network, placer, share)
        Share 1 is as many messages as in order.
    """
    networks, placers = (list(dict.fromkeys(row[k] for row in shares)) for k in (0, 1))
    figure, ax = _axes(7.5, 0.35 * max(len(shares), 2) + 1.2)
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


#: Direction of a link -> step in (column, row), and how far to the right of its way it is drawn.
_STEPS = {
    "east": (1, 0, 0.0, 0.12), "west": (-1, 0, 0.0, -0.12), "south": (0, 1, -0.12, 0.0), "north": (0, -1, 0.12, 0.0),
}  # fmt: skip


def link_loads(links, width, height, label="messages"):
    """Messages over each link between the tiles of one chip, as arrows whose colour is the load.

    Parameters
    ----------
    links : sequence of (column, row, direction, messages)
        The tile that a link leaves, one of east, west, south, north, and what it carried.
    width, height : int
        Tiles.
    label : str
        What the loads are.
    """
    figure, ax = _tiles(width, height)
    if links := list(links):
        column, row, direction, messages = (np.array(values) for values in zip(*links, strict=True))
        step = np.array([_STEPS[name] for name in direction])
        arrows = ax.quiver(column + step[:, 2] + 0.15 * step[:, 0], row + step[:, 3] + 0.15 * step[:, 1],
                           0.7 * step[:, 0], 0.7 * step[:, 1], messages, cmap="viridis", angles="xy",
                           scale_units="xy", scale=1, width=0.006)  # fmt: skip
        arrows.set_clim(0, messages.max())
        figure.colorbar(arrows, ax=ax, label=label, shrink=0.8)
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    ax.plot(columns.ravel(), rows.ravel(), "s", color="#dfe3ea", markersize=9, zorder=0)
    return figure


def _tiles(width, height):
    """A figure with one unit for each tile, row 0 at the top."""
    figure, ax = _axes(min(9, 1.5 + 0.9 * width), min(9, 1.2 + 0.9 * height))
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(height - 0.5, -0.5)
    ax.set_xticks(np.arange(width) if width <= 16 else [0, width - 1])
    ax.set_yticks(np.arange(height) if height <= 16 else [0, height - 1])
    ax.set_xlabel("column of tiles")
    ax.set_ylabel("row of tiles")
    return figure, ax


def intervals(rows, claimed, xlabel):
    """Estimates with intervals, one below the other on a logarithmic axis, over a claimed range.

    Parameters
    ----------
    rows : sequence of (label, estimate, low, high)
    claimed : (float, float)
        Drawn as a grey band.
    xlabel : str
    """
    figure, ax = _axes(7, 0.26 * len(rows) + 1)
    ax.axvspan(*claimed, color=GREY, alpha=0.3, linewidth=0)
    for place, (_, estimate, low, high) in enumerate(rows):
        ax.plot([low, high], [place, place], color=BLUE, linewidth=1.5)
        ax.plot(estimate, place, "o", color=BLUE, markersize=4.5)
    ax.set_xscale("log")
    ax.set_yticks(np.arange(len(rows)), [row[0] for row in rows], fontsize=9)
    ax.invert_yaxis()
    ax.set_xlabel(xlabel)
    return figure
