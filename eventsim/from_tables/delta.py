"""Neurons whose potential jumps with each synaptic event: spike sources, leaky and perfect integrators, gates."""

import numpy as np

from eventsim.from_tables.group import repeated, ticks

__all__ = ["gate", "integrate", "lif", "source"]


def source(group, numbers):
    group.add("thresholds", "", "emit", ())


def lif(group, numbers):
    tau, drive, rest = (numbers[name] for name in ("tau_ms", "drive", "refractory_ms"))
    driven, group.refractory = bool(np.any(drive)), bool(np.any(rest))
    group.values = {"dt": group.dt, "tau": tau * 1e-3, "v_th": numbers["v_th"], "v_reset": numbers["v_reset"]}
    if driven:
        group.values["drive"] = drive
    held = " (unless refractory)" if group.refractory else ""
    right = "(drive - v)/tau" if driven else "-v/tau"
    group.equations = f"dv/dt = {right} : 1{held}"
    group.rates = {"v": right.replace("/tau", "*int(not_refractory)/tau") if group.refractory else right}
    group.rate_names = ("drive", "tau") if driven else ("tau",)
    group.state = {"v": repeated(numbers["v_start"], group.size)}
    if group.refractory:
        group.rest_for(rest)
        if np.ndim(tau) or np.ndim(drive) or np.ndim(rest):
            group.values["refractory_ticks"] = ticks(rest * 1e-3, group.dt)
    each, names = (_uniform_leak if np.ndim(tau) == np.ndim(drive) == 0 else _leak_by_neuron)(group, driven)
    if group.refractory and "refractory_ticks" in group.values:
        each = ["not_refractory = timestep(t - lastspike, dt) >= refractory_ticks", *each]
        names.append("refractory_ticks")
    group.add("groups", "_stateupdater", "update", each, names)
    group.add_threshold(">=")
    group.add("resets", "_spike_resetter", "reset", ["v = v_reset"], ["v_reset"])


def _uniform_leak(group, driven):
    """As Brian2 writes it where the numbers are constants: all that does not change is evaluated beforehand."""
    values, dt = group.values, group.dt
    exponent = (-dt) / values["tau"]
    decay = float(np.exp(exponent))
    held = group.refractory and "refractory_ticks" not in values
    invariants = [ticks(values["refractory_s"], dt), exponent] if held else []
    if driven:
        gain = values["drive"] - values["drive"] * decay
        invariants += ([0.0] if held else []) + [gain, decay]
    else:
        invariants.append(decay)
    names = [f"_lio_{k}" for k in range(1, len(invariants) + 1)]
    values.update(zip(names, invariants))
    leak = f"{names[-2]} + ({names[-1]} * v)" if driven else f"{names[-1]} * v"
    each = [f"_v := {leak}", "v = _v"]
    if held:
        still = "_lio_3 + v" if driven else "v"
        each = ["not_refractory = timestep(t - lastspike, dt) >= _lio_1",
                f"_v := where(not_refractory, {leak}, {still})", "v = _v"]  # fmt: skip
    return each, ["dt", "tau", *(["drive"] if driven else []), *names]


def _leak_by_neuron(group, driven):
    """As Brian2 evaluates it where a number is a neuron's own; what it finds anew in each tick is kept in tables."""
    values, dt = group.values, group.dt
    values["decay"] = np.exp((-dt) / values["tau"])
    each = ["_v := v * decay", "v = _v"]
    if driven:
        values["loss"] = values["drive"] * values["decay"]
        each[0] = "_v := (drive + (v * decay)) - loss"
    names = [name for name in ("dt", "drive", "decay", "loss") if name in values]
    return each, names


def integrate(group, numbers):
    drive = numbers["drive"]
    group.values = {"tick": group.dt, "dt": group.dt, "v_th": numbers["v_th"], "drive": drive}
    group.state = {"v": repeated(numbers["v_start"], group.size)}
    group.equations = "v : 1"
    if np.any(drive):
        group.equations, group.rates = "dv/dt = drive/tick : 1", {"v": "drive/tick"}
        group.rate_names = ("tick", "drive")
        shared = np.ndim(drive) == 0
        group.values["_lio_1"] = drive * group.dt / group.dt if shared else 1.0
        each = ["_v := _lio_1 + v" if shared else "_v := (_lio_1 * drive) + v", "v = _v"]
        group.add("groups", "_stateupdater", "update", each, ["tick", "dt", "drive", "_lio_1"])
    group.add_threshold(">=")
    group.add("resets", "_spike_resetter", "reset", ["v -= v_th"], ["v_th"])


def gate(group, numbers):
    group.values, group.state, group.equations = {"v_th": numbers["v_th"]}, {"v": np.zeros(group.size)}, "v : 1"
    group.add_threshold(">")
    group.add("before_synapses", "_each_tick", "update", ["v = 0"])
