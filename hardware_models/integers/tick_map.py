"""tick_map: operations of a population as a matrix and an offset, found by trying their statements.

The columns are the statements' values at the unit vectors less their value at 0; another point, at two times, shows
whether they are linear and steady at all. Whatever integrator wrote the statements, this is what the grid computes.
"""

import numpy as np

from eventsim.errors import CompileError
from eventsim.expressions import evaluate

__all__ = ["CLOCK_OF_SPIKES", "tick_map"]

#: Brian2's variable of a neuron's last spike, no part of its potential; outside a refractory period it is long ago.
CLOCK_OF_SPIKES = "lastspike"

_LONG_AGO_S = -1e4
_TIMES_S = (1.0, 1.5)

_ASSIGN = {"=": lambda old, new: new, "+=": np.add, "-=": np.subtract, "*=": np.multiply, "/=": np.true_divide}


def tick_map(network, k, variables, operations):
    """What some operations make of the variables of population k, its neurons not being refractory.

    Parameters
    ----------
    network : CompiledNetwork
    k : int
    variables : tuple of str
        (m,) names.
    operations : sequence of Operation

    Returns
    -------
    matrix : (n, m, m) float64
    offset : (n, m) float64
        state -> matrix state + offset, neuron by neuron.

    Raises
    ------
    CompileError
        When they are not linear, depend on time or draw random numbers.
    """
    population, m = network.populations[k], len(variables)

    def after(point, time_s=_TIMES_S[0]):
        return _after(network, population, variables, operations, np.tile(point, (population.size, 1)), time_s)

    offset, probe = after(np.zeros(m)), np.linspace(0.7, -1.3, m)
    matrix = np.stack([after(unit) - offset for unit in np.eye(m)], axis=-1)
    for time_s in _TIMES_S:
        if not np.allclose(after(probe, time_s), matrix @ probe + offset, rtol=1e-9, atol=1e-12):
            raise CompileError(population.name, "an update that is not linear in its state or depends on time",
                               "multiples of variables, and constants")  # fmt: skip
    return matrix, offset


def _after(network, population, variables, operations, state, time_s):
    """The (n, m) state after some operations, from a state and at a time."""
    part, tick_s = slice(population.start, population.stop), network.dt_ms * 1e-3
    names = {"key_lo": network.key_lo[part], "key_hi": network.key_hi[part]} | population.parameters
    names |= {name: np.ones(population.size) for name in population.booleans}
    names |= {CLOCK_OF_SPIKES: np.full(population.size, _LONG_AGO_S)} | dict(zip(variables, state.T))
    names |= {"dt": tick_s, "t": time_s, "t_in_timesteps": round(time_s / tick_s)}
    for operation in operations:
        local = names | operation.constants
        for s in (*operation.once, *operation.each):
            with np.errstate(all="ignore"):
                value = evaluate(s.expression, local, population.name)
            if s.op != ":=":
                value = names[s.variable] = _ASSIGN[s.op](local[s.variable], value)
            local[s.variable] = value
    return np.column_stack([np.broadcast_to(names[v], population.size) for v in variables]).astype(np.float64)
