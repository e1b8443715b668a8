"""Spikes over time, and the weights that they stand for."""

import numpy as np

from analysis.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, axes

__all__ = ["raster", "weights_against_exact"]


def raster(rows, marks=(), title=""):
    """Spikes of labelled populations over one stretch of time.

    Parameters
    ----------
    rows : sequence of (label, tick, index, size)
        One band per population: spike ticks, index of the neuron within it, number of neurons.
    marks : sequence of (tick, label)
        Vertical lines.
    """
    figure, ax = axes(9, 4.6)
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
    figure, panels = axes(11, 3.4, columns=len(examples) + 1)
    for ax, (title, share, target, error) in zip(panels, examples, strict=False):
        top = np.argsort(target)[::-1][:12]
        place = np.arange(top.size)
        ax.bar(place, share[top], color=BLUE, width=0.7, label="spikes")
        ax.errorbar(place, target[top], yerr=None if error is None else 1.96 * error[top], color=ORANGE, marker="D",
                    linestyle="none", markersize=4, capsize=2, label="exact softmax")  # fmt: skip
        ax.set_title(title, loc="left", fontsize=10)
        ax.set_xlabel("tokens, by exact weight")
        ax.set_xticks([])
    panels[0].set_ylabel("attention weight")
    panels[0].legend(frameon=False, fontsize=8)
    scatter = panels[-1]
    seen = (exact > 1e-4) | (shares > 0)
    scatter.plot(exact[seen], shares[seen], ".", markersize=2, color=BLUE, alpha=0.35, rasterized=True)
    scatter.plot([0, 1], [0, 1], color=ORANGE, linewidth=1)
    scatter.set_xlabel("exact weight")
    scatter.set_ylabel("share of spikes")
    scatter.set_title("all queries", loc="left", fontsize=10)
    return figure
