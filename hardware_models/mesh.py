"""Where a core sits, and how far a message travels: dimension-order (XY) routing over a rectangle of tiles.

Cores are numbered tile by tile, tiles down each column and then column by column, chips one after the other. The
publications give no numbering; this one is SANA-FE's, so that hop counts can be compared.
"""

import numpy as np

from eventsim.arguments import whole_numbers
from eventsim.collected import MOST_CORES
from eventsim.errors import ConfigError

__all__ = ["chip_of", "hops", "tile_of"]


def chip_of(core, mesh):
    """The chip that holds a core; int or (n,) int array, -1 for the host."""
    return np.asarray(core) // _number(mesh, "cores_per_chip")


def tile_of(core, mesh):
    """The tile that holds a core, counted over all chips; int or (n,) int array."""
    return np.asarray(core) // _number(mesh, "cores_per_tile")


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

    Raises
    ------
    ConfigError
        Not cores from 0, cores of different chips, or a mesh that is not published.
    """
    width, height = _number(mesh, "width_tiles"), _number(mesh, "height_tiles")
    cores = _cores("source_core", source_core), _cores("destination_core", destination_core)
    _require_one_chip(*cores, mesh)
    source, destination = (tile_of(core, mesh) % (width * height) for core in cores)
    return abs(source // height - destination // height), abs(source % height - destination % height)


def _number(mesh, name):
    """A size of a mesh; raises ConfigError where it is not published."""
    if not hasattr(mesh, name):
        raise ConfigError(f"mesh is {mesh!r}; give that of a chip, for instance load_chip('loihi').mesh")
    if getattr(mesh, name) is None:
        raise ConfigError(f"the mesh does not say `{name}`, which is not published; write a chip file of your own")
    return getattr(mesh, name).value


def _cores(name, cores):
    """Cores as int64, in the shape in which they were given."""
    return whole_numbers(name, cores, 0, MOST_CORES - 1).reshape(np.shape(cores))


def _require_one_chip(source, destination, mesh):
    """Raises ConfigError unless each source has a destination, on its own chip."""
    if source.shape != destination.shape and source.ndim and destination.ndim:
        raise ConfigError(f"there are {source.size} source cores and {destination.size} destination cores; give pairs")
    source, destination = np.broadcast_arrays(np.atleast_1d(source), np.atleast_1d(destination))
    apart = np.flatnonzero(chip_of(source, mesh) != chip_of(destination, mesh))
    if apart.size:
        raise ConfigError(f"cores {source[apart[0]]} and {destination[apart[0]]} are on different chips, between which "
                          "no distance is published; give cores of one chip")  # fmt: skip
