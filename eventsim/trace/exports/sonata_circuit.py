"""SONATA: nodes, edges, their types, a circuit configuration, and spikes, as libsonata and bmtk read them.

A population of the network is one of nodes, with the same ids; a pathway is a population of edges, in the order of its
synapses. Weights are in units of the variable that a delivery changes, which an edge's type names.
"""

import json

import h5py
import numpy as np

from eventsim.extras import need
from eventsim.trace.child import group_at
from eventsim.trace.disk import create
from eventsim.trace.exports.frames import unique_names
from eventsim.trace.schema import mark_as_sonata, reserve_population
from eventsim.trace.segments import durably

__all__ = ["FILES", "write"]

FILES = "nodes.h5", "edges.h5", "spikes.h5", "node_types.csv", "edge_types.csv", "circuit_config.json"

#: Where ids of types begin; any number that differs between types will do.
_FIRST_NODE_TYPE, _FIRST_EDGE_TYPE = 100, 200

#: Neither gzip nor shuffle: the wheels of libsonata carry an HDF5 without zlib.
_STORED = {"fletcher32": True, "chunks": True}


def write(trace, folder, start_tick, stop_tick, events):
    """nodes.h5, node_types.csv, edges.h5, edge_types.csv, circuit_config.json, and spikes.h5 of the window."""
    sonata, network = need("libsonata", "sonata"), trace.network
    nodes, edges, spikes, *tables = paths = [folder / name for name in FILES]
    with durably(nodes) as temporary, create(temporary) as file:
        _write_nodes(file, network)
    with durably(edges) as temporary:
        with create(temporary) as file:
            _write_edges(file, network)
        _write_indices(sonata, temporary, network)
    with durably(spikes) as temporary, create(temporary) as file:
        _write_spikes(file, trace, start_tick, stop_tick)
    texts = _node_types(network), _edge_types(network), json.dumps(_configuration(network), indent=2)
    for path, text in zip(tables, texts):
        with durably(path) as temporary:
            temporary.write_text(text)
    return paths


def _write_nodes(file, network):
    mark_as_sonata(file)
    for k, p in enumerate(network.populations):
        group, here = file.create_group(f"nodes/{p.name}"), slice(p.start, p.stop)
        columns = {
            "node_id": np.arange(p.size, dtype=np.uint64), "node_group_index": np.arange(p.size, dtype=np.uint64),
            "node_type_id": np.full(p.size, _FIRST_NODE_TYPE + k, np.int64),
            "node_group_id": np.zeros(p.size, np.uint32),
            "0/token": network.token[here], "0/key_lo": network.key_lo[here], "0/key_hi": network.key_hi[here],
        }  # fmt: skip
        for name, values in columns.items():
            _store(group, name, values)


def _write_edges(file, network):
    mark_as_sonata(file)
    pre, delay = network.pre, network.delay
    for k, (name, pathway) in enumerate(zip(_edge_names(network), network.pathways)):
        source, target = network.populations[pathway.source], network.populations[pathway.target]
        group, here, n = (
            file.create_group(f"edges/{name}"),
            pathway.synapses,
            pathway.size,
        )
        columns = {
            "source_node_id": (pre[here] - source.start).astype(np.uint64),
            "target_node_id": (network.post[here] - target.start).astype(np.uint64),
            "edge_type_id": np.full(n, _FIRST_EDGE_TYPE + k, np.int64), "edge_group_id": np.zeros(n, np.uint32),
            "edge_group_index": np.arange(n, dtype=np.uint64), "0/syn_weight": network.weight[here],
            "0/delay": delay[here] * network.dt_ms,
        }  # fmt: skip
        for column, values in columns.items():
            _store(group, column, values)
        group["source_node_id"].attrs["node_population"] = source.name
        group["target_node_id"].attrs["node_population"] = target.name


def _store(group, name, values):
    """A column that is checksummed; an empty one cannot be cut into chunks."""
    group.create_dataset(name, data=values, **(_STORED if values.size else {}))


def _write_indices(sonata, path, network):
    """libsonata's own index from nodes to edges, for each pathway that has edges.

    Of its two tables bmtk looks for one under another name; it gets a copy, as a second name would make the file one
    that `Trace.from_sonata` refuses.
    """
    for name, pathway in zip(_edge_names(network), network.pathways):
        if pathway.size:
            sizes = (network.populations[end].size for end in (pathway.source, pathway.target))
            sonata.EdgePopulation.write_indices(str(path), name, *sizes)
            with h5py.File(path, "r+") as file:
                for index in group_at(file, f"edges/{name}/indices").values():
                    index.copy("node_id_to_ranges", "node_id_to_range")


def _write_spikes(file, trace, start_tick, stop_tick):
    """The spikes of the window, population by population, each streamed twice: its length comes first."""
    mark_as_sonata(file)
    for p in trace.network.populations:
        window = {"population": p.name, "start_tick": start_tick, "stop_tick": stop_tick}
        size, at = sum(len(spikes) for spikes in trace.iter_spikes(**window)), 0
        group = reserve_population(file, p.name, size, trace.clock)
        for spikes in trace.iter_spikes(**window):
            here = slice(at, at + len(spikes))
            group["timestamps"][here], group["ticks"][here] = spikes.t_ms, spikes.tick
            group["node_ids"][here] = (spikes.neuron - p.start).astype(np.uint64)
            if spikes.offset is not None:
                group["offsets"][here] = spikes.offset
            at = here.stop


def _edge_names(network):
    return unique_names([p.name for p in network.pathways])


def _node_types(network):
    rows = [f"{_FIRST_NODE_TYPE + k} {p.name} {_model_type(p)}" for k, p in enumerate(network.populations)]
    return "\n".join(["node_type_id pop_name model_type", *rows, ""])


def _edge_types(network):
    rows = [
        f"{_FIRST_EDGE_TYPE + k} {name} {'+'.join(variable for variable, _, _ in pathway.effects) or 'NULL'}"
        for k, (name, pathway) in enumerate(zip(_edge_names(network), network.pathways))
    ]
    return "\n".join(["edge_type_id pathway variable", *rows, ""])


def _model_type(population):
    return "virtual" if population.is_source else "point_neuron"


def _configuration(network):
    """Where the files are, as both readers look for it."""
    return {
        "version": 2,
        "manifest": {"$NETWORK_DIR": "."},
        "networks": {
            "nodes": [{
                "nodes_file": "$NETWORK_DIR/nodes.h5", "node_types_file": "$NETWORK_DIR/node_types.csv",
                "populations": {p.name: {"type": _model_type(p)} for p in network.populations},
            }],
            "edges": [{
                "edges_file": "$NETWORK_DIR/edges.h5", "edge_types_file": "$NETWORK_DIR/edge_types.csv",
                "populations": {name: {"type": "chemical"} for name in _edge_names(network)},
            }],
        },
    }  # fmt: skip
