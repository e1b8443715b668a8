"""Sound files of every kind that comes from others: how they are made, how they are altered, how they are read."""

import shutil
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import h5py
import numpy as np
from safetensors.numpy import save_file

import eventsim
import hardware_models
from analysis.audit import audit
from circuits import from_nir
from circuits.checkpoint import load_block
from circuits.trained_model import load_transformer
from eventsim import Trace, open_trace
from runs.checkpoints import CHECKPOINTS
from runs.chips import list_figures
from runs.config import CONFIGS, load_config
from runs.experiments import EXPERIMENTS
from runs.experiments.spikformer_digits import TRAINED
from runs.traces import inspect_trace
from tests.reliability.alterations import alter_hdf5, alter_safetensors, alter_words
from tests.reliability.victim import CLOCKS, Victim

__all__ = ["CORPORA", "Corpus"]


@dataclass(frozen=True)
class Corpus:
    """One kind of file.

    Parameters
    ----------
    make : callable
        Given a folder, puts sound files there and returns their paths.
    alter : callable
        Given a path and a random generator, alters the file in place.
    read : callable
        Given a path, yields functions that together do with the file whatever a user can; none of them can where the
        first is refused.
    """

    make: Callable
    alter: Callable
    read: Callable


def _make_traces(folder):
    """On either clock: samples and, on the grid, every delivery recorded, a task and labels in the manifest."""
    paths = []
    for clock in CLOCKS:
        victim = Victim(clock=clock, ticks=40)
        labels = {"populations": {"softmax/pool": [20, 60], "output": [60, 100]}}
        manifest = {"circuit": labels, "placement": {"chip": "loihi", "table": "davies2018"}, "config": {"beta": 1.0}}
        options = victim.options() | {"manifest": manifest, "record_events": True if clock == "grid" else None}
        paths.append(folder / f"{clock}.h5")
        eventsim.simulate(victim.network, victim.stimulus, trace=paths[-1], **options).close()
    return paths


def _read_trace(path):
    def within(read):
        with open_trace(path) as trace:
            return read(trace)

    yield partial(within, lambda trace: trace.network)  # without it nothing can be read
    yield from (partial(within, read) for read in (
        repr, lambda trace: trace.spikes().to_frame(), lambda trace: trace.spikes("lif", query=1),
        lambda trace: trace.spikes(label="softmax/pool"), Trace.counts, Trace.messages, Trace.received,
        Trace.delivered, Trace.queries, Trace.samples, Trace.verify_hashes, Trace.column_faults,
        lambda trace: trace.synaptic_events(0, 30).to_frame(), lambda trace: trace.recorded_events(),
        lambda trace: [list(each) for each in (trace.iter_spikes(), trace.iter_synaptic_events())],
        lambda trace: str(audit(trace)),
    ))  # fmt: skip
    yield partial(inspect_trace, path)


def _make_configurations(folder):
    paths = []
    for path in sorted(CONFIGS.glob("*.toml")):
        if "experiment" in tomllib.loads(path.read_text()):
            paths.append(Path(shutil.copy(path, folder)))
    return paths


def _read_configuration(path):
    yield partial(load_config, str(path), (), EXPERIMENTS)


def _make_chips(folder):
    shipped = Path(hardware_models.__file__).parent / "chips"
    return [Path(shutil.copy(path, folder)) for path in sorted(shipped.glob("*.toml"))]


def _read_chip(path):
    yield partial(list_figures, str(path))


def _make_nir(folder):
    import nir

    rng, files = np.random.default_rng(5), {}
    cell = {"tau": 5.0, "r": 5.0, "v_leak": 0.0, "v_threshold": 1.0}
    files["layers"] = nir.NIRGraph.from_list(
        nir.Affine(rng.normal(size=(3, 4)), np.zeros(3)), nir.LIF(**{k: np.full(3, v) for k, v in cell.items()}),
        nir.Linear(rng.normal(size=(2, 3))), nir.LI(tau=np.full(2, 8.0), r=np.full(2, 8.0), v_leak=np.zeros(2)),
    )  # fmt: skip
    files["image"] = nir.NIRGraph.from_list(
        nir.Conv2d((6, 6), rng.normal(size=(2, 1, 3, 3)), 1, 0, 1, 1, np.zeros(2)),
        nir.Flatten({"input": np.array([2, 4, 4])}, 0), nir.Delay(np.full(32, 2.0)),
        nir.IF(r=np.ones(32), v_threshold=np.ones(32)),
    )  # fmt: skip
    for name, graph in files.items():
        nir.write(folder / f"{name}.nir", graph)
    return [folder / f"{name}.nir" for name in files]


def _read_nir(path):
    yield partial(from_nir, path, step=1.0)


def _make_checkpoints(folder):
    """A block of an encoder in two formats, and a whole trained model."""
    rng, entries = np.random.default_rng(6), {}
    for name, rows, columns in (("attn.q", 4, 4), ("attn.k", 4, 4), ("attn.v", 4, 4), ("attn.proj", 4, 4),
                                ("mlp.fc1", 8, 4), ("mlp.fc2", 4, 8)):  # fmt: skip
        entries[f"block.0.{name}_linear.weight"] = rng.normal(size=(rows, columns)).astype(np.float32)
        for part in ("weight", "bias", "running_mean", "running_var"):
            entries[f"block.0.{name}_bn.{part}"] = rng.uniform(0.5, 1, rows).astype(np.float32)
    save_file(entries, folder / "block.safetensors")
    return [folder / "block.safetensors", Path(shutil.copy(CHECKPOINTS / "digits_qkformer_token.safetensors", folder))]


def _read_checkpoint(path):
    if path.stem == "block":
        yield partial(load_block, path, "spikformer", prefix="block.0", heads=2)
    else:
        yield partial(load_transformer, path, "qkformer_token", **TRAINED)


_NEURONS = {"population": ["inputs"] * 2 + ["pool"] * 3, "model": ["source"] * 2 + ["lif"] * 3,
            "tau_ms": [np.nan] * 2 + [20.0] * 3}  # fmt: skip


def _make_sonata(folder):
    """Spikes and edges in the format that h5py writes unless it is told otherwise, as most programs do."""
    with h5py.File(folder / "spikes.h5", "w") as file:
        for name, t_ms, ids in (("inputs", [0, 0.2, 0.4], [0, 1, 0]), ("pool", [0.1, 0.4], [1, 0])):
            group = file.create_group(f"spikes/{name}")
            group["timestamps"], group["node_ids"] = np.array(t_ms), np.array(ids, np.uint64)
            group["timestamps"].attrs["units"] = "ms"
    with h5py.File(folder / "edges.h5", "w") as file:
        group = file.create_group("edges/all")
        columns = {
            "source_node_id": [0, 0, 1], "target_node_id": [0, 1, 0], "edge_group_id": [0, 0, 0],
            "edge_group_index": [0, 1, 2], "0/syn_weight": [0.5, 1.0, -4.0], "0/delay": [0.1, 0.3, 0.3],
        }  # fmt: skip
        for name, values in columns.items():
            group[name] = np.array(values)
        for end, population in (("source", "inputs"), ("target", "pool")):
            group[f"{end}_node_id"].attrs["node_population"] = population
    return [folder / "spikes.h5", folder / "edges.h5"]


def _read_sonata(path):
    """The altered file beside its sound twin."""
    folder = path.parent
    for kind in ("spikes", "edges"):
        if path.stem != kind and folder.name != "sound":
            shutil.copy(folder.parent / "sound" / f"{kind}.h5", folder)
    yield partial(Trace.from_sonata, folder / "spikes.h5", folder / "edges.h5", _NEURONS, dt_ms=0.1)


CORPORA = {
    "traces": Corpus(_make_traces, alter_hdf5, _read_trace),
    "configurations": Corpus(_make_configurations, alter_words, _read_configuration),
    "chips": Corpus(_make_chips, alter_words, _read_chip),
    "NIR": Corpus(_make_nir, partial(alter_hdf5, libver=None), _read_nir),
    "safetensors": Corpus(_make_checkpoints, alter_safetensors, _read_checkpoint),
    "SONATA": Corpus(_make_sonata, partial(alter_hdf5, libver=None), _read_sonata),
}
