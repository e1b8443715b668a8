"""Known truth 3: SANA-FE, a simulator by others, on the same network, mapping and table; run as a program of its own.

Its figures are compared where the two count the same thing. Where they do not, the smallest case shows it: SANA-FE
prices as active whoever received an event, though its weight is 0 or others cancel it, and whoever fired in the tick
before, though the spike took the potential to 0; here a neuron is active when its state is not 0.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

import eventsim
from eventsim import simulate
from eventsim.errors import EnvironmentProblem
from eventsim.stimulus import Stimulus
from hardware_models import Placement, cost, count_activity, count_events, load_chip
from hardware_models.counting.sanafe_files import architecture, network_and_mapping
from runs.experiments.hardware_validation.rows import Row, Truth, energy_of, exactly

__all__ = ["NOT_INSTALLED", "by_sanafe", "installed", "run_sanafe"]

_NUMBER, _TITLE, _REMEDY = 3, "The same network in SANA-FE", "pip install sanafe==2.2.9"
#: Number, title, and why it is left out.
NOT_INSTALLED = (_NUMBER, _TITLE, f"left out, since SANA-FE, another simulator, is optional and not there; {_REMEDY}")
_SOURCE = "SANA-FE, run on the same network, mapping and table"
_SOMA = ("idle_updates", "active_updates", "spikes")
_NEAR = Fraction(1, 10**12)  # SANA-FE adds floating-point numbers

_SCRIPT = """
import json, sys, sanafe
arch = sanafe.load_arch(sys.argv[1])
chip = sanafe.SpikingChip(arch)
chip.load(sanafe.load_net(sys.argv[2], arch))
found = chip.sim(int(sys.argv[3]), timing_model="simple", spike_trace=True, perf_trace=True)
spikes = [[tick, str(neuron)] for tick, fired in enumerate(found["spike_trace"]) for neuron in fired]
counts = {key: found[key] for key in ("energy", "spikes", "packets_sent", "neurons_updated", "neurons_fired")}
print("\\n" + json.dumps(counts | {"hops": sum(found["perf_trace"]["hops"]), "trains": spikes}))
"""


def installed():
    return importlib.util.find_spec("sanafe") is not None


def run_sanafe(network, placed, stimulus, table="nahuku"):
    """What SANA-FE finds: energy in J by unit, spikes (its synaptic events), packets_sent, hops, and who fired when.

    Raises
    ------
    EnvironmentProblem
        It is installed and does not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "chip.yaml", Path(folder) / "network.yaml"
        files[0].write_text(architecture(placed, table), encoding="utf-8")
        files[1].write_text(network_and_mapping(network, placed, stimulus), encoding="utf-8")
        command = [sys.executable, "-c", _SCRIPT, *map(str, files), str(stimulus.duration_ticks)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
            found = json.loads(done.stdout.splitlines()[-1])
        except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
            raise EnvironmentProblem(f"SANA-FE does not run ({error}); {_REMEDY}") from None
    trains = [(tick, *map(int, who.removeprefix("p").split("."))) for tick, who in found["trains"]]
    start = [p.start for p in network.populations]
    return found | {"trains": sorted((tick, start[k] + i) for tick, k, i in trains)}


def by_sanafe(config):
    """A random recurrent network on eight tiles, and the smallest cases in which the two depart."""
    rows = [*_compared(config), *_departures()]
    return Truth(_NUMBER, _TITLE, "240 neurons that integrate, with an excitatory recurrence, and 16 "
                 "sources on 12 cores, 200 ticks, table nahuku. Below, the smallest cases in which the two depart: one "
                 "update each of a potential of 0, which SANA-FE prices as active.", tuple(rows))  # fmt: skip


def _compared(config):
    """Rows that must agree."""
    rng, sources, n, cores = np.random.default_rng(config.seed), 16, 240, 12
    # Weights are multiples of 1,024 and the threshold is odd, so that no spike takes a potential to 0.
    neurons = {"model": ["source"] * sources + ["integrate"] * n, "v_th": 60 * 1024.0 + 1}
    pre = np.repeat(np.arange(sources + n), 20)
    post = np.concatenate([sources + rng.choice(n, 20, replace=False) for _ in range(sources + n)])
    network = eventsim.network(neurons, {"pre": pre, "post": post, "weight": 1024.0 * rng.integers(1, 4, pre.size),
                                         "delay_ms": 0.0})  # fmt: skip
    at = np.argwhere(rng.random((200, sources)) < 0.3)
    stimulus = Stimulus.of(at[:, 0], at[:, 1], duration_ticks=200)
    where = rng.choice(128, cores, replace=False)
    core_of = np.concatenate([np.full(sources, -1), where[np.arange(n) % cores]])
    enters_at = np.concatenate([where[np.arange(sources) % cores], np.full(n, -1)])
    placed = Placement.of(network, core_of, load_chip("loihi"), enters_at)
    ours, counts, trains = _ours(network, placed, stimulus)
    theirs = run_sanafe(network, placed, stimulus)
    same = len(set(trains) & set(theirs["trains"]))
    hops = sum(line.count for line in ours.lines if line.term.startswith("hops"))
    yield exactly("spikes", "", Fraction(len(trains)), str(theirs["neurons_fired"]), _SOURCE)
    yield exactly("spikes of one neuron in one tick in both", "", Fraction(same), str(len(trains)), _SOURCE)
    yield exactly("synaptic events", "", Fraction(counts.total("synaptic_events")), str(theirs["spikes"]), _SOURCE)
    yield exactly("messages", "", Fraction(counts.total("messages_out")), str(theirs["packets_sent"]), _SOURCE)
    yield exactly("hops", "", Fraction(hops), str(theirs["hops"]), _SOURCE)
    parts = {"synapse": ("synaptic_events",), "soma": _SOMA,
             "network": ("messages_out", "hops_east_west", "hops_north_south"), "total": ()}  # fmt: skip
    for part, terms in parts.items():
        yield _nearly(f"energy, {part}", energy_of(ours, *terms), theirs["energy"][part])


def _nearly(quantity, computed, joules):
    """A row of energy that agrees to the rounding of SANA-FE's sums; `computed` is in pJ."""
    nj = Fraction(joules) * 10**9
    return Row(quantity, "nJ", computed / 1000, f"{float(nj):.9g}", _SOURCE, f"to {float(_NEAR):g} of it",
               abs(computed / 1000 - nj) <= _NEAR * nj)  # fmt: skip


#: What happens -> threshold of a neuron, weights of the sources that all fire in the first tick, and ticks.
_IDLE_HERE = {
    "an event of weight 0": (10.0, [0.0], 2), "two events that cancel": (10.0, [1.0, -1.0], 2),
    "a spike that leaves 0": (10.0, [10.0], 3),
}  # fmt: skip


def _departures():
    """The smallest networks in which SANA-FE prices an update as active that is idle here."""
    for what, (threshold, weights, ticks) in _IDLE_HERE.items():
        k = len(weights)
        neurons = {"model": ["source"] * k + ["integrate"], "v_th": threshold}
        network = eventsim.network(neurons, {"pre": np.arange(k), "post": k, "weight": weights, "delay_ms": 0.0})
        placed = Placement.of(network, [-1] * k + [0], load_chip("loihi"), [0] * k + [-1])
        stimulus = Stimulus.of([0] * k, range(k), duration_ticks=ticks)
        ours, _, _ = _ours(network, placed, stimulus)
        soma = run_sanafe(network, placed, stimulus)["energy"]["soma"]
        computed = energy_of(ours, *_SOMA)
        differs = abs(Fraction(soma) * 10**12 - computed - Fraction("21.6")) < Fraction(1, 1000)
        yield Row(f"energy, soma, after {what}", "pJ", computed, f"{soma * 1e12:.6g}", _SOURCE, "21.6 pJ less", differs)


def _ours(network, placed, stimulus):
    trace = simulate(network, stimulus, core_of=placed.core_of)
    counts, spikes = count_events(trace, placed), trace.spikes()
    report = cost(counts, placed.chip, "nahuku", activity=count_activity(trace, placed))
    return report, counts, sorted(zip(spikes.tick.tolist(), spikes.neuron.tolist()))
