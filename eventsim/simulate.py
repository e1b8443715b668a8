"""simulate: run a compiled network from start to end, on either clock, and write what happened into a trace."""

import sys
from numbers import Real

from eventsim.errors import ConfigError
from eventsim.interrupts import terminated_in_order
from eventsim.ranks import chosen_ranks, simulate_on_ranks
from eventsim.simulation import Simulation
from eventsim.stimulus import Stimulus

__all__ = ["reporter", "simulate"]


def simulate(network, stimulus=None, *, clock="grid", duration_ms=None, trace=None, core_of=None, threads=1,
             updates="measured", record=None, record_every_ticks=1, record_events=None, buffer_mb=64, max_bytes=None,
             progress=None, stop_after_spikes=None, stop_when=None, manifest=None, ranks=None):  # fmt: skip
    """Run a network for the length of its stimulus.

    Parameters
    ----------
    network : CompiledNetwork or brian2.Network
        One of Brian2 is compiled as it is, with the caller's names for its equations; it needs `duration_ms`. What
        `compile_network` takes besides (noise, a namespace) needs a call of that.
    stimulus : Stimulus, optional
        Its default stimulus if left out.
    clock : str
        "grid", spike for spike what Brian2 gives; or "continuous", the exact solution of the network's equations.
    duration_ms : float, optional
        Overrides the stimulus's duration; a whole number of ticks.
    trace, core_of, threads, updates, record, record_every_ticks, record_events, buffer_mb, max_bytes, manifest
        See `Simulation`.
    progress : True or callable, optional
        True writes to a terminal's standard error. A callable is called as Brian2's `report`:
        (elapsed_s, completed, start_s, duration_s), `completed` running from 0.0 to 1.0.
    stop_after_spikes, stop_when
        See `Simulation.run`; the trace then ends where the run stopped.
    ranks : int, optional
        So many processes of MPI run the network together, each with its own neurons and the synapses onto them, each
        in `threads` threads; the trace is the same. Left out, what `eventsim.ranks.on_ranks` says, else this process
        runs it alone. Of the grid; without `record_events` and `stop_when`. See eventsim/ranks/README.md.

    Returns
    -------
    Trace
        Open, complete and read-only. A run that is interrupted from the keyboard, or asked to end by SIGTERM, leaves
        such a trace too, up to the last tick.

    Raises
    ------
    ConfigError
        When the stimulus drives a neuron that is no spike source, or another argument does not fit; or the network
        cannot be divided among so many ranks.
    CompileError
        When Brian2's network uses what is not supported, or a population has no exact solution in continuous time;
        names it, the statement, and what is supported.
    CapacityError
        When a run on the grid needs more memory than there is; none of it has been taken then.
    EventSimError
        When, in continuous time, the spikes of one instant never end.
    """
    if _is_brian2(network):
        from eventsim.compile import callers_names, compile_network

        if duration_ms is None:
            raise ConfigError("a brian2.Network does not say how long it runs; give simulate(network, duration_ms=...)")
        network = compile_network(network, callers_names(1))
    stimulus = getattr(network, "stimulus", None) if stimulus is None else stimulus
    if duration_ms is not None and isinstance(stimulus, Stimulus):
        stimulus = stimulus.lasting(_whole_ticks(duration_ms, network.dt_ms))
    ranks = chosen_ranks() if ranks is None else ranks
    if ranks is not None:
        return simulate_on_ranks(
            ranks, network, stimulus, clock=clock, trace=trace, core_of=core_of, threads=threads, updates=updates,
            record=record, record_every_ticks=record_every_ticks, record_events=record_events, buffer_mb=buffer_mb,
            max_bytes=max_bytes, progress=reporter(progress), stop_after_spikes=stop_after_spikes, stop_when=stop_when,
            manifest=manifest,
        )  # fmt: skip
    with terminated_in_order(), Simulation(
        network, stimulus, clock=clock, trace=trace, core_of=core_of, threads=threads, updates=updates, record=record,
        record_every_ticks=record_every_ticks, record_events=record_events, buffer_mb=buffer_mb, max_bytes=max_bytes,
        manifest=manifest,
    ) as simulation:  # fmt: skip
        try:
            simulation.run(progress=reporter(progress), stop_after_spikes=stop_after_spikes, stop_when=stop_when)
            return simulation.finish()
        except KeyboardInterrupt:
            if trace is not None and not simulation.finished:
                simulation.finish().close()
            raise


def _is_brian2(network):
    """Whether it is a brian2.Network, which only somebody who imported Brian2 can have."""
    brian2 = sys.modules.get("brian2")
    return brian2 is not None and isinstance(network, brian2.Network)


def _whole_ticks(duration_ms, dt_ms):
    if not isinstance(duration_ms, Real):
        raise ConfigError(f"duration_ms is {duration_ms!r}; give a number of milliseconds, without a unit")
    steps = duration_ms / dt_ms
    if not (0 <= steps < 2**62 and abs(steps - round(steps)) <= 1e-6):  # not a number, among others
        raise ConfigError(f"duration_ms is {duration_ms:g}; it must be a whole number of ticks of {dt_ms:g} ms")
    return round(steps)


def reporter(progress):
    """What `Simulation.run` calls: the user's callable, a line on a terminal, or nothing."""
    if callable(progress):
        return progress
    if not (progress is None or isinstance(progress, bool)):
        raise ConfigError(f"progress is {progress!r}; give True, or a function as Brian2's report takes it")
    return _to_terminal if progress and sys.stderr.isatty() else None


def _to_terminal(elapsed_s, completed, start_s, duration_s):
    left_s = elapsed_s / completed - elapsed_s
    line = f"\rsimulating {completed:6.1%}, {elapsed_s:.1f} s, {left_s:.1f} s left "
    print(line, end="\n" if completed >= 1 else "", file=sys.stderr, flush=True)
