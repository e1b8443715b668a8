"""SANA-FE's message trace, measured in an interpreter of its own: the package is no dependency, and its licence GPL."""

import json
import subprocess

from eventsim.errors import EnvironmentProblem

__all__ = ["message_trace_rows"]

#: (neurons, synapses of each, time steps); its Loihi has 128 cores.
_SIZES = {"quick": (1024, 32, 200), "full": (4096, 128, 200)}

_SCRIPT = """
import json, os, random, resource, sys, tempfile, time
import sanafe

n, fan_out, steps = map(int, sys.argv[1:])
rng = random.Random(0)
arch, net = sanafe.load_loihi(), sanafe.Network()
cores = [core for tile in arch.tiles for core in tile.cores]
group = net.create_neuron_group(
    "neurons", n, model_attributes={"threshold": 20.0, "leak_decay": 0.95, "bias": 1.3, "reset": 0.0},
    soma_hw_name="loihi_lif", default_synapse_hw_name="loihi_dense_synapse", default_dendrite_hw_name="loihi_dendrites",
)
pairs = [(i, rng.randrange(n)) for i in range(n) for _ in range(fan_out)]
group.connect_neurons_sparse(group, {"weight": [rng.choice([-0.5, 0.1]) for _ in pairs]}, pairs)
for k, neuron in enumerate(group.neurons):
    neuron.map_to_core(cores[k // 256])
chip = sanafe.SpikingChip(arch)
chip.load(net)
chip.sim(20, timing_model="simple")
path = os.path.join(tempfile.mkdtemp(), "messages.csv")

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

found = {}
for name, trace in (("without", None), ("CSV", path), ("list", True)):
    before, start = peak(), time.perf_counter()
    result = chip.sim(steps, timing_model="simple", message_trace=trace)
    seconds = time.perf_counter() - start
    found[name] = {"messages": result["packets_sent"], "synaptic_events": result["spikes"], "seconds": seconds,
                   "bytes": os.path.getsize(path) if name == "CSV" else peak() - before}
os.unlink(path)
print("\\n" + json.dumps(found))
"""


def message_trace_rows(python, quick=True):
    """Rows of `trace_bench` for SANA-FE: no trace, messages into CSV, and messages as the list it returns.

    An event is a message, which stands for the synaptic events of one spike on one core.

    Parameters
    ----------
    python : path
        An interpreter whose packages include `sanafe`.
    quick : bool

    Raises
    ------
    EnvironmentProblem
        When it cannot be run there.
    """
    command = [str(python), "-c", _SCRIPT, *map(str, _SIZES["quick" if quick else "full"])]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
        found = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise EnvironmentProblem(
            f"SANA-FE does not run in {python} ({error}); install it there: pip install sanafe"
        ) from None
    names = {"without": "SANA-FE, no trace", "CSV": "SANA-FE messages, CSV", "list": "SANA-FE messages, list"}
    rows = {}
    for key, name in names.items():
        run = found[key]
        rows[name] = {"events": run["messages"], "seconds": run["seconds"],
                      "events_per_s": run["messages"] / run["seconds"]}  # fmt: skip
        if key != "without":
            rows[name] |= {
                "bytes_per_event": run["bytes"] / run["messages"],
                "extra_run_time": run["seconds"] / found["without"]["seconds"] - 1,
            }
    return rows
