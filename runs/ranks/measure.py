"""One network by one process and on 1, 2, ... ranks: memory of each rank, seconds to load, to run and to meet.

    python -m runs.ranks.measure [CASE ...] [--ranks 1 2 3 4] [--quick] [--out FOLDER]

Cases are those of `eventsim bench`. Each run is checked to have the spikes of the first. What a rank holds besides its
network is measured on an empty one; `memory` and `projected` in the document are what `runs.ranks.projection` takes and
makes of it.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from eventsim.ranks.job import Settings, open_job, write_job
from eventsim.ranks.launcher import run_job
from eventsim.ranks.merge import merge_ranks, trace_writer
from eventsim.ranks.partition import owners, ticks_between_meetings
from eventsim.ranks.record import kept_segments, read_totals
from runs.benchmarks.cases import Case
from runs.benchmarks.processes import module, run_process
from runs.benchmarks.saved import load_network

__all__ = ["measure"]


_ROW = ("  {n_ranks} ranks: the largest has {resident_mb:,.0f} MB, at most {peak_mb:,.0f} MB, {mirrors:,} mirrors; "
        "load {load_s:.2f} s, run {run_s:.2f} s, meet {meet_s:.2f} s")  # fmt: skip


def measure(names, ranks, quick, folder):
    """Measure, print and keep.

    Parameters
    ----------
    names : sequence of str
        Cases of `runs.benchmarks.cases`.
    ranks : sequence of int
    quick : bool
    folder : path
        Where ranks.json is written.

    Returns
    -------
    dict : by case, how long and how much building it took, and a row for each number of ranks
    """
    folder.mkdir(parents=True, exist_ok=True)
    document = {}
    for name in names:
        path, options = folder / f"{name}.npz", ["--quick"] if quick else []
        built = run_process(module("eventsim_side", "compile", name, path, *options))
        alone = run_process(module("eventsim_side", "run", name, path, *options))
        document[name] = {"built": built, "alone": alone, "ranks": []}
        print(f"{name}: {built['neurons']:,} neurons, {built['synapses']:,} synapses, built in {built['wall_s']:.1f} s "
              f"and {built['peak_mb']:,.0f} MB; alone {alone['run_s']:.2f} s, {alone['peak_mb']:,.0f} MB")  # fmt: skip
        for row in _rows(Case(name, quick), load_network(path), ranks):
            document[name]["ranks"].append(row)
            print(_ROW.format(**row))
        path.unlink()
    (folder / "ranks.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return document


def _rows(case, network, ranks):
    stimulus = network.stimulus.lasting(round(case.duration_ms / network.dt_ms))
    core_of, hashes = np.where(network.is_source, -1, 0).astype(np.int32), set()
    for n_ranks in ranks:
        settings = Settings(n_ranks=n_ranks, span_ticks=ticks_between_meetings(network))
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            write_job(Path(folder), network, stimulus, core_of, owners(network, n_ranks), settings)
            saved = time.perf_counter() - began
            with open_job(folder) as job, trace_writer(None, network, stimulus, settings) as writer:
                run_job(job)
                folders = [job.folder_of(rank) for rank in range(n_ranks)]
                totals = [read_totals(path, kept_segments(folders)) for path in folders]
                hashes.add(merge_ranks(job, writer, core_of).manifest["spikes_hash"])
        assert len(hashes) == 1, f"{n_ranks} ranks have other spikes"
        yield _row(n_ranks, totals, saved, settings)


def _row(n_ranks, totals, saved, settings):
    """Figures of the rank that has most of each."""
    seconds = np.array([kept["seconds"] for kept in totals]).max(axis=0)
    resident, peak = np.array([kept["taken_bytes"] for kept in totals]).max(axis=0) / 1e6
    return {
        "n_ranks": n_ranks, "span_ticks": settings.span_ticks, "save_s": saved,
        **dict(zip(("load_s", "run_s", "meet_s"), seconds.tolist())), "resident_mb": resident, "peak_mb": peak,
        "synapses": max(int(kept["held"][0]) for kept in totals), "own": max(kept["own"].size for kept in totals),
        "mirrors": max(int(kept["held"][1]) for kept in totals),
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*", default=["B2", "B4"])
    parser.add_argument("--ranks", type=int, nargs="*", default=[1, 2, 3, 4])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("out/ranks"))
    given = parser.parse_args()
    measure(given.cases, given.ranks, given.quick, given.out)
