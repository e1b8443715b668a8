"""compile_network refuses what it does not cover, by object and statement."""

import brian2
import numpy as np
import pytest
from brian2 import (
    Function,
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    SpikeGeneratorGroup,
    Synapses,
    TimedArray,
    linked_var,
    ms,
    us,
)  # fmt: skip

from eventsim.compile import compile_network
from eventsim.errors import CompileError
from tests.eventsim.rising import RISING, rising, rising_pair


def _changing(change, *arguments, **options):
    """The network of `rising_pair` after `change(cells, wires)`."""
    network, cells, wires = rising_pair(*arguments, **options)
    change(cells, wires)
    return network


def _linked():
    other = NeuronGroup(2, "dx/dt = -x/ms : 1", name="other", method="exact")
    cells = rising("dv/dt = y/(3*ms) : 1\ny : 1 (linked)", method="euler")
    cells.y = linked_var(other, "x")
    return Network(other, cells)


def _linked_to_itself():
    cells = rising("dv/dt = y/(3*ms) : 1\nx : 1\ny : 1 (linked)", method="euler", reset="v = 0\nx += 1")
    cells.y = linked_var(cells, "x", index=[1, 0])
    return Network(cells)


def _poisson_source():
    cells, noise = rising(), PoissonGroup(3, 10 * Hz, name="noise")
    wires = Synapses(noise, cells, on_pre="v_post += 1")
    wires.connect()
    return Network(cells, noise, wires)


def _poisson_input():
    cells = rising()
    return Network(cells, PoissonInput(cells, "v", 3, 10 * Hz, 0.1))


def _two_dts():
    cells = rising()
    cells.run_regularly("v += 0.1", dt=0.25 * ms, name="slow")
    return Network(cells)


def _already_run():
    network = Network(rising())
    network.run(1 * ms)
    return network


def _operation():
    @brian2.network_operation(name="watch")
    def watch():
        pass

    return Network(rising(), watch)


def _linked_to_a_shared_that_changes():
    other = NeuronGroup(2, "q : 1 (shared)", name="other")
    other.run_regularly("q += 1")
    cells = rising("dv/dt = y/(3*ms) : 1\ny : 1 (linked)", method="euler")
    cells.y = linked_var(other, "q")
    return Network(other, cells)


def _of_a_subgroup():
    cells = rising()
    cells[:1].run_regularly("v += 0.1", name="kick")
    return Network(cells)


def _several_conductances(**options):
    equations = "dv/dt = 1/(3*ms) : 1 (unless refractory)\ng : 1\ndh/dt = -h/ms : 1 (unless refractory)"
    cells = rising(equations, refractory=2 * ms, method="euler")
    network, _, wires = rising_pair("w : 1\nu : 1", cells=cells, **options)
    wires.w, wires.u = [1, 2, 3, 4], [1, 2, 3, 5]
    return network


def _own_keyed_uniform():
    other = Function(lambda *a: 0.5, arg_units=[1] * 5, return_unit=1, arg_types=["integer"] * 5, return_type="float",
                     arg_names=list("abcde"))  # fmt: skip
    return Network(
        rising(threshold="keyed_uniform(1, 2, t_in_timesteps, 0, 1) < v", namespace={"keyed_uniform": other})
    )


STDP = "w : 1\ndapre/dt = -apre/(20*ms) : 1 (event-driven)"
INFINITE, NOT_A_NUMBER = float("inf"), float("nan")

REFUSED = {
    "a link to a variable that changes": (_linked, "cells_stateupdater", "'y' is linked to 'x' of 'other'"),
    "a link within its group to a variable that changes": (_linked_to_itself, "cells_stateupdater", "'y' is linked"),
    "a link to a shared variable that changes": (
        _linked_to_a_shared_that_changes,
        "cells_stateupdater",
        "'y' is linked to 'q' of 'other', which changes",
    ),
    "run_regularly of a subgroup": (_of_a_subgroup, "kick", "a Subgroup"),
    "a summed variable": (
        lambda: rising_pair("w : 1\ny_post = w : 1 (summed)", "", cells=rising(RISING + "\ny : 1"))[0],
        "wires",
        "summed",
    ),
    "on_post": (lambda: rising_pair("w : 1", on_post="w += 1")[0], "wires_p", "'w' changes in the synapse"),
    "STDP": (
        lambda: rising_pair(STDP, "apre += 1\nv_post += w", on_post="w += apre")[0],
        "wires",
        "equations of the synapse, apre",
    ),
    "what Brian2 refuses": (
        lambda: Network(rising(threshold="v >= nowhere")),
        "cells_spike_thresholder",
        "Brian2 refuses it: ",
    ),
    "clock-driven synapses": (
        lambda: rising_pair("dx/dt = -x/(5*ms) : 1 (clock-driven)", "v_post += 1", method="exact")[0],
        "wires",
        "differential",
    ),
    "custom events": (lambda: Network(rising(events={"high": "v > 0.5"})), "cells", "custom events"),
    "rand()": (lambda: Network(rising(threshold="rand() < v")), "cells_spike_thresholder", "rand"),
    "white noise": (
        lambda: Network(rising("dv/dt = xi*(3*ms)**-0.5 : 1", method="euler")),
        "cells_stateupdater",
        "randn",
    ),
    "a PoissonGroup": (_poisson_source, "noise_spike_thresholder", "rand()"),
    "a PoissonInput": (_poisson_input, "poissoninput", "unkeyed noise, poissoninput_binomial"),
    "two dts that do not fit": (_two_dts, "network", "clocks with dt"),
    "a periodic generator": (
        lambda: Network(SpikeGeneratorGroup(2, [0], [0] * ms, period=5 * ms, name="beat")),
        "beat",
        "periodic",
    ),
    "a network that has run": (_already_run, "network", "already run"),
    "a NaN weight": (
        lambda: _changing(lambda c, w: setattr(w, "w", [0, 1, NOT_A_NUMBER, 1])),
        "wires_pre",
        "synapse 2 has weight nan",
    ),
    "an infinite weight": (lambda: _changing(lambda c, w: setattr(w, "w", INFINITE)), "wires_pre", "weight inf"),
    "a NaN start value": (lambda: _changing(lambda c, w: setattr(c, "v", [0, NOT_A_NUMBER])), "cells", "v[1] is nan"),
    "a NaN constant": (
        lambda: Network(rising(threshold="v >= k", namespace={"k": NOT_A_NUMBER})),
        "cells_spike_thresholder",
        "'k' is nan",
    ),
    "a table of time that is not finite": (
        lambda: Network(
            rising(
                "dv/dt = course(t)/ms : 1",
                method="euler",
                namespace={"course": TimedArray([1.0, NOT_A_NUMBER], dt=1 * ms)},
            )
        ),
        "course",
        "row 1 of the TimedArray",
    ),
    "an infinite delay": (
        lambda: _changing(lambda c, w: setattr(w.pre, "delay", INFINITE * ms)),
        "wires_pre",
        "inf ticks",
    ),
    "a negative delay": (lambda: _changing(lambda c, w: setattr(w.pre, "delay", -1 * ms)), "wires_pre", "-10 ticks"),
    "a fractional delay": (
        lambda: _changing(lambda c, w: setattr(w.pre, "delay", 150 * us)),
        "wires_pre",
        "1.5 ticks of 0.1 ms",
    ),
    "a function of the user's called keyed_uniform": (_own_keyed_uniform, "cells_spike_thresholder", "keyed_uniform"),
    "a synapse that reads before what it writes behind": (
        lambda: rising_pair("w : 1", "v_post += w*v_pre")[0],
        "wires_pre",
        "'v_post += w * v_pre' reads at one end",
    ),
    "a synapse that reads the neuron that did not spike": (
        lambda: rising_pair("", "x_pre += v_post", cells=rising(RISING + "\nx : 1"))[0],
        "wires_pre",
        "'v_post' in 'x_pre += v_post' belongs",
    ),
    "on_post that reads the neuron that did not spike": (
        lambda: rising_pair("", "", on_post="x_post += v_pre", cells=rising(RISING + "\nx : 1"))[0],
        "wires_post",
        "'v_pre' in 'x_post += v_pre' belongs",
    ),
    "an assignment in spite of a refractory period": (
        lambda: _several_conductances(on_pre="v_post = w"),
        "wires_pre",
        "'v_post = w' assigns to 'v'",
    ),
    "an effect that another neuron's refractory period suppresses": (
        lambda: _several_conductances(on_pre="v_post += w*h_pre"),
        "wires_pre",
        "at the other end is refractory",
    ),
    "several weights and the variable itself": (
        lambda: _several_conductances(on_pre="g_post += w*g_post\nh_post += u"),
        "wires_pre",
        "needs several weights",
    ),
    "several weights in one statement": (
        lambda: _several_conductances(on_pre="v_post += w*g_post + u"),
        "wires_pre",
        "several weights in one statement",
    ),
    "a temporary that is out of date": (
        lambda: _several_conductances(on_pre="old = g_post\ng_post += w\nh_post += old"),
        "wires_pre",
        "a temporary",
    ),
    "a boolean set by synapses": (
        lambda: rising_pair("", "b_post = True", cells=rising(RISING + "\nb : boolean"))[0],
        "wires_pre",
        "no float64",
    ),
    "a table of time in synapses": (
        lambda: rising_pair("", "v_post += ramp(t)", namespace={"ramp": TimedArray([1.0, 2.0], dt=1 * ms)})[0],
        "wires_pre",
        "a TimedArray",
    ),
    "noise in synapses": (lambda: rising_pair("w : 1", "v_post += w*rand()")[0], "wires_pre", "unkeyed noise"),
    "a synapse that reads a neuron's variable called weight": (
        lambda: rising_pair("w : 1", "v_post += w*weight_post", cells=rising(RISING + "\nweight : 1 (constant)"))[0],
        "wires_pre",
        "called 'weight'",
    ),
    "a synapse that writes itself": (lambda: rising_pair("w : 1", "w += 1\nv_post += w")[0], "wires_pre", "w += 1"),
    "float32 variables": (lambda: Network(rising(dtype=np.float32)), "cells", "'v' of type float32"),
    "a fraction in an integer": (
        lambda: Network(rising(RISING + "\nn : integer", reset="v = 0\nn = n/2")),
        "cells_spike_resetter",
        "makes a fraction of the integer 'n'",
    ),
    "a network operation": (_operation, "watch", "NetworkOperation"),
    "a function that is not known": (
        lambda: Network(rising(threshold="poisson(v) >= 1")),
        "cells_spike_thresholder",
        "poisson",
    ),
    "a network without neurons": (lambda: Network(), "network", "no neurons"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_this_is_refused_by_object_and_statement(what):
    build, object_name, statement = REFUSED[what]
    network = build()
    with pytest.raises(CompileError) as raised:
        compile_network(network, namespace={})
    assert raised.value.object_name.startswith(object_name)
    assert statement in raised.value.statement
    assert "\n" not in str(raised.value)
