"""Neuron models a circuit is made of: differential equation, threshold and reset, as Brian2 writes them.

A model is a plain value. Its numbers may be scalars or arrays of the population's shape. Time in equations
is in Brian2's units; `tick` is the circuit's time step.
"""

from dataclasses import dataclass, field

import numpy as np

from circuits.arguments import checked, number, of
from circuits.errors import require

__all__ = [
    "ArmedLIF", "Escape", "ExponentialIntegrator", "Gate", "HeldGate", "IntegrateFire", "LIF", "NeuronModel", "Ramp",
    "RampSum", "Source", "Veto",
]  # fmt: skip


@checked(kind=of(str), equations=of(str), threshold=of(str), reset=of(str), state=of(dict), parameters=of(dict),
         receptors=of(dict))  # fmt: skip
@dataclass(frozen=True, eq=False)
class NeuronModel:
    """Equations and numbers of one kind of neuron.

    Parameters
    ----------
    kind : str
        Short name; it becomes the name of the Brian2 group.
    equations : str
        Differential equations of the state variables, in Brian2's syntax; empty for a spike source.
    threshold, reset : str
    state : mapping of str to float or array
        Start value of each state variable. A reset synapse writes these values back.
    parameters : mapping of str to (unit, float or array)
        Constants and the Brian2 unit they are declared with.
    receptors : mapping of str to str
        What a synapse can add its weight to: receptor name -> state variable. The first is the default.
    each_tick : (str, str), optional
        Code of a `run_regularly` and the schedule slot it runs in.
    noise : bool
        The threshold draws a keyed random number.
    method : str
        Brian2's integrator: exact where it can, Euler for a constant slope, which it adds up exactly, and for the
        exponential drive, whose Euler steps keep the ratios exact.
    refractory : str
        The parameter that is the refractory period; empty for none.
    """

    kind: str
    equations: str = ""
    threshold: str = ""
    reset: str = ""
    state: dict = field(default_factory=dict)
    parameters: dict = field(default_factory=dict)
    receptors: dict = field(default_factory=dict)
    each_tick: tuple[str, str] | None = None
    noise: bool = False
    method: str = "exact"
    refractory: str = ""

    @property
    def signature(self):
        """What two models must share to live in one Brian2 group."""
        return (self.kind, self.equations, self.threshold, self.reset, tuple(self.state), tuple(self.parameters),
                tuple(self.receptors.items()), self.each_tick, self.refractory)  # fmt: skip


def Source():
    """A neuron that fires when the stimulus says so."""
    return NeuronModel("source")


@checked()
def LIF(tau_ms=20.0, v_th=1.0, v_reset=0.0, *, strict=False, v_start=0.0, drive=None):
    """Leaky integrate-and-fire with delta synapses: dv/dt = -v/tau; at v >= v_th a spike, and v = v_reset.

    Between ticks the leak is exact: v(t + dt) = v(t) exp(-dt/tau). A synapse adds its weight to v, at once,
    after the threshold test of its tick. `strict` fires at v > v_th instead. A constant `drive`, if there is
    one, is where v tends: dv/dt = (drive - v)/tau.
    """
    require((np.asarray(tau_ms) > 0).all(), f"LIF: tau_ms is {tau_ms}; it must be positive")
    driven = {} if drive is None else {"drive": ("1", drive)}
    return NeuronModel(
        kind="driven_lif" if driven else "lif",
        equations=f"dv/dt = {'(drive - v)' if driven else '-v'}/tau : 1",
        threshold=f"v {'>' if strict else '>='} v_th",
        reset="v = v_reset",
        state={"v": v_start},
        parameters={"tau": ("second", np.asarray(tau_ms) / 1e3), "v_th": ("1", v_th), "v_reset": ("1", v_reset)}
        | driven,
        receptors={"v": "v"},
    )


@checked()
def IntegrateFire(v_th=1.0, v_start=0.0):
    """Integrate-and-fire without leak, subtractive reset: at v >= v_th a spike, and v -= v_th.

    Fires at most once per tick and keeps the rest, so that the number of spikes is floor(input / v_th) in
    the end, whatever arrives together: with v_th = 1 and unit weights it hands on every spike it receives,
    simultaneous ones in successive ticks.
    """
    return NeuronModel(
        kind="integrate",
        equations="v : 1",
        threshold="v >= v_th",
        reset="v -= v_th",
        state={"v": v_start},
        parameters={"v_th": ("1", v_th)},
        receptors={"v": "v"},
    )


@checked()
def Gate(v_th=0.5, v_start=0.0):
    """A memoryless gate: fires at v > v_th on the sum of what arrived in the tick before, then forgets it.

    v_th = 0.5 with unit weights is OR, 1.5 with two inputs is AND. With v_start above v_th it fires once at
    the start, of its own.
    """
    return NeuronModel(
        kind="gate",
        equations="v : 1",
        threshold="v > v_th",
        state={"v": v_start},
        parameters={"v_th": ("1", v_th)},
        receptors={"v": "v"},
        each_tick=("v = 0", "before_synapses"),
    )


def HeldGate():
    """An AND with memory: fires in each tick in which it is called, if something is held.

    It forgets a call (receptor "call", weight 1) at once and what is held (receptor "hold", weight 1) when the start
    values are written back.
    """
    return NeuronModel(
        kind="held_gate",
        equations="v : 1\nheld : 1",
        threshold="v + held > 1.5",
        state={"v": 0.0, "held": 0.0},
        receptors={"call": "v", "hold": "held"},
        each_tick=("v = 0", "before_synapses"),
    )


@checked()
def Ramp(slope_per_tick, v_start):
    """A ramp that fires once: dv = slope_per_tick per tick; at v > 0 a spike, and v falls too low to rise again.

    From v_start = -x it fires after x/slope_per_tick ticks (the next whole one on the grid): time to first
    spike, linear in x.
    """
    require((np.asarray(slope_per_tick) > 0).all(), f"Ramp: slope_per_tick is {slope_per_tick}; it must be positive")
    return NeuronModel(
        kind="ramp",
        equations="dv/dt = slope/tick : 1",
        threshold="v > 0",
        reset="v = -1e15",
        state={"v": v_start},
        parameters={"slope": ("1", slope_per_tick)},
        receptors={"v": "v"},
        method="euler",
    )


@checked()
def Veto(chance, held_start=0.0, seed=0):
    """A gate of uniform noise: when called (receptor "call"), it fires with probability `chance`, unless held.

    It forgets a call, but not what arrived at receptor "hold": an input of weight -1 there silences it until
    the start values are written back. Fires at v + held > 1/2 and a keyed uniform number below `chance`.
    """
    inside = ((np.asarray(chance) >= 0) & (np.asarray(chance) <= 1)).all()
    require(inside, f"Veto: chance is {chance}; it must lie in 0 to 1")
    return NeuronModel(
        kind="veto",
        equations="v : 1\nheld : 1",
        threshold=f"v + held > 0.5 and {_UNIFORM} < chance",
        state={"v": 0.0, "held": held_start},
        parameters={"chance": ("1", chance)} | _noise("Veto", seed),
        receptors={"call": "v", "hold": "held"},
        each_tick=("v = 0", "before_synapses"),
        noise=True,
    )


#: The keyed random number of a neuron in a tick.
_UNIFORM = "keyed_uniform(key_lo, key_hi, t_in_timesteps, purpose, seed)"


def _noise(name, seed):
    """The parameters that `_UNIFORM` reads."""
    require(0 <= seed < 2**31, f"{name}: seed is {seed}; it must lie in 0 to 2147483647")
    return {"seed": ("integer", int(seed)), "purpose": ("integer", 0)}


def _log_unit(drift, u_start, leak_ticks):
    """What the two softmax neurons share: u, the log of their drive, integrates a current and a drift.

    Receptors: "u" and "current" for logits, "inhibition" for what the drift makes up for. With `leak_ticks` the
    inhibition has a variable of its own, h, that leaks: dh = drift - h/leak_ticks per tick, the log-drive is u + h.
    """
    if leak_ticks is None:
        return "u", {
            "equations": "du/dt = (current + drift)/tick : 1\ncurrent : 1",
            "state": {"u": u_start, "current": 0.0},
            "parameters": {"drift": ("1", drift)},
            "receptors": {"u": "u", "current": "current", "inhibition": "u"},
            "method": "euler",
        }
    require(leak_ticks > 0, f"leak_ticks is {leak_ticks}; it must be positive, or None for no leak")
    return "(u + h)", {
        "equations": "du/dt = current/tick : 1\ncurrent : 1\ndh/dt = (drift - h/leak_ticks)/tick : 1",
        "state": {"u": u_start, "current": 0.0, "h": 0.0},
        "parameters": {"drift": ("1", drift), "leak_ticks": ("1", float(leak_ticks))},
        "receptors": {"u": "u", "current": "current", "inhibition": "h"},
        "method": "euler",
    }


@checked()
def Escape(rate_per_tick, drift, u_start=0.0, seed=0, *, leak_ticks=None):
    """Escape-rate neuron: in each tick it fires with probability o/(1 + o), o = rate_per_tick * exp(u).

    u integrates: du = current + drift per tick; synapses add to u (receptors "u" and "inhibition") or to its
    current (receptor "current"). There is no reset. Given that exactly one of several neurons fires in a tick, it is
    neuron i with probability o_i / sum o, at any rate_per_tick: the odds, not the probabilities, are
    exponential. (Nessler et al., PLoS Comput. Biol. 9 (2013) e1003037, have the continuous-time form.)

    Parameters
    ----------
    rate_per_tick : float
        Odds of a spike at u = 0.
    drift : float
        Rise of u per tick.
    u_start : float or array
    seed : int
        Seed of the keyed noise, below 2**31.
    leak_ticks : float, optional
        The inhibition, kept apart from u, leaks with this time constant.
    """
    require(rate_per_tick > 0, f"Escape: rate_per_tick is {rate_per_tick}; it must be positive")
    log_drive, shared = _log_unit(drift, u_start, leak_ticks)
    shared["parameters"] |= {"log_odds": ("1", float(np.log(rate_per_tick)))} | _noise("Escape", seed)
    return NeuronModel(
        kind="escape",
        threshold=f"{_UNIFORM} < 1/(1 + exp(-({log_drive} + log_odds)))",
        noise=True,
        **shared,
    )


@checked()
def ExponentialIntegrator(rate_per_tick, drift, u_start=0.0, v_start=0.5, *, leak_ticks=None, v_leak_per_tick=None,
                          keeps_overshoot=True):  # fmt: skip
    """Integrate-and-fire with exponential drive: dv = rate_per_tick * exp(u) per tick, subtractive reset at 1.

    u as in `Escape`. Several neurons with the same u - z_i fire in the ratio exp(z_i), each within one spike
    of it; v_start = 1/2 makes that rounding to nearest.

    Parameters
    ----------
    rate_per_tick, drift, u_start, leak_ticks
        As in `Escape`.
    v_start : float or array
    v_leak_per_tick : float, optional
        The membrane leaks: dv = rate_per_tick * exp(u) - v_leak_per_tick * v.
    keeps_overshoot : bool
        Without it the reset is hard, v = 0, and what exceeds the threshold is lost.
    """
    require(rate_per_tick > 0, f"ExponentialIntegrator: rate_per_tick is {rate_per_tick}; it must be positive")
    log_drive, shared = _log_unit(drift, u_start, leak_ticks)
    leak = "" if v_leak_per_tick is None else " - v_leak*v"
    shared["equations"] = f"dv/dt = (rate*exp({log_drive}){leak})/tick : 1\n" + shared["equations"]
    shared["state"] = {"v": v_start} | shared["state"]
    shared["parameters"] |= {"rate": ("1", rate_per_tick)}
    if v_leak_per_tick is not None:
        shared["parameters"] |= {"v_leak": ("1", v_leak_per_tick)}
    reset = "v -= 1" if keeps_overshoot else "v = 0"
    return NeuronModel(kind="exponential", threshold="v >= 1", reset=reset, **shared)


@checked(v_th=number)
def RampSum(v_th):
    """A sum of ramps: dv = current per tick; at v >= v_th a spike, and v = current = 0.

    Two unit inputs to its current, at t_1 and t_2, have it fire at (v_th + t_1 + t_2)/2, rounded up: the mean of two
    times. One alone has it fire at t_1 + v_th.
    """
    return NeuronModel(
        kind="ramp_sum",
        equations="dv/dt = current/tick : 1\ncurrent : 1",
        threshold="v >= v_th",
        reset="v = 0\ncurrent = 0",
        state={"v": 0.0, "current": 0.0},
        parameters={"v_th": ("1", float(v_th))},
        receptors={"current": "current", "v": "v"},
        method="euler",
    )


@checked(ramp=number)
def ArmedLIF(tau_ticks, v_th, *, ramp=None):
    """A leaky neuron that may fire once, after a unit input to its receptor "armed".

    Until then v = v exp(-1/tau_ticks) per tick, whatever v is. Armed, it goes on to leak, or, if `ramp` is given, rises
    by `ramp` per tick without leak; at v >= v_th a spike, which disarms it.
    """
    require(tau_ticks > 0, f"ArmedLIF: tau_ticks is {tau_ticks}; it must be positive")
    decay = float(np.exp(-1 / tau_ticks))
    return NeuronModel(
        kind="armed_lif",
        equations="v : 1\narmed : 1",
        threshold="v >= v_th and armed > 0.5",
        reset="armed = 0",
        state={"v": 0.0, "armed": 0.0},
        parameters={"v_th": ("1", v_th), "decay": ("1", decay), "armed_decay": ("1", decay if ramp is None else 1.0),
                    "ramp": ("1", ramp or 0.0)},
        receptors={"v": "v", "armed": "armed"},
        each_tick=("v = (1 - armed)*decay*v + armed*(armed_decay*v + ramp)", "groups"),
    )  # fmt: skip
