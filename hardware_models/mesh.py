"""Where a core sits, and how far a message travels: dimension-order (XY) routing over a rectangle of tiles.

Cores are numbered tile by tile, tiles down each column and then column by column, chips one after the other. The
publications give no numbering; this one is SANA-FE's, so that hop counts can be compared.
"""

import numpy as np

__all__ = ["chip_of", "hops", "tile_of"]


def chip_of(core, mesh):
    """The chip that holds a core; int or (n,) int array, -1 for the host."""
    return np.asarray(core) // mesh.cores_per_chip.value


def tile_of(core, mesh):
    """The tile that holds a core, counted over all chips; int or (n,) int array."""
    return np.asarray(core) // mesh.cores_per_tile.value


def hops(source_core, destination_core, mesh):
    """Links that a message crosses between two cores of one chip.

    Parameters
    ----------
    source_core, destination_core : int or (n,) int array
        Cores of the same chip; between chips, and from the host, no distance is published.
    mesh : Mesh

    Returns
    -------
    east_west, north_south : (n,) int64
        0 and 0 within a tile.
    """
    tiles = mesh.width_tiles.value * mesh.height_tiles.value
    source, destination = (tile_of(core, mesh).astype(np.int64) % tiles for core in (source_core, destination_core))
    height = mesh.height_tiles.value
    return abs(source // height - destination // height), abs(source % height - destination % height)
