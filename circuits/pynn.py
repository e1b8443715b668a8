"""PyNN's cells and connections, as tables, become a circuit in mV.

PyNN's current-based neurons, with currents in nA, the capacitance cm in nF, potentials in mV, times in ms:

    dv/dt = (v_rest - v)/tau_m + (i_exc + i_inh + i_offset)/cm

Here a current counts in mV, i tau_m/cm, and v tends to the drive v_rest + i_offset tau_m/cm:

    IF_curr_exp    LIFExp      weight in nA, the current's jump    w tau_m/cm
    IF_curr_alpha  LIFAlpha    weight in nA, the current's peak    e w tau_m/cm, as a jump of j peaks at 1/e of it
    IF_curr_delta  RestingLIF  weight in mV, the jump of v         w

PyNN's clock reads (t + 1) dt when tick t has been worked off: a spike in tick t is one at (t + 1) dt there, and v is
held for tau_refrac after it, a tick less than Brian2's period, which begins with the tick of the spike. With that,
IF_curr_exp and IF_curr_alpha fire as NEST's iaf_psc_exp and iaf_psc_alpha. Onto IF_curr_delta a jump is tested a tick
later than NEST does, after a tick of leak.
"""

import math

import numpy as np

from circuits.arguments import checked
from circuits.circuit import Circuit, Neurons
from circuits.errors import require
from circuits.neurons import Source
from circuits.resting_neurons import LIFAlpha, LIFExp, RestingLIF
from circuits.tables import populations_of
from eventsim.from_tables.columns import columns_of, floats, integers, refuse, required
from eventsim.stimulus import Stimulus

__all__ = ["from_pynn"]

#: Parameters and start value that all these cells have; the defaults are PyNN's (pyNN/standardmodels/cells.py).
_LEAKY = {"v_rest": -65.0, "cm": 1.0, "tau_m": 20.0, "tau_refrac": 0.1, "i_offset": 0.0, "v_reset": -65.0,
          "v_thresh": -50.0, "v": -65.0}  # fmt: skip
_CELLS = {
    "SpikeSourceArray": {},
    "IF_curr_exp": _LEAKY | {"tau_syn_E": 5.0, "tau_syn_I": 5.0},
    "IF_curr_alpha": _LEAKY | {"tau_syn_E": 0.5, "tau_syn_I": 0.5},
    "IF_curr_delta": _LEAKY,
}
_NUMBERS = tuple(_CELLS["IF_curr_exp"])
_COLUMNS = ("cell_type", "population", "spike_times", *_NUMBERS)
_CONNECTIONS = ("i", "j", "pre", "post", "weight", "delay", "receptor")
#: PyNN's receptor -> that of the models with currents, and the sign of its weights.
_RECEPTORS = {"excitatory": ("exc", 1), "inhibitory": ("inh", -1)}


@checked()
def from_pynn(cells, connections, *, duration_ms, name="pynn", dt_ms=0.1):
    """A circuit, and the stimulus of its spike sources, of PyNN's cells and connections.

    Parameters
    ----------
    cells : pandas.DataFrame or mapping of str to (n_cells,) array or scalar
        Row k is a cell. Columns: `cell_type`, one of SpikeSourceArray, IF_curr_exp, IF_curr_alpha, IF_curr_delta;
        `population` (the cell type's name by default), whose rows follow each other; PyNN's parameters by their
        names, in PyNN's units, NaN for PyNN's default; `v`, the potential at the start; `spike_times`, a list in ms for
        each SpikeSourceArray.
    connections : pandas.DataFrame or mapping of str to (n_connections,) array or scalar
        Columns `i` and `j`, rows of `cells`, or, with the columns `pre` and `post`, which name populations, indices
        within these, as PyNN's `Projection.get(..., format="list")` has them; `weight`, in nA, for IF_curr_delta in mV;
        `delay` in ms, `dt_ms` if left out; `receptor`, excitatory or inhibitory, by the weight's sign if left out.
    duration_ms : float
        How long to run.
    name : str
    dt_ms : float
        PyNN's timestep.

    Returns
    -------
    (Circuit, eventsim.Stimulus)
        Cells are numbered as the rows, populations are ports, and v is in mV. A spike in tick t is one at
        (t + 1) dt_ms of PyNN's clock.

    Raises
    ------
    ConfigError, CircuitError
        Naming the table, the column and the row at fault, or a cell type that has no counterpart here.

    Examples
    --------
    >>> circuit, stimulus = from_pynn(
    ...     {"cell_type": ["SpikeSourceArray", "IF_curr_exp"], "spike_times": [[1.0, 5.0], None]},
    ...     {"i": [0], "j": [1], "weight": [2.0], "delay": [1.5]}, duration_ms=20.0)
    >>> circuit.n_synapses, stimulus.tick.tolist(), stimulus.duration_ticks
    (1, [9, 49], 200)
    """
    trains, cells = _apart(cells)
    kinds = required(cells, "cells", "cell_type").astype(str)
    require(kinds.size > 0, "cells: the table has no rows; a circuit needs a neuron")
    circuit, at, per_weight = Circuit(name, dt_ms=dt_ms), {}, np.ones(kinds.size)
    for population, rows in populations_of(cells, kinds, "cells"):
        model, per_weight[rows] = _model(cells, kinds[rows.start], rows, dt_ms)
        made = circuit.neurons(population, rows.stop - rows.start, model)
        at[population] = rows
        if population.isidentifier():
            circuit.port(population, made)
    _wire(circuit, kinds, at, per_weight, columns_of(connections, "connections", _CONNECTIONS))
    return circuit, _stimulus(circuit, kinds, trains, duration_ms)


def _apart(cells):
    """The lists of spike times, None where there are none, and the other columns, checked."""
    given = {column: cells[column] for column in cells} if hasattr(cells, "keys") else cells
    lists = given.pop("spike_times", None) if isinstance(given, dict) else None
    return None if lists is None else list(lists), columns_of(given, "cells", _COLUMNS)


def _model(cells, kind, rows, dt_ms):
    """The model of a population, and what a weight onto each of its cells is multiplied by."""
    require(kind in _CELLS, f"cells: row {rows.start} is of the cell type '{kind}'; there are {', '.join(_CELLS)}")
    for column in sorted((set(_NUMBERS) - set(_CELLS[kind])) & set(cells)):
        values = floats(cells, "cells", column, rows, empty_allowed=True)
        refuse(~np.isnan(values), "cells", column, values, f"left out (NaN): {kind} has none", rows.start)
    if kind == "SpikeSourceArray":
        return Source(), 1.0
    p = {column: _numbers(cells, column, rows, default) for column, default in _CELLS[kind].items()}
    for column in ("cm", *(column for column in p if column.startswith("tau_") and column != "tau_refrac")):
        refuse(p[column] <= 0, "cells", column, p[column], "positive", rows.start)
    refuse(p["v_reset"] >= p["v_thresh"], "cells", "v_reset", p["v_reset"], "below v_thresh", rows.start)
    held = _ticks(p["tau_refrac"], dt_ms, "cells", "tau_refrac", 0, rows.start)
    per_na = p["tau_m"] / p["cm"]
    shared = {"v_th": p["v_thresh"], "v_reset": p["v_reset"], "refractory_ms": (held + 1) * dt_ms, "v_start": p["v"],
              "drive": p["v_rest"] + p["i_offset"] * per_na}  # fmt: skip
    if kind == "IF_curr_delta":
        return RestingLIF(p["tau_m"], **shared), 1.0
    if kind == "IF_curr_exp":
        return LIFExp(p["tau_m"], p["tau_syn_E"], p["tau_syn_I"], **shared), per_na
    two = None if (p["tau_syn_E"] == p["tau_syn_I"]).all() else p["tau_syn_I"]
    return LIFAlpha(p["tau_m"], p["tau_syn_E"], tau_inh_ms=two, **shared), math.e * per_na


def _numbers(cells, column, rows, default):
    if column not in cells:
        return np.full(rows.stop - rows.start, default)
    values = floats(cells, "cells", column, rows, empty_allowed=True)
    return np.where(np.isnan(values), default, values)


def _ticks(times_ms, dt_ms, what, column, least, first_row=0):
    """Times in whole ticks, `least` of them or more."""
    ticks = np.round(times_ms / dt_ms)
    wrong = (np.abs(times_ms / dt_ms - ticks) > 1e-6) | (ticks < least)
    refuse(wrong, what, column, times_ms, f"a multiple of dt_ms = {dt_ms:g}, {least * dt_ms:g} or more", first_row)
    return ticks.astype(np.int64)


def _wire(circuit, kinds, at, per_weight, connections):
    pre, post = (_ends(connections, index, end, at, kinds.size) for index, end in (("i", "pre"), ("j", "post")))
    if not pre.size:
        return
    weight = floats(connections, "connections", "weight")
    delay = floats(connections, "connections", "delay") if "delay" in connections else np.full(pre.size, circuit.dt_ms)
    delay = _ticks(delay, circuit.dt_ms, "connections", "delay", 1) * circuit.dt_ms
    receptor = np.where(weight >= 0, "excitatory", "inhibitory")
    if "receptor" in connections:
        receptor = connections["receptor"].astype(str)
        strange = sorted(set(receptor) - set(_RECEPTORS))
        require(not strange, f"connections: the receptor '{strange[:1]}' is neither excitatory nor inhibitory")
    jumps = kinds[post] == "IF_curr_delta"
    for word, (of_currents, sign) in _RECEPTORS.items():
        meant = receptor == word
        refuse(meant & (sign * weight < 0), "connections", "weight", weight,
               f"{'0 or more' if sign > 0 else '0 or less'}, as its receptor is {word}")  # fmt: skip
        for rows, name in ((meant & jumps, None), (meant & ~jumps, of_currents)):
            if rows.any():
                circuit.one_to_one(Neurons(circuit, pre[rows]), Neurons(circuit, post[rows]),
                                   (weight * per_weight[post])[rows], delay_ms=delay[rows], receptor=name)  # fmt: skip


def _ends(connections, index, end, at, n):
    """The rows of cells that a column of connections means."""
    rows, first, last = integers(connections, "connections", index), 0, n
    if end in connections:
        names = connections[end].astype(str)
        strange = sorted(set(names) - set(at))
        require(not strange, f"connections: {end} '{strange[:1]}' is no population; there are {', '.join(at)}")
        first, last = (np.array([getattr(at[name], limit) for name in names], dtype=np.int64)
                       for limit in ("start", "stop"))  # fmt: skip
    allowed = "a row of cells" if end not in connections else f"the index of a cell in its population '{end}'"
    refuse((rows < 0) | (rows >= last - first), "connections", index, rows, allowed)
    return rows + first


def _stimulus(circuit, kinds, trains, duration_ms):
    sources = np.flatnonzero(kinds == "SpikeSourceArray").tolist()
    duration = int(_ticks(np.array([duration_ms], dtype=float), circuit.dt_ms, "from_pynn", "duration_ms", 0)[0])
    require(trains is None or len(trains) == kinds.size, f"cells: {len(trains or ())} spike_times for {kinds.size} "
            "rows; give one list for each, None where there is none")  # fmt: skip
    ticks, neurons = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    ids = circuit.plan.neuron_ids
    for row in sources if trains is not None else ():
        times = np.asarray([] if trains[row] is None else trains[row], dtype=float).ravel()
        ticks.append(_ticks(times, circuit.dt_ms, f"cells: row {row}", "spike_times", 1) - 1)
        neurons.append(np.full(times.size, ids[row]))
    tick, neuron = np.concatenate(ticks), np.concatenate(neurons)
    last = int(tick.max()) + 1 if tick.size else 0
    return Stimulus.of(tick, neuron, duration_ticks=max(last, duration)).lasting(duration)
