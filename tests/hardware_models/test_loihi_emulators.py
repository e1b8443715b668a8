"""Spike for spike as brian2-loihi and nengo-loihi's emulator, on random networks; both run as programs of their own.

They need a Python that has them: this one, or that of the environment variable EVENTSIM_LOIHI_PYTHON.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import eventsim
from eventsim.stimulus import Stimulus
from hardware_models.integers.loihi.arithmetic import actual_weight
from hardware_models.integers.loihi.network import LoihiSynapses, loihi_network
from hardware_models.integers.loihi.neuron import LoihiCells

PROGRAM = Path(__file__).parent / "loihi_by_others.py"
N_INPUTS, N_CELLS, TICKS, NETWORKS = 8, 6, 100, 60

pytestmark = [pytest.mark.optional, pytest.mark.slow]


def python_with(package):
    """The interpreter that has a package; skips the test when there is none."""
    other = os.environ.get("EVENTSIM_LOIHI_PYTHON")
    if other is None and find_spec(package):
        return sys.executable
    if other is None or subprocess.run([other, "-c", f"import {package}"], capture_output=True).returncode:
        pytest.skip(f"{package} is not installed; EVENTSIM_LOIHI_PYTHON names a Python that has it")
    return other


def spikes_by(program, package, networks):
    run = subprocess.run([python_with(package), PROGRAM, program], input=json.dumps(networks), capture_output=True,
                         text=True)  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    return [sorted(map(tuple, spikes)) for spikes in json.loads(run.stdout)]


def draw(rng, k, **more):
    """A network; every fourth has its decays at the ends of their range."""
    sign, low, high = (("mixed", -200, 255), ("excitatory", 0, 256))[rng.integers(2)]
    exponent = int(rng.integers(-2, 4))
    corners = (0, 1, 2, 2048, 4095, 4096)
    decays = [int(rng.choice(corners) if k % 4 == 0 else rng.integers(0, 4097)) for _ in range(2)]
    spikes = np.argwhere(rng.random((TICKS - 2, N_INPUTS)) < 0.15)
    return {
        "n_inputs": N_INPUTS, "n_cells": N_CELLS, "ticks": TICKS, "spikes": (spikes + [1, 0]).tolist(),
        "decay_u": decays[0], "decay_v": decays[1], "bias": 0, "exponent": exponent, "sign": sign,
        "threshold": int(rng.integers(0, 400) * 2.0**exponent), "refractory": int(rng.choice([1, 1, 2, 3, 7, 64])),
        "bits": int(rng.integers(3, 9)), "W": rng.integers(low, high, (N_INPUTS, N_CELLS)).tolist(),
        "R": rng.integers(low // 2, high // 3, (N_CELLS, N_CELLS)).tolist(), "in_delay": 0, "rec_delay": 0, **more,
    }  # fmt: skip


def spikes_here(given, overflow="wrap", odd="truncate"):
    """Of the same network in eventsim."""
    cells = LoihiCells(N_CELLS, given["threshold"], given["decay_u"], given["decay_v"], given["bias"],
                       given["refractory"])  # fmt: skip
    form = {"exponent": given["exponent"], "sign": given["sign"], "bits": given["bits"], "odd": odd}
    tick, neuron = np.transpose(given["spikes"])
    network = loihi_network(
        {"inputs": N_INPUTS, "cells": cells},
        [wires("inputs", given["W"], given["in_delay"], form),
         wires("cells", given["R"], given["rec_delay"] + 1, form)],
        overflow=overflow, stimulus=Stimulus.of(tick, neuron, duration_ticks=given["ticks"]),
    )  # fmt: skip
    spikes = eventsim.simulate(network).spikes("cells")
    return sorted(zip(spikes.tick.tolist(), (spikes.neuron - N_INPUTS).tolist()))


def wires(source, mantissas, delay_ticks, form):
    pre, post = np.indices(np.shape(mantissas)).reshape(2, -1)
    return LoihiSynapses(source, "cells", pre, post, np.ravel(mantissas), delay_ticks, **form)


def test_sixty_networks_with_delays_and_refractory_periods_spike_as_in_brian2_loihi():
    rng = np.random.default_rng(11)
    networks = [draw(rng, k, in_delay=int(rng.integers(0, 8)), rec_delay=int(rng.integers(0, 8)))
                for k in range(NETWORKS)]  # fmt: skip
    expected = spikes_by("brian2", "brian2_loihi", networks)
    found = [spikes_here(given) for given in networks]
    assert found == expected
    assert sum(len(spikes) > 0 for spikes in expected) > 0.8 * NETWORKS
    floored = [spikes_here(given, odd="floor") for given in networks]
    assert floored != expected


def test_sixty_networks_with_biases_and_refractory_periods_spike_as_in_the_emulator_of_nengo_loihi():
    rng = np.random.default_rng(12)
    networks = []
    for k in range(NETWORKS):
        given = draw(rng, k, bias=int(rng.integers(-4095, 4096) * 2 ** rng.integers(0, 3)))
        given["decay_u"], given["decay_v"] = max(given["decay_u"], 1), min(given["decay_v"], 4095)
        given["exponent"] = 7 if k % 5 == 0 else given["exponent"]  # sums that wrap around
        networks.append(given)
    with_weights = [
        given | {name: actual_weight(given[name], given["exponent"], given["sign"], given["bits"]).astype(int).tolist()
                 for name in ("W", "R")}
        for given in networks
    ]  # fmt: skip
    expected = spikes_by("nengo", "nengo_loihi", with_weights)
    assert [spikes_here(given) for given in networks] == expected
    assert sum(len(spikes) > 0 for spikes in expected) > 0.8 * NETWORKS
    assert [spikes_here(given, overflow="saturate") for given in networks] != expected
