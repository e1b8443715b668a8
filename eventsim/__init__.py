"""eventsim: a Brian2 network in, a trace out in which every synaptic event is accounted for."""

import os
from typing import TYPE_CHECKING

# An HDF5 filter plugin is code: reading a trace must never load one.
os.environ.setdefault("HDF5_PLUGIN_PRELOAD", "::")

from eventsim.compiled_network import CompiledNetwork
from eventsim.counts import EventCounts
from eventsim.errors import EventSimError
from eventsim.from_tables import network
from eventsim.simulate import simulate
from eventsim.simulation import Simulation
from eventsim.stimulus import Stimulus
from eventsim.trace import Trace, open_trace

__all__ = [
    "CompiledNetwork", "EventCounts", "EventSimError", "Simulation", "Stimulus", "Trace", "compile_network",
    "keyed_uniform", "network", "open_trace", "simulate", "trace_from_brian2",
]  # fmt: skip

if TYPE_CHECKING:
    from eventsim.compile import compile_network, trace_from_brian2
    from eventsim.noise import keyed_uniform

#: Public names that need Brian2, which takes a second to import; a saved network runs without it.
_NEED_BRIAN2 = {
    "compile_network": "eventsim.compile", "keyed_uniform": "eventsim.noise", "trace_from_brian2": "eventsim.compile",
}  # fmt: skip


def __getattr__(name):
    if name in _NEED_BRIAN2:
        from importlib import import_module

        return getattr(import_module(_NEED_BRIAN2[name]), name)
    raise AttributeError(f"module 'eventsim' has no attribute '{name}'")
