"""Figures of a calibration, from arrays; told apart in grey and by colour-blind readers."""

import numpy as np
from matplotlib.figure import Figure

from analysis.plots import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE

__all__ = ["dimension_shares", "error_kept", "predicted_spikes"]

_LOOKS = tuple(zip((BLUE, ORANGE, GREEN, PURPLE, BLACK), ("o", "s", "^", "D", "v"), strict=True))


def _panels(columns, height=3.6, width=3.7):
    figure = Figure(figsize=(width * columns, height), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _legend(figure, axes):
    handles = {}
    for ax in axes:
        handles |= {label: handle for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5, frameon=False, fontsize=9)


def predicted_spikes(panels):
    """Predicted against measured, out of sample, a panel for each code.

    Parameters
    ----------
    panels : sequence of (title, predicted (m,), measured (m,), kind (m,) of str)
    """
    figure, axes = _panels(len(panels))
    kinds = list(dict.fromkeys(kind for panel in panels for kind in panel[3]))
    for ax, (title, predicted, measured, kind) in zip(axes, panels, strict=True):
        predicted, measured, kind = np.asarray(predicted), np.asarray(measured), np.asarray(kind)
        for name, (colour, marker) in zip(kinds, _LOOKS):
            of = kind == name
            ax.plot(predicted[of], measured[of], linestyle="none", marker=marker, markersize=4, color=colour,
                    markerfacecolor="none", markeredgewidth=0.9, label=name)  # fmt: skip
        ends = np.array([min(predicted.min(), measured.min()) / 1.3, max(predicted.max(), measured.max()) * 1.3])
        ax.plot(ends, ends, color=GREY, linewidth=1.2)
        for factor in (0.5, 2.0):
            ax.plot(ends, factor * ends, color=GREY, linewidth=0.8, linestyle=":")
        ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="predicted")
        ax.set_title(title, loc="left", fontsize=10)
    axes[0].set_ylabel("measured")
    _legend(figure, axes)
    return figure


def error_kept(panels):
    """The error that circuits made, whose ticks a rule set, against the one that was asked for.

    Parameters
    ----------
    panels : sequence of (title, rows)
        Rows have the keys asked, measured, low, high, code.
    """
    figure, axes = _panels(len(panels), width=4.6)
    codes = list(dict.fromkeys(row["code"] for _, rows in panels for row in rows))
    for ax, (title, rows) in zip(axes, panels, strict=True):
        for k, (code, (colour, marker)) in enumerate(zip(codes, _LOOKS)):
            of = [row for row in rows if row["code"] == code]
            asked, measured, low, high = (np.array([row[key] for row in of])
                                          for key in ("asked", "measured", "low", "high"))  # fmt: skip
            shifted = asked * 1.04 ** (k - (len(codes) - 1) / 2)  # side by side
            ax.errorbar(shifted, measured, yerr=[measured - low, high - measured], color=colour, marker=marker,
                        linestyle="none", markersize=5, markerfacecolor="none", elinewidth=0.8, label=code)  # fmt: skip
        ends = np.array([min(row["asked"] for row in rows) / 1.4, max(row["asked"] for row in rows) * 1.4])
        ax.plot(ends, ends, color=GREY, linewidth=1.2)
        ax.fill_between(ends, ends * 1e-3, ends, color=GREY, alpha=0.12, linewidth=0)
        lowest = min(min(row["low"] for row in rows), ends[0])
        ax.set(xscale="log", yscale="log", xlim=ends, xlabel="error asked for",
               ylim=(max(lowest, 1e-3) / 1.3, max(max(row["high"] for row in rows), ends[1]) * 1.3))  # fmt: skip
        asked = sorted({row["asked"] for row in rows})
        ax.set_xticks(asked, [f"{a:g}" for a in asked])
        ax.minorticks_off()
        ax.set_title(title, loc="left", fontsize=10)
    axes[0].set_ylabel("error measured")
    _legend(figure, axes)
    return figure


def dimension_shares(codes, xlabel):
    """What share of spikes each dimension explains, side by side for several codes.

    Parameters
    ----------
    codes : mapping of str to mapping of str to (share, low, high)
        Code -> name of a law -> its figure.
    """
    names = list(dict.fromkeys(name for of in codes.values() for name in of))
    figure, axes = _panels(1, 0.42 * len(names) + 1.4, 8)
    for k, ((code, of), (colour, marker)) in enumerate(zip(codes.items(), _LOOKS)):
        place = np.array([names.index(name) for name in of]) + 0.18 * (k - (len(codes) - 1) / 2)
        share, low, high = (np.array([figures[j] for figures in of.values()]) for j in range(3))
        axes[0].errorbar(np.maximum(share, -1), place, xerr=[np.maximum(share, -1) - np.maximum(low, -1),
                         np.maximum(high, -1) - np.maximum(share, -1)], color=colour, marker=marker, linestyle="none",
                         markersize=5, markerfacecolor="none", elinewidth=0.9, label=code)  # fmt: skip
    axes[0].axvline(0, color=GREY, linewidth=1)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    axes[0].set(xlim=(-1.05, 1.05), xlabel=xlabel)
    _legend(figure, axes)
    return figure
