"""A trace file with one column altered, its hashes left or forged to fit; and the alterations that must be caught."""

from dataclasses import replace

import numpy as np

from eventsim.arrays import decode_json, encode_json
from eventsim.counts import KINDS
from eventsim.trace import schema

__all__ = ["FILE", "UNREADABLE", "Columns", "first_source_spike", "remove_spike"]


class Columns:
    """A copy of the file, to be changed."""

    def __init__(self, file, sound):
        self.file, self.sound, self.at = file, sound, sound.at

    def rewrite(self, name, values):
        attributes = dict(self.file[name].attrs)
        values = np.asarray(values, dtype=self.file[name].dtype)
        del self.file[name]
        schema.store(self.file, name, values)
        self.file[name].attrs.update(attributes)

    def change(self, name, index, by):
        values = self.file[name][:]
        values[index] += by
        self.rewrite(name, values)

    def place_of(self, tick, neuron):
        """The group of a spike's population, and its row there."""
        population = next(p for p in self.sound.model.network.populations if neuron < p.stop)
        group = self.file[f"spikes/{population.name}"]
        row = np.flatnonzero((group["ticks"][:] == tick) & (group["node_ids"][:] == neuron - population.start))
        return group.name, int(row[0])

    def forge_hashes(self):
        manifest = decode_json(self.file[schema.MANIFEST][:], "manifest")
        for name in ("network", "stimulus", "counts", "received", "delivered"):
            manifest[f"{name}_hash"] = schema.stored_hash(self.file[getattr(schema, name.upper())])
        manifest["spikes_hash"] = schema.spikes_hash(self.file)
        self.rewrite(schema.MANIFEST, encode_json(manifest))


def remove_spike(columns, tick, neuron, names=("timestamps", "node_ids", "ticks")):
    group, row = columns.place_of(tick, neuron)
    for name in names:
        columns.rewrite(f"{group}/{name}", np.delete(columns.file[f"{group}/{name}"][:], row))


def _move_spike(columns, tick, neuron):
    """One tick later; within its population the row stays sorted by being sorted again."""
    group, row = columns.place_of(tick, neuron)
    ticks, ids = columns.file[f"{group}/ticks"][:], columns.file[f"{group}/node_ids"][:]
    ticks[row] += 1
    order = np.lexsort((ids, ticks))
    dt_ms = columns.sound.model.network.dt_ms
    for name, values in (("ticks", ticks), ("node_ids", ids), ("timestamps", ticks * dt_ms)):
        columns.rewrite(f"{group}/{name}", values[order])


def first_source_spike(columns):
    stimulus = columns.sound.model.stimulus
    return int(stimulus.tick[0]), int(stimulus.neuron[0])


def _swap_stimulus(columns):
    stimulus = columns.sound.model.stimulus
    other = replace(stimulus, tick=stimulus.tick[1:], neuron=stimulus.neuron[1:])
    for name, values in other.to_arrays().items():
        columns.rewrite(f"{schema.STIMULUS}/{name}", values)


def _move_core(columns):
    core_of = columns.file[f"{schema.COUNTS}/core_of"][:]
    core_of[columns.at.post] = (core_of[columns.at.post] + 1) % 8
    columns.rewrite(f"{schema.COUNTS}/core_of", core_of)


def _kind(columns, kind):
    return int(np.flatnonzero(columns.file[f"{schema.COUNTS}/kind"][:] == KINDS.index(kind))[0])


def _swap_first_spikes(columns, group):
    for name in schema.SPIKE_COLUMNS["grid"]:
        values = columns.file[f"{group}/{name}"][:]
        columns.rewrite(f"{group}/{name}", np.concatenate([values[1::-1], values[2:]]))


#: Name -> (what is done to the file, laws that must fail even when every hash is forged to fit).
FILE = {
    "a spike is removed": (
        lambda c: remove_spike(c, c.at.tick, c.at.neuron), {"deliveries", "received", "counts", "cores", "messages"}),
    "a spike of a sink is removed": (lambda c: remove_spike(c, c.at.sink_tick, c.at.sink), {"counts", "cores"}),
    "a source's spike is removed": (lambda c: remove_spike(c, *first_source_spike(c)), {"stimulus", "deliveries"}),
    "a spike is moved by a tick": (lambda c: _move_spike(c, c.at.tick, c.at.neuron), {"counts"}),
    "a spike of a sink is moved by a tick": (lambda c: _move_spike(c, c.at.sink_tick, c.at.sink), {"counts"}),
    "another stimulus is put in": (_swap_stimulus, {"stimulus"}),
    "a weight is changed": (
        lambda c: c.change(f"{schema.NETWORK}/synapses/weight", c.at.synapse, 0.5), {"received"}),
    "a count of deliveries is changed": (
        lambda c: c.change(f"{schema.COUNTS}/count", _kind(c, "synaptic_events"), 1), {"counts", "cores"}),
    "a count of zero weights is changed": (
        lambda c: c.change(f"{schema.COUNTS}/count", _kind(c, "zero_weight_events"), 1), {"counts"}),
    "a count is moved by a tick": (
        lambda c: c.change(f"{schema.COUNTS}/tick", 0, 1), {"counts"}),
    "a count of messages is changed": (
        lambda c: c.change(f"{schema.COUNTS}/message_count", 0, 1), {"messages", "cores"}),
    "a neuron is moved to another core": (_move_core, {"counts", "cores"}),
    "the deliveries of a pathway are changed": (
        lambda c: c.change(schema.DELIVERED, 0, 1), {"deliveries", "cores"}),
    "the deliveries to a neuron are changed": (
        lambda c: c.change(schema.RECEIVED_COUNT, c.at.post, 1), {"received", "cores"}),
    "the weight to a neuron is changed by a billionth": (
        lambda c: c.change(schema.RECEIVED_WEIGHT, c.at.post, 1e-9), {"received"}),
}  # fmt: skip

#: Broken columns: what cannot be read is not checked, and the audit fails.
UNREADABLE = {
    "a spike is removed from two columns": lambda c: remove_spike(c, c.at.tick, c.at.neuron, ("timestamps", "ticks")),
    "a timestamp is changed": lambda c: c.change(f"{c.place_of(c.at.tick, c.at.neuron)[0]}/timestamps", 0, 0.5),
    "two spikes change places": lambda c: _swap_first_spikes(c, c.place_of(c.at.tick, c.at.neuron)[0]),
}  # fmt: skip
