"""Numbers of threads in a run and of workers in a sweep: the same bytes for each."""

import hashlib
import json
import os
import sys

from tests.reliability.processes import how_it_ended, run_watched
from tests.reliability.rows import Row
from tests.reliability.victim import Victim, content_of
from tests.runs.sweeps import TINY, results

__all__ = ["NUMBERS", "main", "threads", "workers"]

NUMBERS = (1, 2, 3, 7)


def threads(folder, seeds):
    """So many random networks, run by each number of threads in a process that has seven."""
    environment = os.environ | {"NUMBA_NUM_THREADS": str(max(NUMBERS))}
    command = [sys.executable, "-m", "tests.reliability.parallel", str(folder), str(seeds)]
    done = run_watched(command, env=environment)
    if done.returncode:
        return Row("threads", seeds, (how_it_ended(done),), "")
    contents = json.loads(done.stdout)
    faults = [f"seed {seed}, {n} threads: another SHA-256" for seed, found in enumerate(contents)
              for n, content in zip(NUMBERS, found) if content != found[0]]  # fmt: skip
    tried = sum(map(len, contents))
    return Row("1, 2, 3, 7 threads: the same SHA-256", tried, tuple(faults), f"{tried - len(faults)} equal")


def main(folder, seeds):
    """In a process with that many threads: the contents of traces, by seed and number."""
    import eventsim

    contents = []
    for seed in range(seeds):
        victim, found = Victim(seed, ticks=1000), []
        for n in NUMBERS:
            path = f"{folder}/{seed}-{n}.h5"
            eventsim.simulate(victim.network, victim.stimulus, trace=path, threads=n, **victim.options()).close()
            found.append(content_of(path))
        contents.append(found)
    print(json.dumps(contents))


def workers(folder, points):
    """One sweep of so many points, by each number of workers; every file of it is compared."""
    (folder / "tiny.toml").write_text(TINY)
    over, hashes, faults = "seed=" + ",".join(map(str, range(1, points + 1))), {}, []
    for n in NUMBERS:
        command = [sys.executable, "-m", "runs.cli", "sweep", "tiny.toml", "--over", over, "--workers", str(n)]
        command += ["--out", str(folder / str(n))]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)) or os.getcwd()}
        done = run_watched(command, cwd=folder, env=environment)
        if done.returncode:
            faults.append(f"{n} workers: {how_it_ended(done)}")
        found = results(folder / str(n))
        hashes[n] = {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}
        other = sorted(name for name, _ in hashes[n].items() ^ hashes[NUMBERS[0]].items())
        if other or len(found) < 2 * points:
            faults.append(f"{n} workers: {len(found)} files, other than those of {NUMBERS[0]}: {other}")
    what = f"1, 2, 3, 7 workers of a sweep of {points} points: the same SHA-256 of every file"
    return Row(what, len(NUMBERS) * points, tuple(faults), f"{len(hashes[NUMBERS[0]])} files each")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
