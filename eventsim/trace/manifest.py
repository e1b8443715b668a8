"""The manifest: what the user left with a trace, and where the trace comes from."""

import platform
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from eventsim.arrays import decode_json, encode_json
from eventsim.errors import ConfigError, TraceFormatError
from eventsim.trace.schema import (
    CLOCKS,
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

__all__ = ["Foreign", "check_json_size", "labelled_ranges", "new_manifest", "read_foreign", "read_manifest"]

_DISTRIBUTION = "eventsim-spiking"
_RECORDED_PACKAGES = ("numpy", "numba", "brian2", "h5py")
_REQUIRED = (SPIKES, NETWORK, STIMULUS)
#: What was counted while running, which a trace of another program lacks as a whole.
_COUNTED = (COUNTS, RECEIVED_COUNT, RECEIVED_WEIGHT, DELIVERED)

#: JSON takes up to about 25 times its length once it is parsed.
_MAX_JSON_BYTES = 16 << 20


def new_manifest(manifest, network, stimulus, clock, foreign=None):
    """The user's manifest with schema, clock, versions and hashes of the parents, which win over keys of the same name.

    Raises ConfigError when it is not JSON.
    """
    if not isinstance(manifest, dict):
        raise ConfigError(f"the manifest is a {type(manifest).__name__}; give a dict")
    if unnamed := [key for key in manifest if not isinstance(key, str)]:
        raise ConfigError(f"the manifest has the key {unnamed[0]!r}; use text for keys")
    try:
        encode_json(manifest)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"the manifest is not JSON ({error}); use numbers, text, lists and dicts") from None
    versions = {package: _version(package) for package in _RECORDED_PACKAGES}
    return manifest | {
        "schema": SCHEMA, "clock": clock, "foreign": None if foreign is None else asdict(foreign),
        "eventsim_version": _version(_DISTRIBUTION),
        "versions": {"python": platform.python_version()} | versions,
        "network_hash": network.hash, "stimulus_hash": stimulus.hash,
    }  # fmt: skip


@cache
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
    if manifest.setdefault("clock", "grid") not in CLOCKS:
        raise TraceFormatError(f"its clock is '{manifest['clock']}'; there are {', '.join(CLOCKS)}")
    is_foreign = read_foreign(manifest) is not None and not any(name in file for name in _COUNTED)
    required = set(_REQUIRED if is_foreign else _REQUIRED + _COUNTED)
    missing = sorted(name for name in required if name not in file)
    if missing:
        raise TraceFormatError(f"/{missing[0]} is missing; the file is incomplete")
    return manifest


@dataclass(frozen=True)
class Foreign:
    """Whose spikes a trace holds that eventsim did not simulate.

    Parameters
    ----------
    program : str
        Where they come from.
    stimulus_apart : bool
        Whether stimulus and spikes of the sources are known independently of each other.
    """

    program: str
    stimulus_apart: bool


def read_foreign(manifest):
    """The Foreign that a manifest states, or None; raises TraceFormatError when it states it in another form."""
    stated = manifest.get("foreign")
    if stated is None:
        return None
    known = isinstance(stated, dict) and stated.keys() == {"program", "stimulus_apart"}
    if not (known and isinstance(stated["program"], str) and isinstance(stated["stimulus_apart"], bool)):
        raise TraceFormatError("the manifest's 'foreign' does not name a program and stimulus_apart, true or false")
    return Foreign(**stated)


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
