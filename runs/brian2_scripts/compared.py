"""One Brian2 script, its runs by both simulators."""

import brian2
import numpy as np

import eventsim
from eventsim.compile import numpy_target
from eventsim.errors import CompileError, EventSimError
from runs.brian2_scripts.interception import execute, intercepted

__all__ = ["compare"]

#: Runs of one script that are compared; what a loop over parameters runs after that is more of the same.
_MOST_RUNS = 3


class _Enough(BaseException):
    """Ends the script; no `except Exception` of its own stops it."""


def compare(path, longest_ms):
    """What became of each run of a script.

    Parameters
    ----------
    path : path
    longest_ms : float
        Of a longer run the beginning is compared.

    Returns
    -------
    dict
        `runs`, a list of dicts with `outcome`: "equal", "differs", "noise" (it compiles, its noise re-keyed) or
        "refused", and what it rests on; and `error`, the script's own, or None.
    """
    runs = []

    def both(network, duration_s, names):
        runs.append(_both(network, duration_s, names, longest_ms, run_in_brian2))
        if runs[-1]["outcome"] != "equal" or len(runs) == _MOST_RUNS:
            raise _Enough

    error = None
    with numpy_target(), intercepted(both) as run_in_brian2:
        try:
            execute(path)
        except _Enough:
            pass
        except EventSimError as wrong:
            error = str(wrong)
    return {"runs": runs, "error": error}


def _both(network, duration_s, names, longest_ms, run_in_brian2):
    try:
        compiled = eventsim.compile_network(network, namespace=names)
    except CompileError as error:
        return _refused(network, names, error)
    ticks = round(min(duration_s * 1e3, longest_ms) / compiled.dt_ms)
    with eventsim.Simulation(compiled, compiled.stimulus.lasting(ticks)) as simulation:
        simulation.run()
        spikes = simulation.finish().spikes()
    theirs = _brian2s_spikes(network, compiled, ticks, names, run_in_brian2)
    ours = np.unique(np.column_stack([spikes.tick, spikes.neuron]), axis=0)
    same = ours.shape == theirs.shape and bool((ours == theirs).all())
    return {"outcome": "equal" if same else "differs", "spikes": len(theirs), "ms": ticks * compiled.dt_ms,
            "our_spikes": len(ours)}  # fmt: skip


def _refused(network, names, error):
    """Refused; or only for its noise, if it compiles once that is re-keyed."""
    if "noise='rekey'" in str(error):
        try:
            eventsim.compile_network(network, namespace=names, noise="rekey")
            return {"outcome": "noise", "reason": error.statement}
        except CompileError as further:
            error = further
    return {"outcome": "refused", "reason": error.statement}


def _brian2s_spikes(network, compiled, ticks, names, run_in_brian2):
    """(n, 2) rows (tick, neuron), sorted, of a run by Brian2 itself with a monitor on every group that fires."""
    groups = [thing for thing in network.objects if isinstance(thing, brian2.NeuronGroup | brian2.SpikeGeneratorGroup)]
    firing = [g for g in groups if isinstance(g, brian2.SpikeGeneratorGroup) or "spike" in g.events]
    monitors = [brian2.SpikeMonitor(group) for group in firing]
    network.add(*monitors)
    run_in_brian2(network, ticks * compiled.dt_ms * brian2.ms, namespace=names)
    rows = [np.empty((0, 2), np.int64)]
    for group, monitor in zip(firing, monitors):
        tick = np.round(np.asarray(monitor.t_) / (compiled.dt_ms * 1e-3)).astype(np.int64)
        rows.append(np.column_stack([tick, np.asarray(monitor.i) + compiled.population(group.name).start]))
    return np.unique(np.concatenate(rows), axis=0)
