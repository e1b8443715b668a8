"""Leaky neurons whose synapses feed currents: two exponential ones, or an alpha function.

The propagators are those of Brian2's exact integrator, evaluated in the order of its optimiser:

    two currents   dv/dt = (drive + i_exc + i_inh - v)/tau,  di_exc/dt = -i_exc/tau_exc,  di_inh/dt = -i_inh/tau_inh
    alpha          dv/dt = (drive + i_syn - v)/tau,  di_syn/dt = (j_syn - i_syn)/tau_syn,  dj_syn/dt = -j_syn/tau_syn

A weight adds to i_exc, or to i_inh when it is negative; to j_syn, whose alpha current peaks at weight/e after tau_syn.
"""

import numpy as np

from eventsim.errors import ConfigError
from eventsim.expressions import evaluate
from eventsim.from_tables.group import repeated, ticks

__all__ = ["lif_alpha", "lif_exp"]

_DRIVEN, _LEAKY = "drive - (drive * exp((- dt) / tau))", "exp((- dt) / tau)"
_FADES = "exp((- dt) / {0})"
_FEEDS = "(((({0} * ((- exp(dt / tau)) + exp(dt / {0}))) * exp((- dt) / tau)) * exp((- dt) / {0})) / (tau - {0}))"
_ALPHA = (
    "((((((((- dt) * tau) * exp(dt / tau)) + ((dt * tau_syn) * exp(dt / tau))) + ((tau * tau_syn) * "
    "exp(dt / tau_syn))) - ((tau * tau_syn) * exp(dt / tau))) * exp((- dt) / tau)) * exp((- dt) / tau_syn)) / "
    "(((tau ** 2) + (tau_syn ** 2)) - (2.0 * (tau * tau_syn)))"
)

# The same for neurons with a refractory period, in which Brian2 multiplies 1/tau by 0 or 1, and so writes them anew.
_FEEDS_HELD = (
    "((({0} * exp((- dt) / {0})) * ((- exp(dt / {0})) + exp(dt / tau))) * exp((- dt) / tau)) / ((- tau) + {0})"
)
_ALPHA_HELD = (
    "((exp((- dt) / tau_syn) * (((((tau * tau_syn) * exp(dt / tau_syn)) + (((- dt) * tau) * exp(dt / tau))) + "
    "((dt * tau_syn) * exp(dt / tau))) - ((tau * tau_syn) * exp(dt / tau)))) * exp((- dt) / tau)) / "
    "(((tau ** 2) + (tau_syn ** 2)) - (2.0 * (tau * tau_syn)))"
)


def lif_exp(group, numbers):
    taus = {"tau_exc": numbers["tau_exc_ms"], "tau_inh": numbers["tau_inh_ms"]}
    feeds = _FEEDS_HELD if np.any(numbers["refractory_ms"]) else _FEEDS
    each = ["_i_exc := exc_fades * i_exc", "_i_inh := inh_fades * i_inh"]
    factors = {"exc_fades": _FADES.format("tau_exc"), "inh_fades": _FADES.format("tau_inh"),
               "exc_feeds": feeds.format("tau_exc"), "inh_feeds": feeds.format("tau_inh")}  # fmt: skip
    group.receptors = ("i_exc", "i_inh")
    rates = {"i_exc": "-i_exc/tau_exc", "i_inh": "-i_inh/tau_inh"}
    _leaky(group, numbers, taus, factors, each, ("exc_feeds * i_exc", "inh_feeds * i_inh"), rates)


def lif_alpha(group, numbers):
    held = np.any(numbers["refractory_ms"])
    each = ["_i_syn := (j_feeds * j_syn) + (fades * i_syn)", "_j_syn := fades * j_syn"]
    factors = {"j_feeds": "(dt * exp((- dt) / tau_syn)) / tau_syn", "fades": _FADES.format("tau_syn"),
               "i_feeds": (_FEEDS_HELD if held else _FEEDS).format("tau_syn"),
               "alpha": _ALPHA_HELD if held else _ALPHA}  # fmt: skip
    group.receptors = ("j_syn",)
    rates = {"i_syn": "(-i_syn + j_syn)/tau_syn", "j_syn": "-j_syn/tau_syn"}
    taus = {"tau_syn": numbers["tau_syn_ms"]}
    _leaky(group, numbers, taus, factors, each, ("i_feeds * i_syn", "alpha * j_syn"), rates)


def _leaky(group, numbers, taus_ms, factors, each, feeds, rates):
    """The potential, once the currents are described: `each` moves them, `feeds` are their parts in it."""
    _check(group, {"tau": numbers["tau_ms"], **taus_ms}, numbers)
    currents = tuple(rates)
    group.values = {"dt": group.dt, "tau": numbers["tau_ms"] * 1e-3, "drive": numbers["drive"],
                    "v_th": numbers["v_th"], "v_reset": numbers["v_reset"]}  # fmt: skip
    group.values |= {name: value * 1e-3 for name, value in taus_ms.items()}
    factors = factors | {"driven": _DRIVEN, "leak": _LEAKY}
    group.values |= {name: float(evaluate(text, group.values, group.name)) for name, text in factors.items()}
    group.state = {"v": repeated(numbers["v_start"], group.size)} | {name: np.zeros(group.size) for name in currents}
    moved = f"driven + ((({feeds[0]}) + ({feeds[1]})) + (leak * v))"
    right = f"(drive + {' + '.join(name for name in currents if name.startswith('i_'))} - v)"
    names = ["dt", *factors]
    if np.any(numbers["refractory_ms"]):
        group.rest_for(numbers["refractory_ms"])
        group.values["refractory_ticks"] = ticks(group.values["refractory_s"], group.dt)
        each = ["not_refractory = timestep(t - lastspike, dt) >= refractory_ticks", *each]
        moved, names = f"where(not_refractory, {moved}, 0.0 + v)", [*names, "refractory_ticks"]
    held = group.refractory
    group.equations = "\n".join([f"dv/dt = {right}/tau : 1{' (unless refractory)' if held else ''}",
                                 *(f"d{name}/dt = {rate} : 1" for name, rate in rates.items())])  # fmt: skip
    group.rates = rates | {"v": f"{right}*int(not_refractory)/tau" if held else f"{right}/tau"}
    group.rate_names = ("drive", "tau", *taus_ms)
    each = [*each, f"_v := {moved}", *(f"{name} = _{name}" for name in (*currents, "v"))]
    group.add("groups", "_stateupdater", "update", each, names)
    group.add_threshold(">=")
    group.add("resets", "_spike_resetter", "reset", ["v = v_reset"], ["v_reset"])


def _check(group, taus_ms, numbers):
    """One value for a population, and no synaptic time constant that is the membrane's, where the propagator is 0/0."""
    for name, value in {**taus_ms, "drive": numbers["drive"], "refractory": numbers["refractory_ms"]}.items():
        if np.ndim(value):
            raise ConfigError(f"neurons: population '{group.name}' ({group.model}) has several values of {name}; give "
                              "each a population of its own")  # fmt: skip
        if name.startswith("tau_") and value == taus_ms["tau"]:
            raise ConfigError(f"neurons: row {group.start} has {name}_ms {value:g}, as tau_ms; they must differ")
