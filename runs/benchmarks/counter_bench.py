"""What counting costs: one run in turns of some ticks, by a kernel with all counters and by the same with none.

Both work on the same arrays, so that chance (which pages of memory lie where, what else the machine does) meets both
alike; what it does to them all the same shows from one repeat to the next, with arrays of its own. The kernel with none
is made from the same source, its counting functions emptied. A turn ends with counts in memory; to write them is what
`trace_bench` measures.

And what they cost whole runs, with a trace in memory: in the run itself, and with what counters are told before it and
come to after it. The run with none has all neurons on one core, of which there is nothing to tell.

    python -m runs.benchmarks.counter_bench [B1 B2 B4 chip] [--cores N] [--repeats N] [--quick]
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
from eventsim.errors import ConfigError
from eventsim.grid import kernel
from eventsim.grid.allocate import allocate
from eventsim.grid.kernel import kernel_source, text_of
from eventsim.grid.plan import plan_for
from eventsim.kernel_cache import load
from eventsim.lending import Lent
from runs.benchmarks.cases import CASES, Case

__all__ = ["counter_bench", "whole_runs"]

#: The functions that count, of modules of `eventsim.grid`.
_COUNTERS = {"announcing": "announce", "counting": "count_rows", "collecting": "_collect_counts"}
_ROW_COUNTED = "                    rows[row, 1] += 1\n"  # and what a kernel counts itself

_TURNS = 50  # by each of the two kernels; together they last as long as the case, or a tick each
_RUNS = 5  # of each, in turn, after one that compiles


def counter_bench(case, cores=None, seed=0):
    """Run a case once, half of it counted.

    Parameters
    ----------
    case : Case
    cores : int, optional
        Neurons lie on so many cores at random; as `Case.cores` has them if left out.
    seed : int
        Of the order in which the two take turns.

    Returns
    -------
    dict : cores; and of each kernel, "all" and "none", its spikes, rows of counts, and times, seconds for each spike of
        a turn

    Raises
    ------
    ConfigError
        When no neuron fires in any turn of one of the two.
    """
    network, core_of = _placed(case, cores)
    ticks = max(1, round(case.duration_ms / network.dt_ms) // (2 * _TURNS))
    stimulus = network.stimulus.lasting(2 * _TURNS * ticks)
    plan = plan_for(network)
    kernels, constants = _kernels(network, plan)
    arrays = allocate(network, stimulus, core_of, constants, plan)
    measured = _take_turns(kernels, arrays, ticks, np.random.default_rng(seed))
    if not all(own["times"] for own in measured.values()):
        raise ConfigError(f"{case.name} has too few spikes to tell a time for each; run it whole, or choose another")
    return {"cores": int(core_of.max()) + 1, **measured}


def _take_turns(kernels, arrays, ticks, rng):
    tick, lent, n_cores = 0, Lent(arrays), arrays.tally.shape[3]
    measured = {name: {"spikes": 0, "rows": 0, "times": []} for name in kernels}
    for turn in range(_TURNS):
        for name in rng.permutation(sorted(kernels)).tolist():
            before, began = int(arrays.filled[3]), time.perf_counter()
            reached = kernels[name](0, tick, tick + ticks, lent)
            seconds, spikes, own = time.perf_counter() - began, int(arrays.filled[3]) - before, measured[name]
            words = arrays.row_of_counts[: arrays.filled[1]]
            assert reached == tick + ticks, "a buffer holds less than a turn"
            own["spikes"], own["rows"] = own["spikes"] + spikes, own["rows"] + CountBlock(words, n_cores).n
            if turn and spikes:  # in the first one kernels are compiled
                own["times"].append(seconds / spikes)
            arrays.filled[:3], tick = 0, reached
    return measured


def whole_runs(case, cores=None, seed=0):
    """Seconds of whole runs, in turns; the arguments are those of `counter_bench`.

    Returns
    -------
    dict : for "all" and "none" a list of (the run alone, with what is before and after it)
    """
    network, core_of = _placed(case, cores)
    stimulus = network.stimulus.lasting(round(case.duration_ms / network.dt_ms))
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


def _placed(case, cores):
    """(network, core of each neuron)."""
    network = compile_network(case.build())
    if cores is None:
        return network, case.cores(network)
    placed = np.random.default_rng(0).integers(cores, size=network.n_neurons)
    return network, np.where(network.is_source, -1, placed).astype(np.int32)


def _kernels(network, plan):
    """The kernel with all counters, and with none, each called as (part, first_tick, last_tick, Lent); constants."""
    made = {"all": _source(network, plan), "none": _source_without(network, plan)}
    return {name: load(source, "grid")["run"] for name, (source, _) in made.items()}, made["all"][1]


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
    texts = {module: made(text_of(module), function) for module, function in _COUNTERS.items()}
    return {module: load(text, module)["__name__"] for module, text in texts.items()}


def _emptied(text, function):
    """The source of a module with nothing in one of its functions."""
    tree = ast.parse(text)
    (found,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    found.body = [ast.Pass()]
    return ast.unparse(tree)


def _row(name, repeats, runs):
    """One line: what all counters take beside none; medians of turns, then of repeats, and of all runs."""
    ratios = [median(found["all"]["times"]) / median(found["none"]["times"]) for found in repeats]
    nanoseconds = 1e9 * median(median(found["all"]["times"]) for found in repeats)
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
    whole = {kind: np.median([one for found in runs for one in found[kind]], axis=0) for kind in ("all", "none")}
    (run, _), (run_ratio, whole_ratio) = whole["all"], whole["all"] / whole["none"]
    return (f"{name:8s}{repeats[0]['cores']:>7}{nanoseconds:>12.0f}{median(ratios):>12.3f}{spread:>17}"
            f"{1e3 * run:>12.2f}{run_ratio:>12.3f}{whole_ratio:>12.3f}")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", default=["B1", "B2", "B4", "chip"], help=" ".join(CASES))
    parser.add_argument("--cores", type=int, help="neurons on so many cores, at random")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small networks")
    given = parser.parse_args()
    unknown = sorted(set(given.cases) - set(CASES))
    if unknown or given.repeats < 1 or (given.cores is not None and given.cores < 1):
        parser.error(f"choose among {', '.join(CASES)}; cores and repeats are 1 at least")
    print(f"{'network':8s}{'cores':>7}{'ns/spike':>12}{'all / none':>12}{'over repeats':>17}"
          f"{'run, ms':>12}{'all / none':>12}{'with ends':>12}")  # fmt: skip
    for chosen in given.cases:
        case = Case(chosen, given.quick)
        try:
            repeats = [counter_bench(case, given.cores, seed) for seed in range(given.repeats)]
            print(_row(chosen, repeats, [whole_runs(case, given.cores, seed) for seed in range(given.repeats)]),
                  flush=True)  # fmt: skip
        except ConfigError as error:
            parser.error(str(error))
