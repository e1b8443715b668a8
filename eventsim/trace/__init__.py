"""The trace: what happened in a run, as one SONATA file in which every synaptic event can be recovered."""

import os

# An HDF5 filter plugin is code: reading a trace must never load one. HDF5 looks at this once, when it starts.
os.environ.setdefault("HDF5_PLUGIN_PRELOAD", "::")

from eventsim.trace.reader import Trace, open_trace
from eventsim.trace.spikes import SpikeTable
from eventsim.trace.synaptic_events import SynapticEvents
from eventsim.trace.writer import TraceWriter

__all__ = ["SpikeTable", "SynapticEvents", "Trace", "TraceWriter", "open_trace"]
