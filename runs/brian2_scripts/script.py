"""`eventsim run --brian2 SCRIPT`: a script written for Brian2, its networks simulated by eventsim into traces."""

from typing import Annotated, Literal

import msgspec

import eventsim
from eventsim.compile import numpy_target
from eventsim.errors import ConfigError
from eventsim.simulate import reporter
from runs.brian2_scripts.interception import execute, intercepted
from runs.brian2_scripts.monitors import fill_monitors, samples_wanted, set_back

__all__ = ["Settings", "run_script"]


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `--set` may say of a script: what becomes of random numbers (see `compile_network`), and their seed."""

    noise: Literal["refuse", "rekey"] = "refuse"
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0


def run_script(path, settings, folder, progress=None):
    """Run a Brian2 script in which eventsim simulates what Brian2 would; this executes the script.

    What Brian2 computes before and after a run, start values for instance, is done by its numpy target. Each run of a
    network is written into a trace: trace.h5, trace-2.h5 and so on. Afterwards the network's monitors, final values and
    time are as Brian2 leaves them, so that the script goes on to print and to plot.

    Parameters
    ----------
    path : path
    settings : Settings
    folder : Path
        For the traces.
    progress : True or callable, optional
        As `eventsim.simulate` takes it.

    Returns
    -------
    dict
        `script`, and `runs`: a list with path, sizes, counts and `notes` of each.

    Raises
    ------
    ConfigError
        When there is no such script; or it fails, runs nothing, or runs what is not supported, naming the line.
    """
    runs = []

    def simulate(network, duration_s, names):
        compiled = eventsim.compile_network(network, namespace=names, noise=settings.noise, seed=settings.seed)
        trace = folder / (f"trace-{len(runs) + 1}.h5" if runs else "trace.h5")
        runs.append(_simulate(network, compiled, duration_s, trace, progress, {"script": str(path)}))

    with numpy_target(), intercepted(simulate):
        execute(path)
    if not runs:
        raise ConfigError(f"{path} never ran a network; it must call run(...) or Network.run(...)")
    return {"script": str(path), "runs": runs}


def _simulate(network, compiled, duration_s, path, progress, manifest):
    """One run of a network in a script; returns its row of the summary."""
    record, notes = samples_wanted(network, compiled)
    ticks = round(duration_s * 1e3 / compiled.dt_ms)
    with eventsim.Simulation(compiled, compiled.stimulus.lasting(ticks), trace=path, record=record or None,
                             manifest=manifest) as simulation:  # fmt: skip
        state = simulation.run(progress=reporter(progress)).state()
        trace, done = simulation.finish(), simulation.summary
    with trace:
        notes += fill_monitors(network, compiled, trace)
    set_back(network, state, duration_s)
    return {"trace": str(path), "duration_ms": duration_s * 1e3, "neurons": compiled.n_neurons,
            "synapses": compiled.n_synapses, "spikes": done.spikes, "synaptic_events": done.synaptic_events,
            "notes": notes}  # fmt: skip
