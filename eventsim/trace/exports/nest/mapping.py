"""What NEST makes of a population: model, parameters, and how weights and delays are written there.

With h the tick. NEST adds what arrives at the end of its update, Brian2 after the threshold of a tick; hence:

    population                      model          weight             delay    t_ref                     exact
    leaky, delta synapses           iaf_psc_delta  w exp(-h/tau)      d + h    max(refractory, h) or 0   see `_delta`
    leaky, one or two currents      iaf_psc_exp    w k C              d        max(refractory - h, 0)    if d >= h
    leaky, an alpha current         iaf_psc_alpha  w k C / e          d        max(refractory - h, 0)    if d >= h
    gate, which forgets each tick   iaf_psc_delta  w (tau_m = h/1000) d + h    0                         always

k is the coefficient of the current in dv/dt, C the capacitance; potentials are in mV, with E_L = 0. A strict threshold
is the next larger number. The potential is NEST's to the last bits, not Brian2's.
"""

from dataclasses import dataclass, field

import numpy as np

from eventsim.errors import CompileError
from eventsim.neurons.reading import Reading

__all__ = ["Cells", "cells_of"]

_SUPPORTED = (
    "in NEST: leaky integrate-and-fire with delta synapses, one or two exponential currents or an alpha current, reset "
    "to a value, a refractory period that holds the potential; gates; spike sources"
)
_NEVER = 1e300


@dataclass(frozen=True, eq=False)
class Cells:
    """A population in NEST's terms.

    Parameters
    ----------
    model : str
    parameters : mapping of str to (n,) float64
        In NEST's units.
    factors : mapping of str to (n,) float64
        Variable that a synapse adds to -> factor of its weight, for each receiving neuron.
    more_ticks : int
        What delays get added.
    excitatory : str or None
        Of two currents the one that NEST feeds with positive weights; None where the sign does not matter.
    approximations : tuple of str
    """

    model: str
    parameters: dict = field(default_factory=dict)
    factors: dict = field(default_factory=dict)
    more_ticks: int = 0
    excitatory: str | None = None
    approximations: tuple = ()


def cells_of(network, k, approximate):
    """The Cells of population k.

    Raises
    ------
    CompileError
        Naming the population and what NEST has no equivalent for; with `approximate` only if there is none at all.
    """
    population = network.populations[k]
    if population.is_source:
        return Cells("spike_generator")
    if any(o.every > 1 or o.lag or o.tables for o in network.schedule if o.index == k and o.kind != "deliver"):
        raise CompileError(population.name, "a clock of its own, a function of time, or resets before thresholds",
                           _SUPPORTED)  # fmt: skip
    try:
        return _cells(network, k, Reading(network, k), approximate)
    except CompileError as error:
        statement = error.statement.replace(" in continuous time", "")
        raise CompileError(population.name, statement, error.supported if approximate else _SUPPORTED) from None


def _cells(network, k, reading, approximate):
    if reading.forgotten():
        return _gate(reading)
    v, theta = _threshold(reading)
    rate, resets, refractory = reading.rate(v), reading.resets(), reading.refractory()
    leak = -reading.per_tick(rate.of(v))
    if rate.exponentials or np.any(leak <= 0):
        raise reading.refusal(f"d{v}/dt = {reading.population.rates.get(v, '0')}, which is no leak to a constant")
    if set(resets) - {v} or np.any(resets.get(v, (0.0, 0.0))[0]):
        raise reading.refusal("a reset that does not set the potential to a value")
    if np.any(refractory != np.round(refractory)) or (refractory.any() and v not in reading.population.guards):
        raise reading.refusal("a refractory period that is no whole number of ticks, or does not hold the potential")
    dt = network.dt_ms
    tau, drive = dt / leak, reading.per_tick(rate.constant) / dt  # in ms, and mV per ms
    parameters = {
        "tau_m": tau, "C_m": tau, "E_L": 0.0 * tau, "I_e": drive * tau, "V_th": theta,
        "V_m": reading.population.state[v], "V_reset": reading.filled(resets.get(v, (0.0, 0.0))[1]),
    }  # fmt: skip
    if np.any(parameters["V_reset"] >= theta):
        raise reading.refusal("a reset at or above the threshold")
    currents = [name for name in rate.coefficients if name != v]
    if currents:
        return _currents(reading, rate, currents, parameters, refractory, dt)
    return _delta(network, k, reading, v, parameters, refractory, dt, approximate)


def _threshold(reading):
    """(variable, (n,) threshold at which NEST's >= fires); what has no threshold never fires."""
    if reading.condition is None:
        driven = [x for x, rate in reading.rates.items() if set(rate.coefficients) - {x}]
        return (driven or list(reading.rates) or [reading.variables[0]])[0], np.full(reading.size, _NEVER)
    excess, strict = reading.excess()
    (v, scale), *others = excess.coefficients.items() or [("", 0.0)]
    if others or excess.exponentials or np.any(np.asarray(scale) <= 0):
        raise reading.refusal("a threshold other than a constant of one variable")
    theta = reading.filled(-excess.constant / scale)
    return v, np.nextafter(theta, np.inf) if strict else theta


def _gate(reading):
    v, theta = _threshold(reading)
    if reading.forgotten() != {v} or reading.rates or reading.all("reset"):
        raise reading.refusal("an update besides the differential equations")
    if np.any(reading.population.state[v] >= theta) or np.any(theta <= 0):
        raise reading.refusal("a gate that fires of itself")
    tick, zero = np.full(reading.size, reading.tick_s * 1e3), np.zeros(reading.size)
    parameters = {"tau_m": tick / 1000, "C_m": tick / 1000, "E_L": zero, "I_e": zero, "V_th": theta, "V_m": zero,
                  "V_reset": zero, "t_ref": zero}  # fmt: skip
    return Cells("iaf_psc_delta", parameters, {v: np.ones(reading.size)}, 1)


def _delta(network, k, reading, v, parameters, refractory, dt, approximate):
    """Delta synapses.

    What arrives in a spike's own tick is erased by the reset, what arrives while refractory is dropped: in NEST, where
    it counts a tick later, the refractory period must be a tick longer for that. No harm is done where v rests at its
    reset value anyway, as without drive; else there is no exact equivalent, and NEST keeps what arrives in that tick.
    """
    erased = _resets_after_synapses(network, k) or refractory > 0
    rests = np.abs(parameters["I_e"] - parameters["V_reset"]) <= 1e-12 * np.abs(parameters["V_reset"])
    wrong, notes = np.any(erased & ~rests), ()
    if wrong and not approximate:
        raise reading.refusal("synapses onto a potential that moves on from its reset value (use --approximate)")
    ticks = np.where(erased, np.maximum(refractory, 1), refractory)
    if wrong:
        ticks = np.where(rests, ticks, np.maximum(refractory - 1, 0))
        notes = (f"'{reading.name}': what arrives in the last tick of a refractory period, or in the tick of a spike, "
                 "is kept, not lost",)  # fmt: skip
    parameters["t_ref"] = ticks * dt
    factor = np.exp(-dt / parameters["tau_m"])
    return Cells("iaf_psc_delta", parameters, {v: factor}, 1, approximations=notes)


def _resets_after_synapses(network, k):
    places = [i for i, o in enumerate(network.schedule) if o.kind == "reset" and o.index == k]
    onto = [i for i, o in enumerate(network.schedule) if o.kind == "deliver" and network.pathways[o.index].target == k]
    return bool(places and onto) and min(onto) < places[0]


def _currents(reading, rate, currents, parameters, refractory, dt):
    chain = [x for name in currents for x in reading.rate(name).coefficients if x not in currents]
    names = [*currents, *chain]
    if len(names) > 2 or any(np.any(reading.population.state[name]) for name in names):
        raise reading.refusal(f"currents {', '.join(names)}; NEST has two that start at 0")
    rates = [reading.rate(name) for name in names]
    decays = [-reading.per_tick(r.of(name)) for r, name in zip(rates, names)]
    alone = all(not set(r.coefficients) - {name} for r, name in zip(rates, names) if not chain)
    if not alone or any(np.any(d <= 0) for d in decays) or any(r.exponentials or np.any(r.constant) for r in rates):
        raise reading.refusal(f"currents {', '.join(names)} that do not just decay")
    parameters["t_ref"] = np.maximum(refractory - 1, 0) * dt
    factors = {name: reading.filled(rate.of(name)) * 1e-3 * parameters["tau_m"] for name in currents}
    taus = [dt / decay for decay in decays]
    if chain:
        feeds = reading.per_tick(rates[0].of(chain[0]))
        if np.any(feeds != decays[1]) or np.any(decays[0] != decays[1]) or set(rates[1].coefficients) != set(chain):
            raise reading.refusal(f"the coupling of {' and '.join(names)}")
        parameters |= {"tau_syn_ex": taus[0], "tau_syn_in": taus[0]}
        return Cells("iaf_psc_alpha", parameters, {chain[0]: factors[currents[0]] / np.e})
    parameters |= {"tau_syn_ex": taus[0], "tau_syn_in": taus[-1]}
    return Cells("iaf_psc_exp", parameters, factors, excitatory=names[0] if len(names) == 2 else None)
