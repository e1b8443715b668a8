"""The first run on a machine, shortened: what an audit and a placement need compiled is compiled by another process.

That process places and audits a run of four neurons, while this one compiles the kernels of its own networks.
"""

import subprocess
import sys

import numpy as np

import eventsim
from analysis.audit import audit
from analysis.audit.recount import recount_events
from analysis.audit.replay import machine_is_known
from eventsim.kernel_cache import can_keep
from hardware_models import load_chip, place

__all__ = ["start_rehearsal"]


def start_rehearsal():
    """Start the rehearsal, unless this machine has had one or keeps none; it ends by itself, nothing depends on how."""
    if can_keep() and not machine_is_known():
        nowhere = subprocess.DEVNULL
        subprocess.Popen([sys.executable, "-m", __name__], stdin=nowhere, stdout=nowhere, stderr=nowhere)


def _rehearse():
    network = eventsim.network(
        {"model": ["source", "lif", "integrate", "gate"], "tau_ms": [np.nan, 10.0, np.nan, np.nan]},
        {"pre": [0, 0, 1, 2], "post": [1, 2, 3, 3], "weight": [1.0, 1.0, 1.0, 0.0], "delay_ms": np.ones(4)},
    )
    spike = np.zeros(1, dtype=np.int64)  # of the source, in the first tick
    stimulus = eventsim.Stimulus.of(spike, spike, duration_ticks=4)
    with eventsim.Trace.from_arrays(network, spike, tick=spike, stimulus=stimulus) as trace:
        placement = place(network, load_chip("loihi"))
        audit(trace, placement)
        recount_events(trace, placement.core_of)


if __name__ == "__main__":
    _rehearse()
