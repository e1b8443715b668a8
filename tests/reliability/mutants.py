"""Altered files read one after the other by a process of 2 GiB of address space: an EventSimError or sense, no more.

Each file may take so much processor time. A process that takes more, or crashes, is a failure, and another one goes on
behind the file that ended it. python -m tests.reliability.mutants KIND FOLDER FIRST STOP is such a process.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from eventsim.errors import EventSimError, NotRecordedError
from tests.reliability.rows import Row

__all__ = ["main", "mutated_inputs", "mutated_sonata", "mutated_traces"]

ADDRESS_SPACE = 2 << 30
_CPU_S = 60  # of one file; the slowest sound one takes well under a second
_WALL_S = 1800  # without any progress; other processes may pause this one


def mutated_traces(folder, files):
    """So many altered traces; each is read in every way and audited."""
    return _row(folder, {"traces": files}, f"{files:,} altered traces, read in every way and audited, in 2 GiB: only "
                "EventSimError, no crash, no hang")  # fmt: skip


def mutated_inputs(folder, files):
    """So many altered files in all, a quarter of each kind."""
    kinds = ("configurations", "chips", "NIR", "safetensors")
    return _row(folder, dict.fromkeys(kinds, files // len(kinds)),
                f"{files:,} altered configurations, chips, NIR and safetensors files: the same")  # fmt: skip


def mutated_sonata(folder, files):
    """So many altered files of SONATA in HDF5's old format, on which the HDF5 library may not return."""
    return _row(folder, {"SONATA": files}, f"{files:,} altered SONATA files in HDF5's format of before 2016: the same")


def _row(folder, sizes, what):
    faults, refused, slowest = [], 0, 0.0
    for kind, files in sizes.items():
        place = folder / kind
        place.mkdir()
        first = 0
        while first < files:
            found, ended = _process(kind, place, first, files)
            faults += [f"{kind} {k}: {fault}" for k, fault in found["faults"]]
            refused, slowest = refused + found["refused"], max(slowest, found["slowest"])
            if ended is not None:
                faults.append(f"{kind} {found['at']}: {ended}")
            first = found["at"] + 1
    tried = sum(sizes.values())
    return Row(what, tried, tuple(faults), f"{refused / tried:.0%} refused; slowest {slowest:.1f} s of processor time")


def _process(kind, place, first, files):
    """(what it found so far, how it ended if not by itself) of one process."""
    command = [sys.executable, "-m", "tests.reliability.mutants", kind, str(place), str(first), str(files)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    report = place / "report.json"
    report.unlink(missing_ok=True)
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            _, said = process.communicate(timeout=_WALL_S * max(1, (files - first) // 20))
        except subprocess.TimeoutExpired:
            process.kill()
            said = b"no progress"
    if not report.exists():
        raise RuntimeError(f"sound files of {kind} cannot be read: {said.decode(errors='replace')[-3000:]}")
    found = json.loads(report.read_text())
    if process.returncode == 0:
        return found | {"at": files - 1}, None
    names = {-signal.SIGPROF: f"a hang: more than {_CPU_S} s of processor time"}
    crash = f"it ended with {process.returncode}: {said.decode(errors='replace')[-1500:]}"
    ended = names.get(process.returncode, crash)
    return found | {"at": found["at"] + 1}, ended


def main(kind, place, first, stop):
    """In the process: read sound files, then altered ones, and keep the report of all so far on disk."""
    from tests.reliability.corpora import CORPORA

    corpus, sound = CORPORA[kind], place / "sound"
    sound.mkdir(exist_ok=True)
    paths = corpus.make(sound)
    for path in paths:
        for read in corpus.read(path):  # whatever is compiled or imported on the way is there before memory is short
            with suppress(NotRecordedError):
                read()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    found = {"at": first - 1, "faults": [], "refused": 0, "slowest": 0.0}
    _keep(found, place)
    for k in range(first, stop):
        path = _altered(corpus, paths[k % len(paths)], place, np.random.default_rng([17, k]))
        signal.setitimer(signal.ITIMER_PROF, _CPU_S)
        began = time.process_time()
        refusals, faults = _read(corpus, path)
        found["slowest"] = max(found["slowest"], time.process_time() - began)
        signal.setitimer(signal.ITIMER_PROF, 0)
        found |= {"at": k, "refused": found["refused"] + bool(refusals)}
        found["faults"] += [(k, fault) for fault in faults]
        _keep(found, place)


def _keep(found, place):
    temporary = place / "report.tmp"
    temporary.write_text(json.dumps(found))
    os.replace(temporary, place / "report.json")


def _altered(corpus, sound, place, rng):
    folder = place / "altered"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = Path(shutil.copy(sound, folder))
    corpus.alter(path, rng)
    return path


def _read(corpus, path):
    """(refusals, faults): lines of errors that say what is wrong, and everything else that went wrong."""
    refusals, faults = [], []
    for number, read in enumerate(corpus.read(path)):
        try:
            read()
        except EventSimError as error:
            if "\n" in str(error):
                faults.append(f"{number}: more than a line: {error}")
            refusals.append(str(error))
            if number == 0:
                break
        except Exception as error:  # whatever is no refusal is a fault to be told, with its place
            where = error.__traceback__
            while where.tb_next is not None:
                where = where.tb_next
            at = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}"
            faults.append(f"{number}: {type(error).__name__} at {at}: {str(error)[:200]}")
    return refusals, faults


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
