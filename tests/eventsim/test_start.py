"""What a first start compiles, and that a second one compiles nothing: a process each, and one empty cache folder."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from eventsim.grid.source import SHARED

ROOT = Path(__file__).resolve().parents[2]

START = """
import json
import numba.core.event as event
import eventsim

class Compiled(event.Listener):
    names = []

    def on_start(self, happened):
        function = getattr(happened.data["dispatcher"], "py_func", happened.data["dispatcher"])
        self.names.append(f"{function.__module__}.{function.__qualname__}")

    def on_end(self, happened):
        pass

event.register("numba:compile", Compiled())
neurons = {"model": "lif", "tau_ms": 20.0, "drive": [1.5, 0.0]}
pair = eventsim.network(neurons, {"pre": [0], "post": [1], "weight": [1.5], "delay_ms": [2.0]})
trace = eventsim.simulate(pair, duration_ms=100, clock="{clock}")
print(json.dumps([Compiled.names, trace.n_spikes]))
"""


def _start(folder, clock):
    caches = {"EVENTSIM_CACHE": str(folder), "NUMBA_CACHE_DIR": str(folder)}
    environment = caches | {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(folder)}
    done = subprocess.run([sys.executable, "-c", START.replace("{clock}", clock)], env=environment, cwd=folder,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_first_start_compiles_each_function_once_and_a_second_one_none(tmp_path):
    first, spikes = _start(tmp_path, "continuous")
    ours = [name for name in first if name.startswith(("eventsim.continuous", "eventsim.neurons"))]
    assert set(Counter(ours).values()) == {1}  # a literal among the arguments makes Numba compile a function again
    assert sum(name.endswith(".run") for name in ours) == 1
    foreign = [name for name in first if name.startswith("numba.")]
    assert not [name for name in foreign if "unicode" in name or "quicksort" in name]  # seconds, for errors and a sort
    assert _start(tmp_path, "continuous") == [[], spikes]
    assert spikes == 4 + 4


def test_a_first_start_on_the_grid_compiles_each_function_once(tmp_path):
    first, spikes = _start(tmp_path, "grid")
    modules = tuple(f"{module}_" for module in (*SHARED, "grid"))
    named = Counter(name.rpartition(".")[2] for name in first if name.startswith(modules))
    assert named.keys() >= {"announce", "collect", "count_rows", "land", "run"} and set(named.values()) == {1}
    assert spikes == 4 + 4
