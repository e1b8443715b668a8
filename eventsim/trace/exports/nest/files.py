"""The folder of an export to NEST: network.npz, run_in_nest.py, and what that writes."""

import json
from pathlib import Path

import numpy as np

from eventsim.compiled_network import CompiledNetwork
from eventsim.errors import CompileError, ConfigError
from eventsim.stimulus import Stimulus
from eventsim.trace.exports.nest.mapping import cells_of
from eventsim.trace.segments import durably

__all__ = ["FILES", "approximations", "bring_back", "write"]

_ARRAYS, _SPIKES, _TRACE, _DRIVER = "network.npz", "spikes.npz", "nest.h5", "run_in_nest.py"

#: What is written here, and by running it in NEST.
FILES = _ARRAYS, _DRIVER, _SPIKES, _TRACE


def write(trace, folder, start_tick, stop_tick, events, approximate=False):
    """network.npz and run_in_nest.py, of the whole run.

    Raises
    ------
    CompileError
        Naming the population or pathway that NEST has no exact equivalent for; with `approximate` only where it has
        not even a near one.
    """
    if start_tick is not None or stop_tick is not None:
        raise ConfigError("NEST runs a network from its start; leave out the window of time")
    network = trace.network
    if abs(network.dt_ms * 1e3 - round(network.dt_ms * 1e3)) > 1e-9:
        raise ConfigError(f"dt is {network.dt_ms:g} ms; NEST needs whole multiples of 0.001 ms")
    cells = [cells_of(network, k, approximate) for k in range(len(network.populations))]
    synapses, notes = _synapses(network, cells, approximate)
    notes = [*(note for c in cells for note in c.approximations), *notes]
    description = {
        "dt_ms": network.dt_ms, "duration_ticks": trace.duration_ticks, "approximations": notes,
        "populations": [{"name": p.name, "size": p.size, "model": c.model} for p, c in zip(network.populations, cells)],
    }  # fmt: skip
    arrays = {"description": np.frombuffer(json.dumps(description).encode(), np.uint8)} | synapses
    arrays |= {"stimulus_tick": trace.stimulus.tick, "stimulus_neuron": trace.stimulus.neuron}
    for k, c in enumerate(cells):
        arrays |= {f"parameters/{k}/{name}": values for name, values in c.parameters.items()}
    arrays |= {f"network/{name}": values for name, values in network.to_arrays().items()}
    arrays |= {f"stimulus/{name}": values for name, values in trace.stimulus.to_arrays().items()}
    with durably(folder / _ARRAYS) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    with durably(folder / _DRIVER) as temporary:
        temporary.write_text((Path(__file__).parent / _DRIVER).read_text(encoding="utf-8"), encoding="utf-8")
    return [folder / _ARRAYS, folder / _DRIVER]


def _synapses(network, cells, approximate):
    """(arrays, notes): all synapses with NEST's weights and delays."""
    weight, delay, notes = network.weight.copy(), network.delay.astype(np.int64), []
    for pathway in network.pathways:
        here, target = pathway.synapses, cells[pathway.target]
        (variable, effect, value), *more = pathway.effects or [("", "", "")]
        if more or effect != "add" or value != "weight" or variable not in target.factors:
            raise CompileError(pathway.name, f"its effect on '{variable}'", "in NEST: a weight that is added to the "
                               f"potential or a current ({', '.join(target.factors) or 'none here'})")  # fmt: skip
        start = network.populations[pathway.target].start
        weight[here] *= target.factors[variable][network.post[here] - start]
        delay[here] += target.more_ticks
        if pathway.size and delay[here].min() < 1:
            if not approximate:
                raise CompileError(pathway.name, "a delay of 0 onto a current (use --approximate)",
                                   "in NEST: delays of at least a tick")  # fmt: skip
            delay[here] = np.maximum(delay[here], 1)
            notes.append(f"'{pathway.name}': a delay of 0 is one of a tick")
        signs = np.sign(weight[here]) * (1 if variable == target.excitatory else -1)
        if target.excitatory is not None and (signs < 0).any():
            statement = f"weights of a sign that NEST does not give '{variable}'"
            raise CompileError(pathway.name, statement, "in NEST: weights above 0 for the first of two currents, below "
                               "0 for the second")  # fmt: skip
    return {"pre": network.pre, "post": network.post, "weight": weight, "delay_ticks": delay}, notes


def approximations(folder):
    """What an export wrote that NEST has no exact equivalent for, in words."""
    with np.load(Path(folder) / _ARRAYS, allow_pickle=False) as arrays:
        return json.loads(arrays["description"].tobytes())["approximations"]


def bring_back(folder):
    """The trace nest.h5 of the spikes that run_in_nest.py wrote beside the network; returns its path.

    Raises
    ------
    ConfigError
        When there is no such folder, or its files do not belong together.
    """
    from eventsim.trace import Trace

    folder = Path(folder)
    try:
        with (
            np.load(folder / _ARRAYS, allow_pickle=False) as held,
            np.load(folder / _SPIKES, allow_pickle=False) as ran,
        ):
            arrays, neuron, tick = dict(held), ran["neuron"], ran["tick"]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise ConfigError(f"{folder} holds no run by NEST ({error}); run its {_DRIVER} first") from None
    network, stimulus = (
        {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}
        for prefix in ("network/", "stimulus/")
    )
    stimulus = Stimulus.from_arrays(stimulus)
    made = CompiledNetwork.from_arrays(network, stimulus)
    Trace.from_arrays(made, neuron, tick=tick, stimulus=stimulus, path=folder / _TRACE, program="NEST").close()
    return folder / _TRACE
