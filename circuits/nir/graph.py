"""A NIR graph laid flat: nodes by name, edges, what reaches each node, and in which order cells step."""

from dataclasses import dataclass

import networkx as nx
import numpy as np

from circuits.errors import require
from circuits.nir.cells import FIRING, READ, SIZED
from circuits.nir.operators import Signal, convolution, pooling

__all__ = ["Flat", "Order", "flatten", "order_of"]

_MAPS = ("Affine", "Linear", "Scale", "Conv1d", "Conv2d", "SumPool2d", "AvgPool2d", "Flatten", "Delay")

_SUPPORTED = (*FIRING, *READ, *_MAPS, "Input", "Output", "NIRGraph")


def flatten(graph, prefix=""):
    """(nodes, edges) of a graph and the graphs within it, whose own inputs and outputs become plain passages.

    Raises CircuitError naming a node of a type that is not supported, or an edge of a node that is not there.
    """
    nodes, edges, ends = {}, [], {}
    for name, node in graph.nodes.items():
        kind, path = type(node).__name__, f"{prefix}{name}"
        require(kind in _SUPPORTED, f"node '{path}' is a {kind}, which has no circuit; supported are "
                f"{', '.join(_SUPPORTED)}")  # fmt: skip
        if kind != "NIRGraph":
            nodes[path], ends[name] = node, (path, path)
            continue
        inner, inner_edges = flatten(node, f"{path}/")
        nodes |= inner
        edges += inner_edges
        ends[name] = tuple(_port(node, port, path) for port in ("Input", "Output"))
    for pre, post in graph.edges:
        for end in (pre, post):
            require(end in ends, f"the edge '{prefix}{pre}' -> '{prefix}{post}' names a node that is not there")
        edges.append((ends[pre][1], ends[post][0]))
    return nodes, edges


def _port(graph, kind, path):
    """The node through which everything enters, or leaves, a graph within a graph."""
    found = [name for name, node in graph.nodes.items() if type(node).__name__ == kind]
    require(len(found) == 1, f"the graph '{path}' has {len(found)} nodes {kind}; it must have one")
    return f"{path}/{found[0]}"


class Flat:
    """A flat graph whose signals can be asked for.

    Attributes
    ----------
    nodes : dict of str to nir node
    cells : list of str
        Inputs of the whole and neurons, in the order of the file.
    outputs : list of str
    step : float
    """

    def __init__(self, graph, step):
        self.step = step
        self.nodes, edges = flatten(graph)
        self.before = {name: [pre for pre, post in edges if post == name] for name in self.nodes}
        after = {pre for pre, _ in edges}
        kinds = {name: type(node).__name__ for name, node in self.nodes.items()}
        self.kinds = kinds
        self.inputs = [name for name, kind in kinds.items() if kind == "Input" and not self.before[name]]
        self.neurons = [name for name, kind in kinds.items() if kind in (*FIRING, *READ)]
        self.outputs = [name for name, kind in kinds.items() if kind == "Output" and name not in after]
        require(self.inputs, "the graph has no Input, so nothing could drive it")
        self._signals, self._asked = {}, []

    @property
    def cells(self):
        return self.inputs + self.neurons

    def signal(self, name):
        """What leaves a node."""
        if name in self.cells:
            return Signal.of(name, self.shape(name))
        if name not in self._signals:
            require(name not in self._asked, f"the loop through '{name}' has no neuron in it")
            self._asked.append(name)
            self._signals[name] = self._mapped(name, self.arriving(name))
            self._asked.pop()
        return self._signals[name]

    def shape(self, cell):
        """The shape of an input, or of a neuron: that of what arrives, or of its parameters if nothing does."""
        node = self.nodes[cell]
        if cell in self.inputs:
            sizes = np.ravel(node.input_type["input"]).astype(int)
            require(sizes.size and (sizes >= 1).all(), f"Input '{cell}' has shape {tuple(sizes)}; give it neurons")
            return tuple(int(n) for n in sizes)
        return tuple(np.shape(getattr(node, SIZED[self.kinds[cell]]))) or (1,)

    def arriving(self, name):
        """The sum of what arrives at a node."""
        signals = [self.signal(pre) for pre in self.before[name]]
        require(signals, f"nothing arrives at node '{name}'")
        for pre, signal in zip(self.before[name], signals):
            require(signal.shape == signals[0].shape, f"'{pre}' sends {signal.shape} to '{name}', '"
                    f"{self.before[name][0]}' {signals[0].shape}; shapes must agree")  # fmt: skip
        total = signals[0]
        for signal in signals[1:]:
            total = total.plus(signal)
        return total

    def driving(self, cell):
        """What arrives at a neuron; its shape is the neuron's."""
        if not self.before[cell]:
            n = int(np.prod(self.shape(cell)))
            return Signal(self.shape(cell), {}, np.zeros(n))
        signal, n = self.arriving(cell), int(np.prod(self.shape(cell)))
        require(signal.bias.size == n, f"{signal.shape} arrives at '{cell}', which has neurons of shape "
                f"{self.shape(cell)}")  # fmt: skip
        return signal

    def _mapped(self, name, signal):
        node, kind, shape = self.nodes[name], self.kinds[name], signal.shape
        try:
            return self._through(node, kind, signal)
        except (ValueError, TypeError, IndexError) as error:
            require(False, f"node '{name}' ({kind}) does not fit what arrives, of shape {shape}: {error}")

    def _through(self, node, kind, signal):
        shape, n = signal.shape, signal.bias.size
        if kind in ("Input", "Output"):
            return signal
        if kind in ("Affine", "Linear"):
            weight = _finite(node.weight)
            require(weight.ndim == 2 and weight.shape[1] == n, f"a weight of shape {weight.shape} meets {n} values")
            return signal.through(weight, (len(weight),), _finite(node.bias) if kind == "Affine" else 0.0)
        if kind == "Scale":
            scale = np.broadcast_to(_finite(node.scale), shape).ravel()
            return Signal(shape, {key: term.multiply(scale[:, None]).tocsr() for key, term in signal.terms.items()},
                          signal.bias * scale)  # fmt: skip
        if kind in ("Conv1d", "Conv2d"):
            weight = _finite(node.weight)
            matrix, out = convolution(weight, shape, node.stride, node.padding, node.dilation, int(node.groups))
            bias = np.repeat(np.broadcast_to(_finite(node.bias), len(weight)), int(np.prod(out[1:])))
            return signal.through(matrix, out, bias)
        if kind in ("SumPool2d", "AvgPool2d"):
            return signal.through(*pooling(shape, node.kernel_size, node.stride, node.padding, kind == "AvgPool2d"))
        if kind == "Flatten":
            return signal.reshaped(_flat_shape(shape, int(node.start_dim), int(node.end_dim)))
        return signal.delayed(self._steps(np.broadcast_to(_finite(node.delay), shape).ravel()))

    def _steps(self, delay):
        steps = np.round(delay / self.step)
        require((steps < 2**31).all(),
                f"a Delay of {delay.max():g} is longer than 2,147,483,647 steps of {self.step:g}")
        require((np.abs(delay / self.step - steps) < 1e-3).all() and (steps >= 0).all(),
                f"a Delay of {delay.max():g} is no whole number of steps of {self.step:g}")  # fmt: skip
        return steps.astype(int)


def _flat_shape(shape, start, end):
    # What a file says of dimensions may count that of a batch, which no graph has.
    end = len(shape) - 1 if end in (-1, len(shape)) else end
    start = min(start, end) if end < len(shape) else start
    require(0 <= start <= end < len(shape), f"dimensions {start} to {end} of {len(shape)} cannot be flattened")
    return (*shape[:start], int(np.prod(shape[start : end + 1])), *shape[end + 1 :])


def _finite(values):
    values = np.asarray(values, dtype=np.float64)
    require(np.isfinite(values).all(), "a parameter is not finite")
    return values


@dataclass(frozen=True)
class Order:
    """When cells step: step t of a cell is in tick t * period + depth[cell].

    Parameters
    ----------
    depth : mapping of str to int
    period : int
    late : frozenset of (str, str)
        Pairs whose spikes close a loop, and so are of the step before.
    """

    depth: dict
    period: int
    late: frozenset

    def delay(self, pre, post, steps):
        """Ticks of a synapse whose spikes arrive `steps` steps later; see circuits.circuit for the tick it adds."""
        return self.depth[post] - self.depth[pre] - 1 + self.period * self.steps(pre, post, steps)

    def steps(self, pre, post, steps):
        """Steps from a spike to its arrival: at least one where a loop closes."""
        return max(1, steps) if (pre, post) in self.late else steps


def order_of(cells, inputs, wires):
    """The Order of cells.

    Parameters
    ----------
    cells, inputs : sequence of str
    wires : sequence of (pre, post, steps)
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(cells)
    graph.add_edges_from((pre, post) for pre, post, _ in wires)
    late = _closing(graph, inputs)
    graph.remove_edges_from(late)
    depth = {}
    for cell in nx.lexicographical_topological_sort(graph, key=list(cells).index):
        depth[cell] = max((depth[pre] + 1 for pre in graph.predecessors(cell)), default=0 if cell in inputs else 1)
    order = Order(depth, 0, frozenset(late))
    shortest = [(order.steps(*wire), depth[wire[0]] + 1 - depth[wire[1]]) for wire in wires]
    period = max((-(-ticks // steps) for steps, ticks in shortest if steps), default=1)
    return Order(depth, max(1, period), frozenset(late))


def _closing(graph, inputs):
    """Edges that lead back to a cell on the way from the inputs, as a walk in depth meets them."""
    late, state = set(), {}
    for start in [*inputs, *graph]:
        stack = [(start, iter(graph[start]))] if start not in state else []
        state.setdefault(start, "open")
        while stack:
            cell, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[cell] = "done"
                stack.pop()
            elif following not in state:
                state[following] = "open"
                stack.append((following, iter(graph[following])))
            elif state[following] == "open":
                late.add((cell, following))
    return late
