"""Runs in NEST the network of network.npz, which stands beside this file: `python run_in_nest.py [threads]`.

Writes the spikes, (neuron, tick), into spikes.npz; and, where eventsim is installed, the trace nest.h5 with them,
which `eventsim audit` and `eventsim cost` read. `python run_in_nest.py --trace` makes the trace of a spikes.npz that is
there.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

import numpy as np


def simulate(arrays, threads=1):
    """(neuron, tick) of all spikes; neuron k is NEST's node k + 1, and a spike of tick t is at (t + 1) dt."""
    nest = import_module("nest")  # NEST's own, which is no part of eventsim
    about = json.loads(arrays["description"].tobytes())
    dt, ticks = about["dt_ms"], about["duration_ticks"]
    nest.ResetKernel()
    nest.set(resolution=dt, local_num_threads=threads)
    recorder_of, first = [], 0
    for k, population in enumerate(about["populations"]):
        prefix = f"parameters/{k}/"
        parameters = {name.removeprefix(prefix): values.tolist() for name, values in arrays.items()
                      if name.startswith(prefix)}  # fmt: skip
        nodes = nest.Create(population["model"], population["size"], params=parameters)
        if population["model"] == "spike_generator":
            drive(nodes, first, arrays, dt)
        else:
            recorder_of.append(nodes)
        first += population["size"]
    for sender, receiver, weight, delay in batches(arrays):
        spec = {"synapse_model": "static_synapse", "weight": weight, "delay": delay * dt}
        nest.Connect(sender + 1, receiver + 1, "one_to_one", syn_spec=spec)
    recorder = nest.Create("spike_recorder")
    for nodes in recorder_of:
        nest.Connect(nodes, recorder)
    # A recorder hears of a spike later than it happens, by no more than the longest delay.
    nest.Simulate((ticks + int(arrays["delay_ticks"].max(initial=1)) + 1) * dt)
    tick = np.round(recorder.events["times"] / dt).astype(np.int64) - 1
    neuron = np.asarray(recorder.events["senders"], dtype=np.int64) - 1
    neuron = np.concatenate([neuron, arrays["stimulus_neuron"].astype(np.int64)])
    tick = np.concatenate([tick, arrays["stimulus_tick"]])
    order = np.lexsort((neuron, tick))
    order = order[tick[order] < ticks]
    return neuron[order], tick[order]


def drive(generators, first, arrays, dt):
    """Give spike generators their times."""
    order = np.argsort(arrays["stimulus_neuron"], kind="stable")
    neuron, tick = arrays["stimulus_neuron"][order], arrays["stimulus_tick"][order]
    bounds = np.searchsorted(neuron, np.arange(first, first + len(generators) + 1))
    for k in np.flatnonzero(np.diff(bounds)).tolist():
        generators[k].spike_times = (tick[bounds[k] : bounds[k + 1]] + 1) * dt


def batches(arrays, size=1 << 20):
    """The synapses, some at a time."""
    for start in range(0, arrays["pre"].size, size):
        here = slice(start, start + size)
        yield tuple(arrays[name][here] for name in ("pre", "post", "weight", "delay_ticks"))


def main(arguments):
    folder = Path(__file__).resolve().parent
    if arguments != ["--trace"]:
        with np.load(folder / "network.npz", allow_pickle=False) as file:
            arrays = dict(file)
        neuron, tick = simulate(arrays, int(arguments[0]) if arguments else 1)
        np.savez_compressed(folder / "spikes.npz", neuron=neuron, tick=tick)
        print(f"{neuron.size:,} spikes in {folder / 'spikes.npz'}")
    try:
        from eventsim.trace.exports.nest import bring_back
    except ImportError:
        print("eventsim is not installed here; where it is: python run_in_nest.py --trace")
    else:
        print(f"trace in {bring_back(folder)}")


if __name__ == "__main__":
    main(sys.argv[1:])
