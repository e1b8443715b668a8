"""What the cores and links of a chip did, drawn where they are."""

import numpy as np

from analysis.plots.style import axes

__all__ = ["core_heat_map", "link_loads"]


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
    figure, ax = axes(min(9, 1.5 + 0.9 * width), min(9, 1.2 + 0.9 * height))
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(height - 0.5, -0.5)
    ax.set_xticks(np.arange(width) if width <= 16 else [0, width - 1])
    ax.set_yticks(np.arange(height) if height <= 16 else [0, height - 1])
    ax.set_xlabel("column of tiles")
    ax.set_ylabel("row of tiles")
    return figure, ax
