"""Files made to do harm, each refused by name, or its content treated as text: never obeyed."""

import os
import re
import resource
import zipfile

import h5py
import numpy as np

from circuits.state_dict import read_state
from eventsim import open_trace
from eventsim.arrays import decode_json, encode_json
from eventsim.errors import EventSimError
from eventsim.trace.exports import export
from runs.config import load_config
from runs.experiments import EXPERIMENTS
from runs.sweep.points import make_points
from runs.trace_report import report_trace
from tests.eventsim.trace.hostile import LINKS, STORAGE, TYPES, low_level
from tests.reliability.mutants import ADDRESS_SPACE
from tests.reliability.rows import Row
from tests.reliability.victim import Victim

__all__ = ["attacks"]

_SCRIPT = "<script>alert(1)</script>"


def attacks(folder, _):
    """Every attack once, in 2 GiB of address space."""
    sound = folder / "sound.h5"
    Victim(ticks=40).run(sound)
    report_trace(sound, folder / "page.html")  # whatever is compiled on the way is there before memory is short
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    faults, tried = [], 0
    for message, spoil in (STRUCTURE | VALUES).items():
        tried += 1
        faults += _refused(folder, sound, message, spoil)
    for treat in (_traversal_in_a_population, _traversal_in_a_swept_value, _markup_in_names, _bomb_of_weights,
                  _code_in_weights, _nested_configuration):  # fmt: skip
        tried += 1
        faults += [f"{treat.__name__.strip('_')}: {fault}" for fault in treat(folder, sound)]
    what = ("attacks by file (links, outside storage, bombs, plugins, ids, times, objects, paths, markup): each is "
            "refused by name or kept as text")  # fmt: skip
    return Row(what, tried, tuple(faults), f"{len(faults)} obeyed")


def _refused(folder, sound, message, spoil):
    """[] when a spoilt trace is refused in one line with these words, by the time everything in it has been read."""
    path = folder / "spoilt.h5"
    path.write_bytes(sound.read_bytes())
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        spoil(file)
    try:
        with open_trace(path) as trace:
            trace.spikes(), trace.counts(), trace.received(), trace.synaptic_events(0, 40)
            faults = trace.column_faults()
            error = "; ".join(faults)
    except EventSimError as refusal:
        error = str(refusal)
    except Exception as other:  # whatever is no refusal is a fault to be told
        return [f"{message}: {type(other).__name__}: {other}"]
    return [] if re.search(message, error) and "\n" not in error else [f"{message}: it said '{error}'"]


def _set(name, index, value):
    def spoil(file):
        file[name][index] = value

    return spoil


def _decreasing(file):
    for name in ("ticks", "timestamps"):
        column = file[f"spikes/lif/{name}"]
        column[:2] = column[:2][::-1] + np.array([1, 0], column.dtype)


#: Words of the refusal -> what is done to a trace: what HDF5 allows, ...
STRUCTURE = LINKS | STORAGE | {f"'/x' is not numeric(?# {kind})": spoil for kind, spoil in TYPES.items()} | {
    "chunks of 4,294,967,2": lambda file: low_level(file, "x", entries=1 << 30, chunk=(1 << 29) - 1),
}  # fmt: skip

#: ... and what it holds.
VALUES = {
    "(?# a sender)node id 1000000 is beyond its 80": _set("spikes/lif/node_ids", -1, 10**6),
    "(?# a receiver)reaches a neuron outside": _set("eventsim/network/synapses/post", 0, 10**6),
    "(?# a stimulus)stimulus's neuron": _set("eventsim/stimulus/neuron", 0, 10**6),
    "(?# a core)core": _set("eventsim/counts/online/core_of", 0, -7),
    "(?# a time that is none)time": _set("spikes/lif/timestamps", 0, np.nan),
    "(?# a time without end)time": _set("spikes/lif/timestamps", 0, np.inf),
    "(?# a weight that is none)weight": _set("eventsim/network/synapses/weight", 0, np.nan),
    "(?# times fall)order|rise|fall|sorted": _decreasing,
}


def _traversal_in_a_population(folder, sound):
    """A network whose population is called ../../escaped, exported in every format."""
    path, out = folder / "escape.h5", folder / "a" / "b" / "out"
    path.write_bytes(sound.read_bytes())
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        _redescribe(file, "eventsim/network/description", '"lif"', '"../../escaped"')
        file.move("spikes/lif", "spikes/../../escaped")
    out.mkdir(parents=True)
    before = _files(folder) - _files(out)
    for form in ("csv", "neo", "nest", "perfetto", "sonata"):
        try:
            with open_trace(path) as trace:
                export(trace, form, out, start_tick=0, stop_tick=10)
        except EventSimError:
            continue
    outside = _files(folder) - _files(out) - before
    return [f"it wrote {sorted(outside)}"] if outside else []


def _files(folder):
    return {str(path) for path in folder.rglob("*")}


def _redescribe(file, name, old, new):
    text = file[name][:].tobytes().decode()
    if old not in text:
        raise RuntimeError(f"{name} does not say {old}")
    del file[name]
    file[name] = np.frombuffer(text.replace(old, new).encode(), np.uint8)


def _traversal_in_a_swept_value(folder, _):
    config = load_config("operation-counts", ('recording="../../escaped"',), EXPERIMENTS)[1]
    (point,) = make_points("operation-counts", [{"recording": "../../escaped"}], [config], folder / "points")
    inside = point.folder.resolve().parent == (folder / "points").resolve()
    return [] if inside else [f"its folder is {point.folder}"]


def _markup_in_names(folder, sound):
    """A page about a trace whose experiment and labels are scripts."""
    path = folder / "markup.h5"
    path.write_bytes(sound.read_bytes())
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        manifest = decode_json(file["eventsim/manifest"][:], "it")
        manifest |= {"experiment": _SCRIPT, "config": {_SCRIPT: _SCRIPT},
                     "circuit": {"populations": {f"pool/{_SCRIPT}": [20, 60]}}}  # fmt: skip
        del file["eventsim/manifest"]
        file["eventsim/manifest"] = encode_json(manifest)
    report_trace(path, folder / "page.html")
    page = (folder / "page.html").read_text(encoding="utf-8")
    return ([] if _SCRIPT not in page else ["it is in the page"]) + ([] if "&lt;script&gt;" in page else ["it is lost"])


def _bomb_of_weights(folder, _):
    """8 GiB of zeros in 8 MB, as a checkpoint."""
    path = folder / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w", force_zip64=True) as x:
        np.lib.format.write_array_header_2_0(x, {"descr": "|u1", "fortran_order": False, "shape": (8 << 30,)})
        for _ in range(512):
            x.write(bytes(16 << 20))
    return _says(lambda: read_state(path), "declares|expand")


def _code_in_weights(folder, _):
    """A pickle that would make a file."""

    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(folder / "harm"),)

    np.savez(folder / "harm.npz", x=np.array([Harm()], dtype=object))
    faults = _says(lambda: read_state(folder / "harm.npz"), "plain arrays")
    return faults + (["it ran"] if (folder / "harm").exists() else [])


def _nested_configuration(folder, _):
    path = folder / "deep.toml"
    path.write_text("x = " + "[" * 200_000)
    return _says(lambda: load_config(str(path), (), EXPERIMENTS), "not valid TOML")


def _says(act, message):
    try:
        act()
    except EventSimError as error:
        return [] if re.search(message, str(error)) else [f"it said '{error}'"]
    except Exception as other:  # whatever is no refusal is a fault to be told
        return [f"{type(other).__name__}: {other}"]
    return ["it was read"]
