"""Two maps of a chip for any page: what its cores did, and the messages over its links."""

import numpy as np

from analysis.plots import core_heat_map, link_loads
from analysis.report import Figure
from hardware_models.counting.traffic import link_loads_of

__all__ = ["core_maps"]


def core_maps(counts, amounts, label, mesh):
    """(heat map of the cores, loads of the links) of the first chip in use.

    Parameters
    ----------
    counts : EventCounts
    amounts : Series
        Index core, what each core did.
    label : str
        What the amounts are, with their unit.
    mesh : Mesh
    """
    per_chip, shape = mesh.cores_per_chip.value, (mesh.width_tiles.value, mesh.height_tiles.value)
    cores = amounts.index.to_numpy()
    chip = int(cores.min(initial=0)) // per_chip if cores.size else 0
    here = cores // per_chip == chip
    drawn = np.full(per_chip, np.nan)
    drawn[cores[here] % per_chip] = amounts.to_numpy()[here]
    links = link_loads_of(counts.message_source, counts.message_destination, counts.message_count, mesh)
    links = links[links["chip"] == chip][["column", "row", "direction", "messages"]]
    which = "" if here.all() else f" Of {np.unique(cores // per_chip).size} chips, the first."
    return (
        Figure(core_heat_map(drawn, *shape, mesh.cores_per_tile.value, label),
               f"By core: {label}; white: no neuron there.{which}"),
        Figure(link_loads(links.itertuples(index=False, name=None), *shape),
               f"Messages over each link, routed along the row first.{which}"),
    )  # fmt: skip
