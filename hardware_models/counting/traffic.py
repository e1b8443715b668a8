"""count_traffic: messages by tick and pair of cores, and the links that they load.

Routing is dimension by dimension: along the row first, then along the column (Loihi, TrueNorth). A message to several
cores is several messages; nothing is shared on the way. Messages from the host without a place of entry, and messages
between chips, have no published way and load no link.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from eventsim.arguments import require_kind
from eventsim.counts import HOST
from eventsim.trace import Trace
from hardware_models.mesh import chip_of, hops, tile_of
from hardware_models.placing.placement import Placement

__all__ = ["Traffic", "count_traffic", "link_loads_of"]

_DIRECTIONS = ("east", "west", "south", "north")


@dataclass(frozen=True, eq=False)
class Traffic:
    """Messages per tick, sending and receiving core.

    Parameters
    ----------
    tick, source, destination, messages : (n,) int64, int32, int32, int64
        Sparse rows, sorted by the first three, every count above zero; source -1 is the host.
    mesh : Mesh
    """

    tick: np.ndarray
    source: np.ndarray
    destination: np.ndarray
    messages: np.ndarray
    mesh: object

    @property
    def _travels(self):
        """(n,) bool: from a core to a core of the same chip."""
        return (self.source != HOST) & (chip_of(self.source, self.mesh) == chip_of(self.destination, self.mesh))

    def by_core(self):
        """DataFrame with columns tick, core, kind, count.

        Kinds: within_tile_messages (by receiving core), messages_between_chips, hops_east_west and hops_north_south
        (by sending core).
        """
        on = self._travels
        source, destination = self.source[on], self.destination[on]
        inside = tile_of(source, self.mesh) == tile_of(destination, self.mesh)
        east_west, north_south = hops(source, destination, self.mesh)
        parts = [("within_tile_messages", destination, inside.astype(np.int64)),
                 ("hops_east_west", source, east_west), ("hops_north_south", source, north_south)]  # fmt: skip
        frames = [pd.DataFrame({"tick": self.tick[on], "core": core, "kind": kind, "count": each * self.messages[on]})
                  for kind, core, each in parts]  # fmt: skip
        away = ~on & (self.source != HOST)
        frames.append(pd.DataFrame({"tick": self.tick[away], "core": self.source[away], "count": self.messages[away],
                                    "kind": "messages_between_chips"}))  # fmt: skip
        return _summed(pd.concat(frames), ["tick", "core", "kind"], "count")

    def links(self, by_tick=False):
        """DataFrame: messages over each link that carried any.

        Parameters
        ----------
        by_tick : bool
            Keep ticks apart, in a first column `tick`.

        Returns
        -------
        DataFrame
            As `link_loads_of` returns it.
        """
        columns = self.source, self.destination, self.messages, self.mesh
        return link_loads_of(*columns, self.tick if by_tick else None)


def link_loads_of(source, destination, messages, mesh, tick=None):
    """DataFrame: messages over each link that carried any, of messages between pairs of cores.

    Parameters
    ----------
    source, destination, messages : (n,) int arrays
        Messages from the host, which is -1, and between chips load no link.
    mesh : Mesh
    tick : (n,) int64, optional
        Keeps ticks apart, in a first column `tick`.

    Returns
    -------
    DataFrame
        Columns chip, column, row (of the tile that the link leaves), direction, messages. Rows count to the south.
    """
    on, height = (source != HOST) & (chip_of(source, mesh) == chip_of(destination, mesh)), mesh.height_tiles.value
    tiles = mesh.width_tiles.value * height
    at, to = (tile_of(core[on], mesh) % tiles for core in (source, destination))
    (x, y), (to_x, to_y) = (divmod(tile, height) for tile in (at, to))
    way = pd.DataFrame({"chip": chip_of(source[on], mesh), "messages": messages[on]})
    if tick is not None:
        way.insert(0, "tick", tick[on])
    legs = [_leg(way, x, y, to_x, along_row=True), _leg(way, to_x, y, to_y, along_row=False)]
    keys = [*(["tick"] if tick is not None else []), "chip", "column", "row", "direction"]
    return _summed(pd.concat(legs), keys, "messages")


def _leg(way, x, y, goal, along_row):
    """The links of one leg of every way: from (x, y) along the row, or down the column, to `goal`."""
    here = x if along_row else y
    steps = abs(goal - here)
    which = np.repeat(np.arange(steps.size), steps)
    step = np.arange(which.size) - np.repeat(np.cumsum(steps) - steps, steps)
    forward = (goal > here)[which]
    place = here[which] + np.where(forward, step, -step)
    names = np.array(_DIRECTIONS[:2] if along_row else _DIRECTIONS[2:])
    leg = way.iloc[which].assign(direction=names[np.where(forward, 0, 1)])
    return leg.assign(column=place if along_row else x[which], row=y[which] if along_row else place)


def _summed(frame, keys, column) -> pd.DataFrame:
    sums = frame[frame[column] > 0].groupby(keys, as_index=False, sort=True)[column].sum()
    return sums[[*keys, column]].astype({column: np.int64})


def count_traffic(trace, placement):
    """The Traffic of a trace under a placement; raises ProvenanceError when the two do not belong together, ConfigError
    when they are something else."""
    require_kind("trace", trace, Trace)
    require_kind("placement", placement, Placement)
    network = trace.network
    placement.require_network(network)
    destination = placement.core_of[network.post]
    reach = pd.DataFrame({"neuron": network.pre, "destination": destination})[destination != HOST].drop_duplicates()
    spikes = trace.spikes()
    sent = pd.DataFrame({"tick": spikes.tick, "neuron": spikes.neuron}).merge(reach, on="neuron")
    sent = sent.assign(source=placement.sent_from[sent["neuron"].to_numpy()], messages=1)
    rows = _summed(sent, ["tick", "source", "destination"], "messages")
    tick, source, destination, messages = (rows[name].to_numpy() for name in rows)
    return Traffic(tick.astype(np.int64), source.astype(np.int32), destination.astype(np.int32), messages,
                   placement.chip.mesh)  # fmt: skip
