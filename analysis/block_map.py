"""A run seen as blocks: the populations of a circuit, what fired in each, and what joins them; and a drawing of it."""

from dataclasses import dataclass

import networkx as nx
import numpy as np
from matplotlib.figure import Figure

from analysis.plots import BLACK, BLUE, GREY

__all__ = ["BlockMap", "Wire", "block_map", "draw"]

_SHADE = "#dfe7f0"

#: Width of a column of blocks, in heights of a block with its gap.
_COLUMN = 2.2

#: How far along its arrow, a quadratic Bezier curve, a number stands.
_SPOT = 0.38

#: More blocks than this are drawn by the folders they lie in: "head0/softmax/pool" as "head0/softmax", then "head0".
MOST_BLOCKS = 24


@dataclass(frozen=True)
class Wire:
    """All synapses from one block to another.

    Parameters
    ----------
    source, target : int
        Places of the blocks.
    synapses : int
    sent : int
        Deliveries that the spikes of the source set off.
    """

    source: int
    target: int
    synapses: int
    sent: int


@dataclass(frozen=True, eq=False)
class BlockMap:
    """The blocks of a network.

    Parameters
    ----------
    names : tuple of str
        Paths in the circuit, or names of Brian2's groups where a network has no paths.
    of_neuron : (n_neurons,) int64
        The block of each neuron.
    neurons, spikes : (n_blocks,) int64
    is_source : (n_blocks,) bool
        Whether the stimulus drives it.
    wires : tuple of Wire
        By source, then target.
    """

    names: tuple[str, ...]
    of_neuron: np.ndarray
    neurons: np.ndarray
    spikes: np.ndarray
    is_source: np.ndarray
    wires: tuple[Wire, ...]


def block_map(trace):
    """The BlockMap of a trace: as fine as its circuit's own populations, unless there are more than MOST_BLOCKS."""
    network = trace.network
    names, of_neuron = _blocks(network)
    fired = np.zeros(network.n_neurons, dtype=np.int64)
    for spikes in trace.iter_spikes():
        fired += np.bincount(spikes.neuron, minlength=fired.size)
    n = len(names)
    joined = of_neuron[network.pre] * n + of_neuron[network.post]
    synapses = np.bincount(joined, minlength=n * n)
    sent = np.zeros(n * n, dtype=np.int64)
    np.add.at(sent, joined, fired[network.pre])
    wires = tuple(Wire(int(k // n), int(k % n), int(synapses[k]), int(sent[k])) for k in np.flatnonzero(synapses))
    spikes = np.zeros(n, dtype=np.int64)
    np.add.at(spikes, of_neuron, fired)
    is_source = np.zeros(n, dtype=bool)
    is_source[of_neuron[network.is_source]] = True
    return BlockMap(names, of_neuron, np.bincount(of_neuron, minlength=n), spikes, is_source, wires)


def _blocks(network):
    """(names, block of each neuron), by paths cut to such a depth that there are few enough."""
    groups = np.repeat(np.arange(len(network.populations)), [p.size for p in network.populations])
    whole = [*network.paths, *(p.name for p in network.populations)]
    place = np.where(network.path_id >= 0, network.path_id, len(network.paths) + groups)
    used = np.unique(place)
    for depth in range(max(whole[k].count("/") for k in used) + 1, 0, -1):
        cut = {k: "/".join(whole[k].split("/")[:depth]) for k in used}
        names = tuple(dict.fromkeys(cut[k] for k in used))
        if len(names) <= MOST_BLOCKS:
            break
    to_block = np.zeros(len(whole), dtype=np.int64)
    to_block[used] = [names.index(cut[k]) for k in used]
    return names, to_block[place]


def draw(blocks):
    """The blocks from left to right as spikes pass through them; arrows carry their numbers of synapses.

    Blocks that excite one another, in whatever circle, stand above each other.
    """
    graph = nx.DiGraph([(wire.source, wire.target) for wire in blocks.wires if wire.source != wire.target])
    graph.add_nodes_from(range(len(blocks.names)))
    column = _columns(graph)
    at = _places(column)
    width, height = _COLUMN * (max(column.values()) + 1), max(np.bincount(list(column.values()))) + 0.4
    scale = min(1.0, 14 / width)
    figure = Figure(figsize=(width * scale, height * scale + 0.2), layout="constrained")
    ax = figure.subplots()
    ax.set_aspect("equal")  # so that the middle of a bent arrow can be told for its number
    for wire in blocks.wires:
        _arrow(ax, at, wire)
    within = {wire.source: wire.synapses for wire in blocks.wires if wire.source == wire.target}
    for block, (x, y) in at.items():
        own = f"\n{within[block]:,} synapses within" if block in within else ""
        kind = "sources" if blocks.is_source[block] else "neurons"
        box = {"boxstyle": "round,pad=0.4", "facecolor": _SHADE if blocks.is_source[block] else "white",
               "edgecolor": BLUE}  # fmt: skip
        ax.text(x, y, f"{blocks.names[block]}\n{blocks.neurons[block]:,} {kind}{own}", ha="center", va="center",
                fontsize=8, color=BLACK, bbox=box)  # fmt: skip
    ax.set_xlim(-_COLUMN / 2, width - _COLUMN / 2)
    ax.set_ylim(-height / 2, height / 2)
    ax.set_axis_off()
    return figure


def _columns(graph):
    """Block -> how many steps from the inputs it lies at most, circles taken as one."""
    condensed = nx.condensation(graph)
    depth = {}
    for circle in nx.topological_sort(condensed):
        depth[circle] = max((depth[before] + 1 for before in condensed.predecessors(circle)), default=0)
    return {block: depth[circle] for block, circle in condensed.graph["mapping"].items()}


def _places(column):
    """Block -> (x, y), the blocks of a column spread around the middle."""
    at = {}
    for x in sorted(set(column.values())):
        here = sorted(block for block, k in column.items() if k == x)
        for place, block in enumerate(here):
            at[block] = (_COLUMN * x, (len(here) - 1) / 2 - place)
    return at


def _arrow(ax, at, wire):
    """An arrow as thick as the logarithm of its synapses, bent so that those there and back lie apart."""
    if wire.source == wire.target:
        return
    (x0, y0), (x1, y1) = at[wire.source], at[wire.target]
    bend = 0.16
    if abs(x1 - x0) > 1.5 * _COLUMN:  # past a column: around its blocks, on the nearer side
        bend = -0.28 if y0 + y1 > 0 else 0.28
    ax.annotate("", (x1, y1), (x0, y0), arrowprops={
        "arrowstyle": "-|>", "color": GREY, "linewidth": 0.6 + 0.5 * np.log10(wire.synapses), "shrinkA": 24,
        "shrinkB": 26, "connectionstyle": f"arc3,rad={bend}",
    })  # fmt: skip
    spot = [(1 - _SPOT) ** 2 * start + _SPOT**2 * end + 2 * _SPOT * (1 - _SPOT) * ((start + end) / 2 + off)
                for start, end, off in ((x0, x1, bend * (y1 - y0)), (y0, y1, -bend * (x1 - x0)))]  # fmt: skip
    ax.text(*spot, f"{wire.synapses:,}", fontsize=7, ha="center", va="center", color=BLACK,
            bbox={"pad": 0.5, "facecolor": "white", "edgecolor": "none"})  # fmt: skip
