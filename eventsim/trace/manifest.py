"""The manifest: what the user left with a trace, and where the trace comes from."""

import platform
from importlib.metadata import PackageNotFoundError, version

from eventsim.arrays import decode_json, encode_json
from eventsim.errors import ConfigError, TraceFormatError
from eventsim.trace.schema import (
    COUNTS,
    DELIVERED,
    MANIFEST,
    NETWORK,
    RECEIVED_COUNT,
    RECEIVED_WEIGHT,
    SCHEMA,
    SPIKES,
    STIMULUS,
)

__all__ = ["check_json_size", "labelled_ranges", "new_manifest", "read_manifest"]

_DISTRIBUTION = "eventsim-spiking"
_RECORDED_PACKAGES = ("numpy", "numba", "brian2", "h5py")
_REQUIRED = (SPIKES, NETWORK, STIMULUS, COUNTS, RECEIVED_COUNT, RECEIVED_WEIGHT, DELIVERED)

#: JSON takes up to about 25 times its length once it is parsed.
_MAX_JSON_BYTES = 16 << 20


def new_manifest(manifest, network, stimulus):
    """The user's manifest with schema, versions and hashes of the parents, which win over keys of the same name.

    Raises ConfigError when it is not JSON.
    """
    if not isinstance(manifest, dict):
        raise ConfigError(f"the manifest is a {type(manifest).__name__}; give a dict")
    try:
        encode_json(manifest)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"the manifest is not JSON ({error}); use numbers, text, lists and dicts") from None
    versions = {package: _version(package) for package in _RECORDED_PACKAGES}
    return manifest | {
        "schema": SCHEMA, "eventsim_version": _version(_DISTRIBUTION),
        "versions": {"python": platform.python_version()} | versions,
        "network_hash": network.hash, "stimulus_hash": stimulus.hash,
    }  # fmt: skip


def _version(distribution):
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"


def read_manifest(file):
    """The manifest of an open trace; raises TraceFormatError when the file is none that can be read here."""
    if MANIFEST not in file:
        raise TraceFormatError(f"it was written by another program (no /{MANIFEST})")
    check_json_size(file, MANIFEST)
    manifest = decode_json(file[MANIFEST][:], f"/{MANIFEST}")
    schema = manifest.get("schema") if isinstance(manifest, dict) else None
    if type(schema) is not int or schema < 1:
        raise TraceFormatError(f"it was written by another program (/{MANIFEST} states no schema)")
    if schema > SCHEMA:
        raise TraceFormatError(f"schema {schema} is newer than {SCHEMA}, which is read here; update eventsim")
    missing = [name for name in _REQUIRED if name not in file]
    if missing:
        raise TraceFormatError(f"/{missing[0]} is missing; the file is incomplete")
    return manifest


def check_json_size(file, name):
    """Refuse to parse a text that would fill the memory."""
    stored = file[name]
    if stored.dtype != "u1" or stored.size > _MAX_JSON_BYTES:
        raise TraceFormatError(f"/{name} is not a JSON text of at most {_MAX_JSON_BYTES:,} bytes")


def labelled_ranges(manifest, n_neurons):
    """Mapping name -> (start, stop) of the ranges of neurons that the circuit labelled.

    Raises TraceFormatError when one is no range of the network's neurons.
    """
    circuit = manifest.get("circuit")
    labelled = circuit.get("populations", {}) if isinstance(circuit, dict) else {}
    if not isinstance(labelled, dict):
        raise TraceFormatError("the manifest's circuit.populations is not a mapping")
    ranges = {}
    for name, ends in labelled.items():
        is_pair = isinstance(ends, list) and len(ends) == 2 and all(type(end) is int for end in ends)
        if not (is_pair and 0 <= ends[0] <= ends[1] <= n_neurons):
            raise TraceFormatError(f"the manifest labels neurons {ends} as '{name}'; there are {n_neurons} neurons")
        ranges[name] = (ends[0], ends[1])
    return ranges
