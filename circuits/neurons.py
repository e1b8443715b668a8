"""Neuron models a circuit is made of: differential equation, threshold and reset, as Brian2 writes them.

A model is a plain value. Its numbers may be scalars or arrays of the population's shape. Time in equations
is in Brian2's units; `tick` is the circuit's time step.
"""

from dataclasses import dataclass, field

import numpy as np

from circuits.errors import require

__all__ = ["Escape", "ExponentialIntegrator", "Gate", "IntegrateFire", "LIF", "NeuronModel", "Source"]


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

    @property
    def signature(self):
        """What two models must share to live in one Brian2 group."""
        return (self.kind, self.equations, self.threshold, self.reset, tuple(self.state), tuple(self.parameters),
                tuple(self.receptors.items()), self.each_tick)  # fmt: skip


def Source():
    """A neuron that fires when the stimulus says so."""
    return NeuronModel("source")


def LIF(tau_ms=20.0, v_th=1.0, v_reset=0.0, *, strict=False):
    """Leaky integrate-and-fire with delta synapses: dv/dt = -v/tau; at v >= v_th a spike, and v = v_reset.

    Between ticks the leak is exact: v(t + dt) = v(t) exp(-dt/tau). A synapse adds its weight to v, at once,
    after the threshold test of its tick. `strict` fires at v > v_th instead.
    """
    require((np.asarray(tau_ms) > 0).all(), f"LIF: tau_ms is {tau_ms}; it must be positive")
    return NeuronModel(
        kind="lif",
        equations="dv/dt = -v/tau : 1",
        threshold=f"v {'>' if strict else '>='} v_th",
        reset="v = v_reset",
        state={"v": 0.0},
        parameters={"tau": ("second", np.asarray(tau_ms) / 1e3), "v_th": ("1", v_th), "v_reset": ("1", v_reset)},
        receptors={"v": "v"},
    )


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


def Gate(v_th=0.5):
    """A memoryless gate: fires at v > v_th on the sum of what arrived in the tick before, then forgets it.

    v_th = 0.5 with unit weights is OR, 1.5 with two inputs is AND.
    """
    return NeuronModel(
        kind="gate",
        equations="v : 1",
        threshold="v > v_th",
        state={"v": 0.0},
        parameters={"v_th": ("1", v_th)},
        receptors={"v": "v"},
        each_tick=("v = 0", "before_synapses"),
    )


def _log_unit(drift, u_start):
    """What the two softmax neurons share: u, the log of their drive, integrates a current and a drift."""
    return {
        "equations": "du/dt = (current + drift)/tick : 1\ncurrent : 1",
        "state": {"u": u_start, "current": 0.0},
        "parameters": {"drift": ("1", drift)},
        "receptors": {"u": "u", "current": "current"},
    }


def Escape(rate_per_tick, drift, u_start=0.0, seed=0):
    """Escape-rate neuron: in each tick it fires with probability o/(1 + o), o = rate_per_tick * exp(u).

    u integrates: du = current + drift per tick; synapses add to u (receptor "u") or to its current
    (receptor "current"). There is no reset. Given that exactly one of several neurons fires in a tick, it is
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
    """
    require(rate_per_tick > 0, f"Escape: rate_per_tick is {rate_per_tick}; it must be positive")
    require(0 <= seed < 2**31, f"Escape: seed is {seed}; it must lie in 0 to 2147483647")
    shared = _log_unit(drift, u_start)
    shared["parameters"] |= {"log_odds": ("1", float(np.log(rate_per_tick))), "seed": ("integer", int(seed)),
                             "purpose": ("integer", 0)}  # fmt: skip
    return NeuronModel(
        kind="escape",
        threshold="keyed_uniform(key_lo, key_hi, t_in_timesteps, purpose, seed) < 1/(1 + exp(-(u + log_odds)))",
        noise=True,
        **shared,
    )


def ExponentialIntegrator(rate_per_tick, drift, u_start=0.0, v_start=0.5):
    """Integrate-and-fire with exponential drive: dv = rate_per_tick * exp(u) per tick, subtractive reset at 1.

    u as in `Escape`. Several neurons with the same u - z_i fire in the ratio exp(z_i), each within one spike
    of it; v_start = 1/2 makes that rounding to nearest.
    """
    require(rate_per_tick > 0, f"ExponentialIntegrator: rate_per_tick is {rate_per_tick}; it must be positive")
    shared = _log_unit(drift, u_start)
    shared["equations"] = "dv/dt = rate*exp(u)/tick : 1\n" + shared["equations"]
    shared["state"] = {"v": v_start} | shared["state"]
    shared["parameters"] |= {"rate": ("1", rate_per_tick)}
    return NeuronModel(kind="exponential", threshold="v >= 1", reset="v -= 1", **shared)
