"""Lists of neurons and of synapses that exist already become a circuit: tables, networkx graphs, SONATA edges."""

import numpy as np

from circuits.arguments import checked
from circuits.circuit import Circuit, Neurons
from circuits.errors import require
from circuits.neurons import LIF, Gate, IntegrateFire, Source
from eventsim.from_tables import MODELS
from eventsim.from_tables.columns import columns_of, floats, integers, required
from eventsim.trace.sonata_files import synapses_of_sonata

__all__ = ["from_graph", "from_sonata", "from_tables", "populations_of"]

#: Model of a table -> (what a circuit makes of it, the columns that reads).
_MADE = {
    "source": (Source, ()),
    "lif": (LIF, ("tau_ms", "v_th", "v_reset", "v_start", "drive")),
    "integrate": (IntegrateFire, ("v_th", "v_start")),
    "gate": (Gate, ("v_th",)),
}
_COLUMNS = ("name", "model", "population", "token", "tau_ms", "v_th", "v_reset", "v_start", "drive")
_SYNAPSE_COLUMNS = ("pre", "post", "weight", "delay_ms")


@checked()
def from_tables(neurons, synapses, *, name="tables", dt_ms=1.0):
    """A circuit of a table of neurons and a table of synapses: those that `eventsim.network` takes.

    Parameters
    ----------
    neurons : pandas.DataFrame or mapping of str to (n_neurons,) array or scalar
        Row k is neuron k. Columns: `model`, one of source, lif, integrate, gate; `population` (the model's name by
        default), whose rows follow each other; the numbers of the model, NaN for its default; perhaps `token`, and
        `name`, by which synapses may call the neuron.
    synapses : pandas.DataFrame or mapping of str to (n_synapses,) array or scalar
        Columns `pre` and `post`, rows or names of neurons; `weight`, 1 if left out; `delay_ms`, 0 if left out.
    name : str
    dt_ms : float

    Returns
    -------
    Circuit
        Its neurons are numbered as the rows, and its populations are ports.

    Raises
    ------
    ConfigError, CircuitError
        Naming the table, the column and the row at fault.

    Examples
    --------
    >>> circuit = from_tables({"name": ["in", "out"], "model": ["source", "lif"], "tau_ms": [np.nan, 20.0]},
    ...                       {"pre": ["in"], "post": ["out"], "weight": [1.5], "delay_ms": [2.0]})
    >>> circuit.n_neurons, circuit.n_synapses
    (2, 1)
    """
    neurons = columns_of(neurons, "neurons", _COLUMNS)
    models = required(neurons, "neurons", "model").astype(str)
    require(models.size > 0, "neurons: the table has no rows; a circuit needs a neuron")
    circuit = Circuit(name, dt_ms=dt_ms)
    for population, rows in populations_of(neurons, models, "neurons"):
        token = integers(neurons, "neurons", "token")[rows] if "token" in neurons else -1
        model = _model(neurons, models[rows.start], rows)
        made = circuit.neurons(population, rows.stop - rows.start, model, token=token)
        if population.isidentifier():
            circuit.port(population, made)
    _wire(circuit, neurons, columns_of(synapses, "synapses", _SYNAPSE_COLUMNS))
    return circuit


def populations_of(table, models, what):
    """(name, rows) of each population of a table, in order: rows that follow each other, of one model."""
    names = table["population"].astype(str) if "population" in table else models
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]]).tolist()
    for start, stop in zip(starts, [*starts[1:], models.size]):
        rows = slice(start, stop)
        require((models[rows] == models[start]).all(), f"{what}: population '{names[start]}' mixes models; give each "
                "model a population of its own")  # fmt: skip
        yield str(names[start]), rows


def _model(neurons, kind, rows):
    others = ", ".join(sorted(set(MODELS) - set(_MADE)))
    require(kind in _MADE, f"neurons: row {rows.start} has the model '{kind}'; a circuit of tables has "
            f"{', '.join(_MADE)}, eventsim.network has {others} too")  # fmt: skip
    make, names = _MADE[kind]
    numbers = {}
    for column in names:
        default = MODELS[kind].get(column, 0.0)
        require(default is not None or column in neurons, f"neurons: {kind} needs the column '{column}'")
        values = np.full(rows.stop - rows.start, default)
        if column in neurons:
            given = floats(neurons, "neurons", column, rows, empty_allowed=default is not None)
            values = given if default is None else np.where(np.isnan(given), default, given)
        numbers[column] = float(values[0]) if (values == values[0]).all() else values
    if numbers.get("drive") == 0.0:
        numbers["drive"] = None
    return make(**numbers)


def _wire(circuit, neurons, synapses):
    pre, post = (_rows(neurons, synapses, end, circuit.n_neurons) for end in ("pre", "post"))
    if not pre.size:
        return
    weight = floats(synapses, "synapses", "weight") if "weight" in synapses else 1.0
    delay = floats(synapses, "synapses", "delay_ms") if "delay_ms" in synapses else 0.0
    circuit.one_to_one(Neurons(circuit, pre), Neurons(circuit, post), weight, delay_ms=delay)


def _rows(neurons, synapses, end, n):
    """The rows of neurons that a column of synapses means, by number or by name."""
    column = required(synapses, "synapses", end)
    if "name" in neurons and column.dtype.kind in "OUT":
        known = {name: row for row, name in enumerate(neurons["name"].tolist())}
        require(len(known) == n, "neurons: two have the same name; names must differ")
        missing = [k for k, name in enumerate(column.tolist()) if name not in known]
        require(not missing, f"synapses: row {missing[:1]} has {end} {column[missing[:1]]}, which is no neuron's name")
        return np.array([known[name] for name in column.tolist()], dtype=np.int64)
    rows = integers(synapses, "synapses", end)
    wrong = np.flatnonzero((rows < 0) | (rows >= n))
    require(not wrong.size, f"synapses: row {wrong[:1]} has {end} {rows[wrong[:1]]}; it must be a row of neurons, 0 to "
            f"{n - 1}")  # fmt: skip
    return rows


@checked()
def from_graph(graph, *, name="graph", dt_ms=1.0):
    """A circuit of a networkx graph, directed or not, with parallel edges or without; otherwise as `from_tables`.

    Parameters
    ----------
    graph : networkx.Graph or one of its kin
        A node's attributes are columns of the table of neurons, an edge's `weight` (1) and `delay_ms` (0). An edge
        without direction is two synapses.
    """
    require(hasattr(graph, "edges") and hasattr(graph, "is_directed"), f"a {type(graph).__name__} is no networkx graph")
    nodes = sorted(graph.nodes(data=True), key=lambda node: str(node[1].get("population", node[1].get("model"))))
    strange = sorted({key for _, about in nodes for key in about} - set(_COLUMNS))
    require(not strange, f"a node has the attribute '{strange[:1]}'; attributes are {', '.join(_COLUMNS[1:])}")
    lacking = [node for node, about in nodes if "model" not in about]
    require(not lacking, f"node {lacking[:1]} has no attribute 'model'")
    columns = {key for _, about in nodes for key in about} - {"name"}
    words = {"model", "population"}
    for key in columns & words:
        require(all(key in about for _, about in nodes), f"some nodes have the attribute '{key}', and some have not")
    table = {key: [about.get(key, -1 if key == "token" else np.nan) for _, about in nodes] for key in sorted(columns)}
    row = {node: k for k, (node, _) in enumerate(nodes)}
    edges = list(graph.edges(data=True))
    if not graph.is_directed():
        edges += [(post, pre, about) for pre, post, about in edges if pre != post]
    synapses = {"pre": [row[pre] for pre, _, _ in edges], "post": [row[post] for _, post, _ in edges],
                "weight": [about.get("weight", 1.0) for _, _, about in edges],
                "delay_ms": [about.get("delay_ms", 0.0) for _, _, about in edges]}  # fmt: skip
    return from_tables(table, synapses, name=name, dt_ms=dt_ms)


@checked()
def from_sonata(edges, neurons, *, name="sonata", dt_ms=1.0):
    """A circuit of a SONATA edges file and a table of neurons; otherwise as `from_tables`.

    Parameters
    ----------
    edges : path
        With `syn_weight` and `delay` of each edge; read as a file that anybody may have written.
    neurons : table
        With the column `population`: SONATA's node populations, their nodes in order of id.

    Raises
    ------
    TraceFormatError
        When the file is none of SONATA's, or names neurons that the table has not.
    """
    return from_tables(neurons, synapses_of_sonata(edges, neurons), name=name, dt_ms=dt_ms)
