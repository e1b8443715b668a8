"""Circuit: neurons and synapses one by one or in arrays, composed from sub-circuits, flat inside.

A circuit keeps one list of populations and one list of wirings. `network()` turns them into few Brian2
objects, however many parts the circuit has: one NeuronGroup per kind of neuron, one Synapses per pair of
groups and receptor.
"""

from contextlib import contextmanager
from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
import pandas as pd

from circuits.arguments import checked, numbers, of
from circuits.build import Plan, build_network
from circuits.errors import require
from circuits.neurons import NeuronModel, Source
from circuits.wiring import RESET, Wiring, dense_wiring

__all__ = ["Circuit", "Neurons", "Phases"]


@checked()
@dataclass(frozen=True)
class Phases:
    """The ticks of one query, in order: warm-up (encoding included), active, flush (latency included)."""

    warmup_ticks: int = 0
    active_ticks: int = 0
    flush_ticks: int = 0

    @property
    def duration_ticks(self):
        return self.warmup_ticks + self.active_ticks + self.flush_ticks


@dataclass(frozen=True, eq=False)
class _Block:
    """Neurons that were made together: `shape` neurons from `start`, with one model and one path."""

    path: str
    start: int
    shape: tuple[int, ...]
    model: NeuronModel
    token: np.ndarray
    key: np.ndarray

    @property
    def size(self):
        return self.token.size


class Neurons:
    """Neurons of a circuit in an array of any shape; index it like numpy for a part.

    Attributes
    ----------
    ids : int64 array
        Number of each neuron within its circuit.
    """

    def __init__(self, circuit, ids):
        self.circuit, self.ids = circuit, ids

    @property
    def shape(self):
        return self.ids.shape

    @property
    def size(self):
        return self.ids.size

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index):
        try:
            return Neurons(self.circuit, np.asarray(self.ids[index]))
        except (IndexError, ValueError) as error:
            require(False, f"{self}: {error}")

    def __repr__(self):
        return f"<{self.size} neurons of shape {self.shape} in '{self.circuit.name}'>"


_ENDS = {"pre": of(Neurons), "post": of(Neurons)}


class _Part:
    """A sub-circuit in use: its ports as attributes."""

    def __init__(self, name, ports):
        self._name = name
        self.__dict__.update(ports)

    def __getattr__(self, port):
        there_are = ", ".join(sorted(k for k in self.__dict__ if not k.startswith("_"))) or "none"
        raise AttributeError(f"part '{self._name}' has no port '{port}'; it has: {there_are}")


@checked(phases=of(Phases))
class Circuit:
    """A circuit of spiking neurons.

    Parameters
    ----------
    name : str
        A Python identifier; it names the Brian2 network.
    dt_ms : float
        Length of a tick.
    phases : Phases
        How long a query lasts.
    """

    def __init__(self, name, *, dt_ms=1.0, phases=None):
        require(name.isidentifier(), f"circuit name '{name}' is not an identifier; use letters, digits and _")
        require(dt_ms > 0, f"circuit '{name}': dt_ms is {dt_ms}; it must be positive")
        self.name, self.dt_ms, self.phases = name, float(dt_ms), phases or Phases()
        self.blocks, self.wirings, self.ports = [], [], {}
        self._section = ""

    @property
    def n_neurons(self):
        return self.blocks[-1].start + self.blocks[-1].size if self.blocks else 0

    @property
    def n_synapses(self):
        return sum(wiring.size for wiring in self.wirings)

    @property
    def duration_ticks(self):
        return self.phases.duration_ticks

    # -- neurons

    def neuron(self, name, model, *, token=-1, key=None):
        """One neuron; see `neurons`."""
        return self.neurons(name, (), model, token=token, key=key)

    @checked()
    def neurons(self, name, shape, model, *, token=-1, key=None):
        """An array of neurons of one model.

        Parameters
        ----------
        name : str
            Unique in this circuit; it becomes part of each neuron's path.
        shape : int or tuple of int
        model : NeuronModel
        token : int or integer array that broadcasts to shape
            The token each neuron belongs to, -1 for none.
        key : integer array of that shape, optional
            Key of each neuron's random stream within this population, its position by default. Give the
            token's own number to have noise follow tokens when they are permuted.

        Returns
        -------
        Neurons
        """
        require(isinstance(model, NeuronModel), f"'{name}': {model!r} is not a neuron model; see circuits.neurons")
        require(name and "/" not in name, f"'{name}' is not a population name; it must be non-empty without '/'")
        path = self._section + name
        require(all(path != block.path for block in self.blocks), f"circuit '{self.name}' has '{path}' already")
        ids = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)
        require(ids.size > 0, f"'{name}' has shape {shape}; a population needs at least one neuron")
        for what, values in (*model.state.items(), *((k, v) for k, (_, v) in model.parameters.items())):
            fits = _broadcasts(values, ids.shape)
            require(fits, f"'{name}': {what} has shape {np.shape(values)}, expected {ids.shape}")
            require(np.isfinite(values).all(), f"'{name}': {what} must be finite")
        token = _integers(token, ids.shape, f"'{name}': token")
        key = ids if key is None else _integers(key, ids.shape, f"'{name}': key")
        require(np.unique(key).size == key.size, f"'{name}': two neurons have the same key; keys must differ")
        block = _Block(path, self.n_neurons, ids.shape, model, token.ravel(), key.ravel())
        self.blocks.append(block)
        return Neurons(self, ids + block.start)

    def inputs(self, name, shape, *, token=-1):
        """Spike sources, driven by the stimulus."""
        return self.neurons(name, shape, Source(), token=token)

    @checked()
    @contextmanager
    def section(self, name):
        """Within this context the paths of new populations and parts begin with `name`, as a folder does."""
        require(name and "/" not in name, f"'{name}' is not a section name; it must be non-empty without '/'")
        outer, self._section = self._section, f"{self._section}{name}/"
        try:
            yield
        finally:
            self._section = outer

    # -- synapses

    @checked(**_ENDS)
    def synapse(self, pre, post, weight=1.0, *, delay_ms=0.0, receptor=None):
        """One synapse between two single neurons. Repeating it makes a parallel synapse."""
        require(pre.size == post.size == 1, f"synapse joins single neurons, got shapes {pre.shape} and {post.shape}")
        self.one_to_one(pre, post, weight, delay_ms=delay_ms, receptor=receptor)

    @checked(**_ENDS)
    def one_to_one(self, pre, post, weight=1.0, *, delay_ms=0.0, receptor=None):
        """A synapse from each neuron of `pre` to its counterpart in `post`; weight and delay broadcast."""
        require(pre.size == post.size, f"one_to_one needs equal sizes, got shapes {pre.shape} and {post.shape}")
        self._add(Wiring.of(pre.ids.ravel(), post.ids.ravel(), weight, self._ticks(delay_ms)), post, receptor, pre)

    @checked(**_ENDS)
    def connect(self, pre, post, weight=1.0, *, delay_ms=0.0, receptor=None):
        """Synapses from `pre` to `post`.

        Parameters
        ----------
        pre, post : Neurons
        weight : one of
            a number: every pair, with this weight;
            an array of shape pre.shape + post.shape or (pre.size, post.size): every pair, zeros included,
            masked entries (numpy.ma) left out;
            a table (pre index, post index, weight) of equal-length sequences, or a DataFrame with columns
            pre, post, weight and perhaps delay_ms: these pairs, indices counting within `pre` and `post`,
            flattened; pairs may repeat;
            a callable f(i, j) of two index arrays that returns such an array of weights.
        delay_ms : float or array
            Whole multiples of dt. A delay of 0 is one tick of latency: the synapse acts after the threshold
            test of the tick in which its sender fires.
        receptor : str, optional
            Receptor of the target's model; its first if left out.
        """
        if isinstance(weight, pd.DataFrame):
            require({"pre", "post", "weight"} <= set(weight.columns),
                    f"a synapse table needs columns pre, post, weight, got {list(weight.columns)}")  # fmt: skip
            delay_ms = weight["delay_ms"].to_numpy() if "delay_ms" in weight.columns else delay_ms
            weight = tuple(weight[column].to_numpy() for column in ("pre", "post", "weight"))
        delay = self._ticks(delay_ms)
        if isinstance(weight, tuple):
            require(len(weight) == 3, f"a table of synapses has 3 columns (pre, post, weight), got {len(weight)}")
            i, j = (_indices(column, end, what)
                    for column, end, what in zip(weight[:2], (pre, post), ("pre", "post"), strict=True))  # fmt: skip
            require(i.size == j.size, f"a table of synapses has {i.size} senders and {j.size} receivers")
            wiring = Wiring.of(pre.ids.ravel()[i], post.ids.ravel()[j], weight[2], delay)
        else:
            wiring = dense_wiring(pre, post, weight, delay)
        self._add(wiring, post, receptor, pre)

    @checked(**_ENDS)
    def reset(self, pre, post, *, delay_ms=0.0):
        """Synapses from every neuron of `pre` to every one of `post` that write back its start values.

        They act before all other synapses of their tick.
        """
        self._add(dense_wiring(pre, post, 0.0, self._ticks(delay_ms)), post, RESET, pre)

    def _ticks(self, delay_ms):
        steps = np.asarray(delay_ms, dtype=np.float64) / self.dt_ms
        whole = np.isfinite(steps).all() and (np.abs(steps - np.round(steps)) < 1e-6).all()
        whole = whole and ((steps >= 0) & (steps < 2**31)).all()
        require(whole, f"delay_ms is {delay_ms}; delays are whole multiples of dt_ms = {self.dt_ms:g}, 0 included")
        return np.round(steps).astype(np.int32)

    def _add(self, wiring, post, receptor, pre):
        for end in (pre, post):
            require(end.circuit is self, f"{end} is not part of circuit '{self.name}'; use() its circuit first")
        for block in self._blocks_of(post):
            there_are = block.model.receptors
            require(block.model.kind != "source", f"'{block.path}' is a spike source; it takes no synapses")
            known = receptor in (None, RESET) or receptor in there_are
            require(known, f"'{block.path}' has no receptor '{receptor}'; it has: {', '.join(there_are)}")
        self.wirings.append(wiring.at(receptor))

    def _blocks_of(self, neurons):
        starts = [block.start for block in self.blocks]
        return [self.blocks[k] for k in np.unique(np.searchsorted(starts, neurons.ids.ravel(), side="right") - 1)]

    # -- composition

    @checked(neurons=of(Neurons))
    def port(self, name, neurons):
        """Give neurons a name by which a circuit that uses this one reaches them."""
        require(name.isidentifier() and not name.startswith("_"), f"port name '{name}' is not an identifier")
        require(neurons.circuit is self, f"port '{name}': {neurons} is not part of circuit '{self.name}'")
        require(name not in self.ports, f"circuit '{self.name}' has a port '{name}' already")
        self.ports[name] = neurons.ids

    @checked()
    def use(self, part, name):
        """Copy another circuit into this one, its paths below `name`; its ports become attributes.

        Returns
        -------
        object
            With one Neurons attribute per port of `part`.
        """
        require(isinstance(part, Circuit), f"{part!r} is no Circuit; give one, such as a softmax circuit")
        require(part is not self, f"circuit '{self.name}' cannot contain itself")
        require(part.dt_ms == self.dt_ms, f"'{name}' has dt_ms {part.dt_ms:g}, '{self.name}' has {self.dt_ms:g}")
        path, offset = self._section + name, self.n_neurons
        prefix = f"{path}/"
        require(not any(b.path == path or b.path.startswith(prefix) for b in self.blocks),
                f"circuit '{self.name}' has '{path}' already")  # fmt: skip
        self.blocks += [replace(b, path=prefix + b.path, start=b.start + offset) for b in part.blocks]
        self.wirings += [wiring.shifted(offset) for wiring in part.wirings]
        return _Part(name, {port: Neurons(self, ids + offset) for port, ids in part.ports.items()})

    def __getitem__(self, path):
        """The population with this path, as a flat array of neurons."""
        for block in self.blocks:
            if block.path == path:
                return Neurons(self, np.arange(block.start, block.start + block.size))
        raise KeyError(f"circuit '{self.name}' has no population '{path}'; it has {[b.path for b in self.blocks]}")

    @checked(neurons=of(Neurons))
    def path_of(self, neurons):
        """The path of the population that all of these neurons belong to."""
        paths = [block.path for block in self._blocks_of(neurons)]
        require(len(paths) == 1, f"{neurons} belong to several populations: {', '.join(paths)}")
        return paths[0]

    # -- what it becomes

    @property
    def plan(self):
        """How the neurons are laid out in Brian2 groups, and so in the compiled network."""
        return Plan(self)

    def network(self, stimulus=None):
        """A brian2.Network of the circuit, ready to run in Brian2 alone.

        `stimulus` (eventsim.Stimulus, with ids of the compiled network) fills its spike sources; they are
        silent without one.
        """
        return build_network(self, stimulus)

    @checked(neurons=of(Neurons))
    def neuron_ids(self, neurons):
        """Ids that neurons have in the compiled network: int32 array of the shape of `neurons`."""
        return self.plan.neuron_ids[neurons.ids].astype(np.int32)

    def labels(self):
        """Mapping path -> [start, stop], the ids of each population in the compiled network."""
        ids = self.plan.neuron_ids
        return {b.path: [int(ids[b.start]), int(ids[b.start]) + b.size] for b in self.blocks}

    def neuron_table(self):
        """DataFrame, one row per neuron: path, kind, token, key, neuron_id (in the compiled network)."""
        sizes = [block.size for block in self.blocks]
        return pd.DataFrame({
            "path": np.repeat([b.path for b in self.blocks], sizes),
            "kind": np.repeat([b.model.kind for b in self.blocks], sizes),
            "token": np.concatenate([b.token for b in self.blocks]),
            "key": np.concatenate([b.key for b in self.blocks]),
            "neuron_id": self.plan.neuron_ids,
        }).rename_axis("neuron")  # fmt: skip

    def synapse_table(self):
        """DataFrame, one row per synapse: pre, post, their paths, weight, delay_ms, receptor."""
        whole = Wiring.joined(self.wirings)
        paths = np.repeat([b.path for b in self.blocks], [b.size for b in self.blocks])
        receptors = np.repeat([w.receptor or "default" for w in self.wirings], [w.size for w in self.wirings])
        return pd.DataFrame({
            "pre": whole.pre, "post": whole.post, "pre_path": paths[whole.pre], "post_path": paths[whole.post],
            "weight": whole.weight, "delay_ms": whole.delay * self.dt_ms, "receptor": receptors,
        }).rename_axis("synapse")  # fmt: skip

    def graph(self):
        """networkx.MultiDiGraph: a node per neuron (path, kind, token), an edge per synapse (weight, delay_ms)."""
        graph = nx.MultiDiGraph(name=self.name)
        nodes = self.neuron_table()[["path", "kind", "token"]]
        graph.add_nodes_from((row.Index, row._asdict()) for row in nodes.itertuples())
        names = ["weight", "delay_ms", "receptor"]
        edges = self.synapse_table()[["pre", "post", *names]].itertuples(index=False, name=None)
        graph.add_edges_from((pre, post, dict(zip(names, about))) for pre, post, *about in edges)
        return graph

    def __repr__(self):
        lines = [f"<Circuit '{self.name}': {self.n_neurons:,} neurons, {self.n_synapses:,} synapses"]
        lines += [f"  {b.path}: {b.size:,} {b.model.kind}" for b in self.blocks]
        return "\n".join(lines) + ">"


def _broadcasts(values, shape):
    try:
        return np.broadcast_shapes(np.shape(values), shape) == shape
    except ValueError:
        return False


def _integers(values, shape, what):
    values = np.asarray(values)
    integral = np.issubdtype(values.dtype, np.integer) and _broadcasts(values, shape)
    require(integral, f"{what} must be integers that broadcast to {shape}, got {values.dtype} of shape {values.shape}")
    require(values.size == 0 or (values.min() >= -(2**31) and values.max() < 2**31), f"{what} must fit 32 bits")
    return np.broadcast_to(values, shape)


def _indices(column, end, what):
    numbers(f"{what} indices", column)
    column = np.asarray(column)
    require(np.issubdtype(column.dtype, np.integer) or column.size == 0, f"{what} indices must be integers")
    inside = column.size == 0 or (column.min() >= 0 and column.max() < end.size)
    require(inside, f"a {what} index lies outside 0 to {end.size - 1}")
    return column.astype(np.int64)
