"""NIR's neurons in steps, as neuron models of a circuit.

Over a step of length h, with a = 1 - h/tau ("euler") or exp(-h/tau) ("exact"), and x what arrives in the step:

    LIF, LI            v = a v + (1 - a) (v_leak + r x)
    CubaLIF, CubaLI    i = a_syn i + (1 - a_syn) w_in x;  v = a v + (1 - a) (v_leak + r i)
    IF, I              v = v + h r x
    Threshold          v = x

then LIF, CubaLIF and IF fire at v > v_threshold, and v = v_reset; Threshold fires at x > threshold; LI, CubaLI and I
never fire: their v is read. NIR leaves the order of i and v open; here, as in snnTorch, v follows the new i.
"""

import numpy as np

from circuits.errors import require
from circuits.neurons import NeuronModel

__all__ = ["FIRING", "READ", "SIZED", "affine_cell", "cell_of"]

#: NIR's neurons that fire, and those of which the potential is read.
FIRING, READ = ("LIF", "CubaLIF", "IF", "Threshold"), ("LI", "CubaLI", "I")

#: The parameter that has a cell's shape.
SIZED = {"LIF": "v_threshold", "CubaLIF": "v_threshold", "IF": "v_threshold", "Threshold": "threshold", "LI": "r",
         "CubaLI": "r", "I": "r"}  # fmt: skip


def cell_of(node, name, kind, bias, step, method, wait, period):
    """The model of a NIR node.

    Parameters
    ----------
    node : nir.NIRNode
    name, kind : str
    bias : (n,) float64
        What arrives in every step besides spikes.
    step : float
    method : str
        "euler" or "exact".
    wait, period : int
        Ticks before its first step, and from one step to the next.
    """
    n = bias.size

    def number(field):
        values = np.ravel(np.asarray(getattr(node, field), dtype=np.float64))
        require(np.isfinite(values).all(), f"node '{name}': {field} must be finite")
        return np.broadcast_to(values, n)

    def gain(field):
        tau = number(field)
        least = step if method == "euler" else 0.0
        require((tau >= least).all() and (tau > 0).all(), f"node '{name}': {field} is {tau.min():g}; it must be "
                f"at least one step, {step:g}, or take a smaller step= or integration='exact'")  # fmt: skip
        return step / tau if method == "euler" else -np.expm1(-step / tau)

    synaptic = None
    if kind in ("IF", "I"):
        keep, feed, rest = np.ones(n), step * number("r"), np.zeros(n)
    elif kind == "Threshold":
        keep, feed, rest = np.zeros(n), np.ones(n), np.zeros(n)
    else:
        g = gain("tau" if kind in ("LIF", "LI") else "tau_mem")
        keep, feed, rest = 1.0 - g, g * number("r"), g * number("v_leak")
    if kind.startswith("Cuba"):
        g = gain("tau_syn")
        synaptic = (1.0 - g, g * number("w_in"))
    limits = None
    if kind in FIRING:
        limits = (number(SIZED[kind]), np.zeros(n) if kind == "Threshold" else number("v_reset"))
    return affine_cell(keep, feed, rest, limits, synaptic, bias, wait=wait, period=period, name=name)


def affine_cell(keep, feed, rest, limits, synaptic=None, bias=0.0, *, wait=1, period=1, name="cell"):
    """A neuron that steps as in the table above: v = keep v + feed x + rest, x being its drive and `bias`.

    Parameters
    ----------
    keep, feed, rest : (n,) float64
    limits : (threshold, reset), each (n,), or None
        None for a neuron that never fires.
    synaptic : (keep, feed), each (n,), optional
        Of a current between the drive and v.
    bias : (n,) float64
    wait, period : int
        Its first step is in tick `wait`; the next `period` ticks later.
    name : str
        For messages.

    Returns
    -------
    NeuronModel
        Its receptor is "drive", what arrives for the next step.
    """
    if limits is not None:
        threshold, reset = limits
        require((threshold >= 0).all() and (reset <= threshold).all(),
                f"node '{name}': a threshold is below 0 or below the reset; neurons start at 0 and would fire of "
                "themselves, which has no circuit")  # fmt: skip
    values = {"keep": keep, "feed": feed, "rest": rest, "bias": np.broadcast_to(bias, np.shape(keep))}
    state = {"v": 0.0, "drive": 0.0}
    arrives = "(drive + bias)" if np.any(bias) else "drive"
    moved = [f"v = keep*v + feed*{arrives} + rest", "drive = 0"]
    if synaptic is not None:
        values |= {"keep_i": synaptic[0], "feed_i": synaptic[1]}
        state["i_syn"] = 0.0
        moved = [f"i_syn = keep_i*i_syn + feed_i*{arrives}", "v = keep*v + feed*i_syn + rest", "drive = 0"]
    if not np.any(bias):
        del values["bias"]
    if not np.any(rest):
        del values["rest"]
        moved = [line.removesuffix(" + rest") for line in moved]
    if np.any(rest) or np.any(bias) or period > 1:  # else nothing moves before the first spike arrives
        state["wait"] = float(wait)
        values["period"] = float(period)
        moved = [_when_its_turn(line) for line in moved] + ["wait = wait - 1 + period*int(wait < 0.5)"]
    firing = {} if limits is None else {"threshold": "v > v_th", "reset": "v = v_reset"}
    if limits is not None:
        values |= {"v_th": threshold, "v_reset": reset}
    kind = ("nir_cuba" if synaptic is not None else "nir_cell") + ("" if limits is not None else "_read")
    return NeuronModel(
        kind=kind,
        equations="\n".join(f"{variable} : 1" for variable in state),
        state=state,
        parameters={what: ("1", value) for what, value in values.items()},
        receptors={"drive": "drive"},
        each_tick=("\n".join(moved), "groups"),
        **firing,
    )


def _when_its_turn(line):
    """An assignment that takes place in the cell's own ticks only."""
    variable, value = line.split(" = ", 1)
    return f"{variable} = int(wait < 0.5)*({value}) + int(wait >= 0.5)*{variable}"
