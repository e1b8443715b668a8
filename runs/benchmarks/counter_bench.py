"""What counting costs: the same ticks by a kernel with all counters and by the same with none.

A run is made twice, in turns of some ticks; what one kernel runs of it the first time, the other runs the second time.
So each turn is timed with both, and their ratio is the figure: how busy ticks are is not in it, and chance (which pages
of memory lie where, what else the machine does) meets both alike. The kernel with none is made from the same source,
its counting functions emptied. Seconds are those of the clock: a large network is counted by a thread beside the kernel
where there is a processor for it (`eventsim.grid.aside`), as in any run. A turn ends with counts in memory; to write
them is what `trace_bench` measures.

And what they cost whole runs, with a trace in memory: in the run itself, and with what counters are told before it and
come to after it. The run with none has all neurons on one core, of which there is nothing to tell.

    python -m runs.benchmarks.counter_bench [B1 B2 B4 chip] [--cores N | --placer NAME] [--repeats N] [--quick]
"""

import argparse
import ast
import time
from functools import cache
from statistics import median
from unittest import mock

import numpy as np

from eventsim import Simulation, compile_network
from eventsim.collected import CountBlock
from eventsim.errors import ConfigError, EventSimError
from eventsim.grid import kernel
from eventsim.grid.allocate import allocate
from eventsim.grid.aside import is_counted_aside
from eventsim.grid.kernel import kernel_for, kernel_source, text_of
from eventsim.grid.plan import plan_for
from eventsim.kernel_cache import load
from hardware_models import PLACERS, load_chip, place
from runs.benchmarks.cases import CASES, Case

__all__ = ["counter_bench", "whole_runs"]

#: The functions that count, of modules of `eventsim.grid`.
_COUNTERS = {
    "announcing": ("announce", "count_announced"), "counting": ("count_rows",), "collecting": ("_collect_counts",),
}  # fmt: skip
_ROW_COUNTED = "                    rows[row, 1] += 1\n"  # and what a kernel counts itself

_TURNS = 200  # of a run; together they last as long as the case, or a tick each
_TURNS_ASIDE = 8  # where each begins with another thread, which takes .2 ms: in a run that is once for a segment
_RUNS = 5  # of each, in turn, after one that compiles


def counter_bench(network, core_of, duration_ms, seed=0):
    """Run a network twice, half of either run counted.

    Parameters
    ----------
    network : CompiledNetwork
    core_of : (n_neurons,) int32
    duration_ms : float
    seed : int
        Of the order in which the two kernels take turns.

    Returns
    -------
    dict : spikes and rows of counts, (2, n_turns) int, of both runs; for each kernel, "all" and "none", seconds of each
        turn, (n_turns,) float, and runs, the run in which each of its turns was, (n_turns,) int

    Raises
    ------
    ConfigError
        When no neuron fires.
    """
    turns = _TURNS_ASIDE if is_counted_aside(network, core_of, 1) else _TURNS
    ticks = max(1, round(duration_ms / network.dt_ms) // turns)
    stimulus, plan = network.stimulus.lasting(ticks * turns), plan_for(network)
    kernels, constants = _kernels(network, core_of)
    counted = np.random.default_rng(seed).permutation(np.arange(turns) % 2)  # in which of the two runs each turn is
    runs = []
    for run in range(2):
        arrays = allocate(network, stimulus, core_of, constants, plan)
        runs.append(_take_turns([kernels["all" if run == own else "none"] for own in counted], arrays, ticks))
    seconds, spikes, rows = (np.array(found) for found in zip(*runs))
    if not spikes.any():
        raise ConfigError("no neuron fires: run it whole, or choose another")
    turn = np.arange(turns)
    of_kernel = {"all": counted, "none": 1 - counted}
    return {"spikes": spikes, "rows": rows, "runs": of_kernel,
            "seconds": {name: seconds[run, turn] for name, run in of_kernel.items()}}  # fmt: skip


def _take_turns(kernels, arrays, ticks):
    """(seconds, spikes, rows of counts) of each turn, each by a kernel of its own."""
    tick, n_cores, found = 0, arrays.tally.shape[3], []
    for kernel_of_turn in set(kernels):  # to compile it
        kernel_of_turn(tick, tick, arrays)
    for kernel_of_turn in kernels:
        before, stop, seconds, rows = int(arrays.filled[3]), tick + ticks, 0.0, 0
        while tick < stop:  # more than once where a buffer holds less than a turn
            began = time.perf_counter()
            tick = kernel_of_turn(tick, stop, arrays)
            seconds += time.perf_counter() - began
            rows += CountBlock(arrays.row_of_counts[: arrays.filled[1]], n_cores).n
            arrays.filled[:3] = 0
        found.append((seconds, int(arrays.filled[3]) - before, rows))
    return tuple(zip(*found))


def whole_runs(network, core_of, duration_ms, seed=0):
    """Seconds of whole runs, in turns; the arguments are those of `counter_bench`.

    Returns
    -------
    dict : for "all" and "none" a list of (the run alone, with what is before and after it)
    """
    stimulus = network.stimulus.lasting(round(duration_ms / network.dt_ms))
    given = {"all": (core_of, _source), "none": (np.minimum(core_of, 0), _source_without)}
    seconds, rng = {name: [] for name in given}, np.random.default_rng(seed)
    for turn in range(1 + _RUNS):
        for name in rng.permutation(sorted(given)).tolist():
            cores_given, source = given[name]
            with mock.patch.object(kernel, "kernel_source", source):
                measured = _run(network, stimulus, cores_given)
            if turn:
                seconds[name].append(measured)
    return seconds


def _run(network, stimulus, core_of):
    began = time.perf_counter()
    simulation = Simulation(network, stimulus, core_of=core_of)
    started = time.perf_counter()
    simulation.run()
    stopped = time.perf_counter()
    trace = simulation.finish()
    seconds = stopped - started, time.perf_counter() - began
    trace.close()
    return seconds


def _placed(case, cores, placer):
    """(network, core of each neuron): at random on so many cores, or as a placer has it on Loihi, or the case."""
    network = compile_network(case.build())
    if placer is not None:
        return network, place(network, load_chip("loihi"), placer).core_of
    if cores is None:
        return network, case.cores(network)
    placed = np.random.default_rng(0).integers(cores, size=network.n_neurons)
    return network, np.where(network.is_source, -1, placed).astype(np.int32)


def _kernels(network, core_of):
    """The kernel with all counters, and with none, each called as (first_tick, last_tick, arrays); constants."""
    plans = {"all": plan_for(network, aside=is_counted_aside(network, core_of, 1)), "none": plan_for(network)}
    kernels, constants = {}, np.empty(0)
    for (name, plan), source in zip(plans.items(), (_source, _source_without)):
        with mock.patch.object(kernel, "kernel_source", source):
            kernels[name], constants = kernel_for(network, plan)
    return kernels, constants


def _source(network, plan, **_):
    """What `kernel_source` makes, with all counters."""
    return kernel_source(network, plan, **_shared(lambda text, _: text))


def _source_without(network, plan, **_):
    """The same with none."""
    source, constants = kernel_source(network, plan, **_shared(_emptied))
    assert not network.pathways or _ROW_COUNTED in source, f"not in the kernel: {_ROW_COUNTED}"
    return source.replace(_ROW_COUNTED, ""), constants


@cache
def _shared(made):
    """Mapping module -> name under which what `made` makes of its text can be imported."""
    texts = {module: made(text_of(module), functions) for module, functions in _COUNTERS.items()}
    return {module: load(text, module)["__name__"] for module, text in texts.items()}


def _emptied(text, functions):
    """The source of a module with nothing in some of its functions."""
    tree = ast.parse(text)
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in functions]
    assert len(found) == len(functions), f"{functions} are not there"
    for function in found:
        function.body = [ast.Pass()]
    return ast.unparse(tree)


def _row(name, cores, turns, runs):
    """One line: what all counters take beside none; medians of turns, then of repeats, and of all runs."""
    ratios = [_ratio(**found) for found in turns]
    each = [1e9 * found["seconds"]["all"].sum() / found["spikes"][0].sum() for found in turns]
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
    whole = {kind: np.median([one for found in runs for one in found[kind]], axis=0) for kind in ("all", "none")}
    (run, _), (run_ratio, whole_ratio) = whole["all"], whole["all"] / whole["none"]
    return (f"{name:9s}{cores:>6}{median(each):>12.0f}{median(ratios):>12.3f}{spread:>17}"
            f"{1e3 * run:>12.2f}{run_ratio:>12.3f}{whole_ratio:>12.3f}")  # fmt: skip


def _ratio(seconds, runs, **_):
    """How many times as long turns take with all counters: of those counted in the first run, and in the second, the
    median, and the mean of both, since all turns of a run may be slower than those of the other."""
    logs = np.log(seconds["all"] / seconds["none"])
    return float(np.exp(np.mean([np.median(logs[runs["all"] == run]) for run in range(2)])))


def _main(given):
    print(f"{'network':9s}{'cores':>6}{'ns/spike':>12}{'all / none':>12}{'over repeats':>17}"
          f"{'run, ms':>12}{'all / none':>12}{'with ends':>12}")  # fmt: skip
    for chosen in given.cases:
        case = Case(chosen, given.quick)
        network, core_of = _placed(case, given.cores, given.placer)
        turns, runs = (
            [measure(network, core_of, case.duration_ms, seed) for seed in range(given.repeats)]
            for measure in (counter_bench, whole_runs)
        )
        print(_row(chosen, int(core_of.max()) + 1, turns, runs), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", default=["B1", "B2", "B4", "chip"], help=" ".join(CASES))
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--cores", type=int, help="neurons on so many cores, at random")
    where.add_argument("--placer", choices=PLACERS, help="neurons on cores of Loihi")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small networks")
    given = parser.parse_args()
    unknown = sorted(set(given.cases) - set(CASES))
    if unknown or given.repeats < 1 or (given.cores is not None and given.cores < 1):
        parser.error(f"choose among {', '.join(CASES)}; cores and repeats are 1 at least")
    try:
        _main(given)
    except EventSimError as error:
        parser.error(str(error))
