"""Neurons that fire once per query, numbers being the times of single spikes: worth base^-t at tick t."""

from circuits.arguments import checked
from circuits.errors import require
from circuits.neurons import NeuronModel

__all__ = ["GrowingRamp", "Once", "RatioRace"]

#: A potential from which no neuron comes back.
_SPENT = -1e15


@checked()
def Once(v_th=0.5):
    """Fires at the first input that brings v to threshold, and never again."""
    return NeuronModel(
        kind="once",
        equations="v : 1",
        threshold="v > v_th",
        reset=f"v = {_SPENT}",
        state={"v": 0.0},
        parameters={"v_th": ("1", v_th)},
        receptors={"v": "v"},
    )


@checked()
def GrowingRamp(base, slope_per_tick, v_th):
    """Adds spikes at their worth, then rises steadily to threshold and fires once.

    Per tick v = base*v while it grows (`grow` is 1 at the start; weight -1 ends it), and v += slope_per_tick once it
    ramps (`ramp`, weight 1 begins it). Of spikes worth base^-t the earlier grow longer: what v holds is their sum.
    """
    require(base > 1, f"GrowingRamp: base is {base}; it must be above 1")
    return NeuronModel(
        kind="growing_ramp",
        equations="v : 1\ngrow : 1\nramp : 1",
        threshold="v >= v_th",
        reset=f"v = {_SPENT}",
        state={"v": 0.0, "grow": 1.0, "ramp": 0.0},
        parameters={"growth": ("1", base - 1), "slope": ("1", slope_per_tick), "v_th": ("1", v_th)},
        receptors={"v": "v", "grow": "grow", "ramp": "ramp"},
        each_tick=("v = v + growth*grow*v + slope*ramp", "groups"),
    )


@checked()
def RatioRace(base):
    """Fires once, so late as the ratio of two sums is small: division by timing.

    Numerator and denominator grow by base per tick, the denominator until the neuron is armed (receptor "arm", weight
    1). Armed, it fires in the first tick in which numerator >= denominator.
    """
    require(base > 1, f"RatioRace: base is {base}; it must be above 1")
    return NeuronModel(
        kind="ratio_race",
        equations="numerator : 1\ndenominator : 1\narmed : 1",
        threshold="armed > 0.5 and numerator >= denominator",
        reset=f"numerator = {_SPENT}",
        state={"numerator": 0.0, "denominator": 0.0, "armed": 0.0},
        parameters={"growth": ("1", base - 1)},
        receptors={"numerator": "numerator", "denominator": "denominator", "arm": "armed"},
        each_tick=(
            "numerator = numerator + growth*numerator\ndenominator = denominator + growth*(1 - armed)*denominator",
            "groups",
        ),
    )
