"""A circuit of a million neurons and ten million synapses becomes a compiled network in seconds and little memory."""

import subprocess
import sys

import pytest

_PROGRAM = """
import time  # processor time: what a quiet machine takes, since all of it is one thread
import numpy as np
import eventsim
from circuits import LIF, Circuit, Gate
from eventsim.memory import taken_bytes  # ru_maxrss begins with what the parent had

rng, half, batch = np.random.default_rng(0), 500_000, 2_500_000
tables = [(rng.integers(0, half, batch), rng.integers(0, half, batch), rng.random(batch)) for _ in range(4)]
start = time.process_time()
c = Circuit("large")
ends = c.neurons("lif", half, LIF()), c.neurons("gate", half, Gate())
for k, table in enumerate(tables):
    c.connect(ends[k // 2], ends[k % 2], table, delay_ms=(k == 3) * rng.integers(0, 4, batch))
compiled = eventsim.compile_network(c.network())
elapsed = time.process_time() - start
peak = taken_bytes()[1] / 2**30
print(compiled.n_neurons, compiled.n_synapses, elapsed, peak)
"""


@pytest.mark.slow
def test_a_million_neurons_and_ten_million_synapses_take_10_s_and_3_gib_at_most():
    output = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True).stdout
    neurons, synapses, elapsed_s, peak_gib = map(float, output.split())
    assert (neurons, synapses) == (1e6, 1e7)
    assert elapsed_s < 10 and peak_gib < 3
