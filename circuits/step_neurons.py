"""Neurons that take whole steps, as spiking networks are trained: one step per tick, or one per spike of a clock."""

import numpy as np

from circuits.arguments import checked, numbers
from circuits.errors import require
from circuits.neurons import NeuronModel

__all__ = ["ClockedLIF", "ClockedSoftLIF", "StepLIF"]


@checked(tau=numbers)
def StepLIF(tau=2.0, v_th=1.0, v_reset=0.0):
    """Leaky integrate-and-fire in whole steps, as spiking networks are trained: one step per tick.

    What arrived in the tick before is one drive: h = v + (drive - (v - v_reset))/tau; at h >= v_th a spike, and
    v = v_reset; otherwise v = h. This is SpikingJelly's LIFNode with `decay_input` and hard reset (Fang et al.,
    Sci. Adv. 9 (2023) eadi1480); tau counts steps. What arrives in the tick of a spike is kept for the next.
    """
    return _stepped("step_lif", "v = v + (drive - (v - v_reset))/tau\ndrive = 0", tau, v_th, v_reset, {})


@checked(tau=numbers)
def ClockedLIF(tau=2.0, v_th=1.0, v_reset=0.0):
    """`StepLIF` whose step lasts until its clock spikes: between clock spikes it only sums its input.

    A spike at receptor "clock" (weight 1) makes the next tick the step, and all that arrived since the last one its
    drive.
    """
    step = "v = v + clock*((drive - (v - v_reset))/tau)\ndrive = (1 - clock)*drive\nclock = 0"
    return _stepped("clocked_lif", step, tau, v_th, v_reset, {"clock": "clock"})


@checked(leak=numbers)
def ClockedSoftLIF(leak=0.9, v_th=1.0):
    """Clocked like `ClockedLIF`, but the drive is added whole, the reset subtracts, and the leak comes last.

    At a step v = leak*v + drive; at v >= v_th one spike, whatever is left, and v = v - v_th. (The potential is kept as
    it is before the leak, which the next step applies.)
    """
    require(((np.asarray(leak) >= 0) & (np.asarray(leak) <= 1)).all(), f"ClockedSoftLIF: leak is {leak}; give 0 to 1")
    require((np.asarray(v_th) > 0).all(), f"ClockedSoftLIF: v_th is {v_th}; it must be positive")
    step = "v = (1 - clock)*v + clock*(leak*v + drive)\ndrive = (1 - clock)*drive\nstepping = clock\nclock = 0"
    return NeuronModel(
        kind="clocked_soft_lif",
        equations="v : 1\ndrive : 1\nclock : 1\nstepping : 1",
        threshold="stepping*v >= v_th",
        reset="v -= v_th",
        state=dict.fromkeys(("v", "drive", "clock", "stepping"), 0.0),
        parameters={"leak": ("1", leak), "v_th": ("1", v_th)},
        receptors={"drive": "drive", "clock": "clock"},
        each_tick=(step, "groups"),
    )


def _stepped(kind, step, tau, v_th, v_reset, more):
    require((np.asarray(tau) >= 1).all(), f"{kind}: tau is {tau}; it must be at least 1 step")
    require((np.asarray(v_th) > v_reset).all(), f"{kind}: v_th is {v_th}; it must lie above v_reset, {v_reset}")
    receptors = {"drive": "drive"} | more
    return NeuronModel(
        kind=kind,
        equations="\n".join(f"{name} : 1" for name in ("v", *receptors)),
        threshold="v >= v_th",
        reset="v = v_reset",
        state={"v": v_reset} | dict.fromkeys(receptors, 0.0),
        parameters={"tau": ("1", tau), "v_th": ("1", v_th), "v_reset": ("1", v_reset)},
        receptors=receptors,
        each_tick=(step, "groups"),
    )
