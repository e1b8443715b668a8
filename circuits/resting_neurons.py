"""Leaky neurons that rest after a spike, fed by jumps, by exponential currents or by alpha currents.

In each of them

    dv/dt = (drive + inputs - v)/tau,   held at v_reset from a spike on until refractory_ms have passed;

at v >= v_th a spike. The period begins in the tick of the spike, as Brian2's does: one of a single tick holds nothing.
Inputs are in the units of v. Between ticks Brian2's exact propagators move the state.
"""

import numpy as np

from circuits.arguments import checked
from circuits.errors import require
from circuits.neurons import NeuronModel

__all__ = ["LIFAlpha", "LIFExp", "RestingLIF"]

#: The propagators divide by tau - tau_syn, that of the alpha current by its square: nearer than this, 1e-9 of v and
#: more would be lost to cancellation at 200 ticks per tau.
_APART = 0.01


@checked()
def RestingLIF(tau_ms=20.0, v_th=1.0, v_reset=0.0, *, refractory_ms, v_start=0.0, drive=0.0):
    """`LIF` with a refractory period, in which what arrives is lost."""
    return _resting("resting_lif", {"tau": tau_ms}, (), {}, {"v": "v"}, v_th, v_reset, refractory_ms, v_start, drive)


@checked()
def LIFExp(tau_ms=20.0, tau_exc_ms=5.0, tau_inh_ms=5.0, v_th=1.0, v_reset=0.0, *, refractory_ms=0.0, v_start=0.0,
           drive=0.0):  # fmt: skip
    """Two exponential currents: inputs = i_exc + i_inh, di_exc/dt = -i_exc/tau_exc, di_inh/dt = -i_inh/tau_inh.

    A synapse adds its weight to the current of its receptor, "exc" or "inh", whichever its sign; the currents go on
    while the neuron rests.
    """
    return _resting(
        "lif_exp", {"tau": tau_ms, "tau_exc": tau_exc_ms, "tau_inh": tau_inh_ms}, ("i_exc", "i_inh"),
        {"i_exc": "-i_exc/tau_exc", "i_inh": "-i_inh/tau_inh"}, {"exc": "i_exc", "inh": "i_inh"},
        v_th, v_reset, refractory_ms, v_start, drive,
    )  # fmt: skip


@checked()
def LIFAlpha(tau_ms=20.0, tau_syn_ms=0.5, v_th=1.0, v_reset=0.0, *, tau_inh_ms=None, refractory_ms=0.0, v_start=0.0,
             drive=0.0):  # fmt: skip
    """Alpha currents: inputs = i_exc, di_exc/dt = (j_exc - i_exc)/tau_exc, dj_exc/dt = -j_exc/tau_exc.

    A synapse adds its weight to j_exc; the current peaks at weight/e after tau_exc = tau_syn_ms. With `tau_inh_ms`
    there is a second one, i_inh, for the receptor "inh"; without it both receptors, "exc" and "inh", are the first.
    """
    ends = ("exc",) if tau_inh_ms is None else ("exc", "inh")
    rates = {name: rate for end in ends for name, rate in
             ((f"i_{end}", f"(j_{end} - i_{end})/tau_{end}"), (f"j_{end}", f"-j_{end}/tau_{end}"))}  # fmt: skip
    taus = {"tau": tau_ms, "tau_exc": tau_syn_ms} | ({} if tau_inh_ms is None else {"tau_inh": tau_inh_ms})
    return _resting("lif_alpha", taus, tuple(f"i_{end}" for end in ends), rates,
                    {"exc": "j_exc", "inh": f"j_{ends[-1]}"}, v_th, v_reset, refractory_ms, v_start, drive)  # fmt: skip


def _resting(kind, taus_ms, inputs, rates, receptors, v_th, v_reset, refractory_ms, v_start, drive):
    """The potential, once the currents are described: `rates` of all, of which v sums `inputs`."""
    tau = np.asarray(taus_ms["tau"], dtype=float)
    for name, value in taus_ms.items():
        require((np.asarray(value) > 0).all(), f"{kind}: {name}_ms is {value}; it must be positive")
        apart = name == "tau" or (np.abs(np.asarray(value) / tau - 1) >= _APART).all()
        require(apart, f"{kind}: {name}_ms {value} is too near tau_ms {taus_ms['tau']}: the exact propagator divides "
                f"by their difference; let them differ by {_APART:.0%}")  # fmt: skip
    require((np.asarray(refractory_ms) >= 0).all(), f"{kind}: refractory_ms is {refractory_ms}; it must be 0 or more")
    equations = [f"dv/dt = ({' + '.join(('drive', *inputs))} - v)/tau : 1 (unless refractory)"]
    return NeuronModel(
        kind=kind,
        equations="\n".join(equations + [f"d{name}/dt = {rate} : 1" for name, rate in rates.items()]),
        threshold="v >= v_th",
        reset="v = v_reset",
        state={"v": v_start} | dict.fromkeys(rates, 0.0),
        parameters={name: ("second", np.asarray(value) / 1e3) for name, value in taus_ms.items()}
        | {"rest": ("second", np.asarray(refractory_ms) / 1e3)}
        | {"v_th": ("1", v_th), "v_reset": ("1", v_reset), "drive": ("1", drive)},
        receptors=receptors,
        refractory="rest",
    )
