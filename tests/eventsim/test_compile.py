"""compile_network: what it reads, and that it refuses all else by object and statement."""

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
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    linked_var,
    ms,
    us,
)  # fmt: skip

import eventsim
from eventsim.compile import compile_network
from eventsim.errors import CompileError
from tests.support.brian2_runs import both

RISING = "dv/dt = 1/(3*ms) : 1"


def _cells(equations=RISING, **options):
    return NeuronGroup(2, equations, **({"threshold": "v >= 1", "reset": "v = 0", "name": "cells"} | options))


def _pair(equations="w : 1", on_pre="v_post += w", *, cells=None, connect=True, **options):
    """Recurrent neurons with one Synapses object `wires`, all to all."""
    cells = cells or _cells()
    wires = Synapses(cells, cells, equations, on_pre=on_pre, name="wires", **options)
    wires.connect(connect)
    return Network(cells, wires), cells, wires


def _changing(change, *arguments, **options):
    """The network of `_pair` after `change(cells, wires)`."""
    network, cells, wires = _pair(*arguments, **options)
    change(cells, wires)
    return network


def _linked():
    other = NeuronGroup(2, "dx/dt = -x/ms : 1", name="other", method="exact")
    cells = _cells("dv/dt = y/(3*ms) : 1\ny : 1 (linked)", method="euler")
    cells.y = linked_var(other, "x")
    return Network(other, cells)


def _linked_to_itself():
    cells = _cells("dv/dt = y/(3*ms) : 1\nx : 1\ny : 1 (linked)", method="euler", reset="v = 0\nx += 1")
    cells.y = linked_var(cells, "x", index=[1, 0])
    return Network(cells)


def _poisson_source():
    cells, noise = _cells(), PoissonGroup(3, 10 * Hz, name="noise")
    wires = Synapses(noise, cells, on_pre="v_post += 1")
    wires.connect()
    return Network(cells, noise, wires)


def _poisson_input():
    cells = _cells()
    return Network(cells, PoissonInput(cells, "v", 3, 10 * Hz, 0.1))


def _two_dts():
    cells = _cells()
    cells.run_regularly("v += 0.1", dt=0.25 * ms, name="slow")
    return Network(cells)


def _already_run():
    network = Network(_cells())
    network.run(1 * ms)
    return network


def _operation():
    @brian2.network_operation(name="watch")
    def watch():
        pass

    return Network(_cells(), watch)


def _linked_to_a_shared_that_changes():
    other = NeuronGroup(2, "q : 1 (shared)", name="other")
    other.run_regularly("q += 1")
    cells = _cells("dv/dt = y/(3*ms) : 1\ny : 1 (linked)", method="euler")
    cells.y = linked_var(other, "q")
    return Network(other, cells)


def _of_a_subgroup():
    cells = _cells()
    cells[:1].run_regularly("v += 0.1", name="kick")
    return Network(cells)


def _several_conductances(**options):
    equations = "dv/dt = 1/(3*ms) : 1 (unless refractory)\ng : 1\ndh/dt = -h/ms : 1 (unless refractory)"
    network, _, wires = _pair("w : 1\nu : 1", cells=_cells(equations, refractory=2 * ms, method="euler"), **options)
    wires.w, wires.u = [1, 2, 3, 4], [1, 2, 3, 5]
    return network


def _own_keyed_uniform():
    other = Function(lambda *a: 0.5, arg_units=[1] * 5, return_unit=1, arg_types=["integer"] * 5, return_type="float",
                     arg_names=list("abcde"))  # fmt: skip
    return Network(
        _cells(threshold="keyed_uniform(1, 2, t_in_timesteps, 0, 1) < v", namespace={"keyed_uniform": other})
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
        lambda: _pair("w : 1\ny_post = w : 1 (summed)", "", cells=_cells(RISING + "\ny : 1"))[0],
        "wires",
        "summed",
    ),
    "on_post": (lambda: _pair("w : 1", on_post="w += 1")[0], "wires_p", "'w' changes in the synapse"),
    "STDP": (
        lambda: _pair(STDP, "apre += 1\nv_post += w", on_post="w += apre")[0],
        "wires",
        "equations of the synapse, apre",
    ),
    "what Brian2 refuses": (
        lambda: Network(_cells(threshold="v >= nowhere")),
        "cells_spike_thresholder",
        "Brian2 refuses it: ",
    ),
    "clock-driven synapses": (
        lambda: _pair("dx/dt = -x/(5*ms) : 1 (clock-driven)", "v_post += 1", method="exact")[0],
        "wires",
        "differential",
    ),
    "custom events": (lambda: Network(_cells(events={"high": "v > 0.5"})), "cells", "custom events"),
    "rand()": (lambda: Network(_cells(threshold="rand() < v")), "cells_spike_thresholder", "rand"),
    "white noise": (
        lambda: Network(_cells("dv/dt = xi*(3*ms)**-0.5 : 1", method="euler")),
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
        lambda: Network(_cells(threshold="v >= k", namespace={"k": NOT_A_NUMBER})),
        "cells_spike_thresholder",
        "'k' is nan",
    ),
    "a table of time that is not finite": (
        lambda: Network(
            _cells(
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
        lambda: _pair("w : 1", "v_post += w*v_pre")[0],
        "wires_pre",
        "'v_post += w * v_pre' reads at one end",
    ),
    "a synapse that reads the neuron that did not spike": (
        lambda: _pair("", "x_pre += v_post", cells=_cells(RISING + "\nx : 1"))[0],
        "wires_pre",
        "'v_post' in 'x_pre += v_post' belongs",
    ),
    "on_post that reads the neuron that did not spike": (
        lambda: _pair("", "", on_post="x_post += v_pre", cells=_cells(RISING + "\nx : 1"))[0],
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
        lambda: _pair("", "b_post = True", cells=_cells(RISING + "\nb : boolean"))[0],
        "wires_pre",
        "no float64",
    ),
    "a table of time in synapses": (
        lambda: _pair("", "v_post += ramp(t)", namespace={"ramp": TimedArray([1.0, 2.0], dt=1 * ms)})[0],
        "wires_pre",
        "a TimedArray",
    ),
    "noise in synapses": (lambda: _pair("w : 1", "v_post += w*rand()")[0], "wires_pre", "unkeyed noise"),
    "a synapse that reads a neuron's variable called weight": (
        lambda: _pair("w : 1", "v_post += w*weight_post", cells=_cells(RISING + "\nweight : 1 (constant)"))[0],
        "wires_pre",
        "called 'weight'",
    ),
    "a synapse that writes itself": (lambda: _pair("w : 1", "w += 1\nv_post += w")[0], "wires_pre", "w += 1"),
    "float32 variables": (lambda: Network(_cells(dtype=np.float32)), "cells", "'v' of type float32"),
    "a fraction in an integer": (
        lambda: Network(_cells(RISING + "\nn : integer", reset="v = 0\nn = n/2")),
        "cells_spike_resetter",
        "makes a fraction of the integer 'n'",
    ),
    "a network operation": (_operation, "watch", "NetworkOperation"),
    "a function that is not known": (
        lambda: Network(_cells(threshold="poisson(v) >= 1")),
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


def test_a_function_of_the_user_s_called_exp_is_not_used_and_brian2_does_not_use_it_either():
    @brian2.implementation("numpy", discard_units=True)
    @brian2.check_units(x=1, result=1)
    def exp(x):
        return 0 * x

    ours, theirs = both(Network(_cells("dv/dt = 0.1*exp(v)/ms : 1", method="euler", namespace={"exp": exp})), 200)
    assert len(theirs.spikes) > 4
    assert ours.spikes == theirs.spikes


def test_monitors_change_nothing():
    plain = compile_network(Network(_cells()), namespace={})
    cells = _cells()
    watched = Network(cells, SpikeMonitor(cells), StateMonitor(cells, "v", record=True, dt=1 * ms),
                      PopulationRateMonitor(cells))  # fmt: skip
    assert compile_network(watched, namespace={}).hash == plain.hash


def test_what_is_no_network_is_refused():
    for thing in (_cells(), [_cells()], None, "network"):
        with pytest.raises(CompileError, match=r"not a brian2\.Network"):
            compile_network(thing)


def test_a_standalone_device_is_refused(tmp_path):
    brian2.set_device("cpp_standalone", build_on_run=False, directory=tmp_path)
    try:
        with pytest.raises(CompileError, match="standalone"):
            compile_network(Network())
    finally:
        brian2.set_device("runtime")


def test_compiling_leaves_the_settings_and_the_network_as_they_were():
    network, cells, _ = _pair()
    cells.v = [0.25, 0.5]
    brian2.prefs.codegen.target = "auto"
    try:
        compile_network(network, namespace={})
        assert brian2.prefs.codegen.target == "auto"
    finally:
        brian2.prefs.codegen.target = "numpy"
    assert float(network.t) == 0 and cells.v[:].tolist() == [0.25, 0.5]


def test_names_in_equations_come_from_the_caller_or_from_the_given_namespace():
    tau = 5 * ms  # noqa: F841 - read by name in the equations
    here = compile_network(Network(_cells("dv/dt = (2 - v)/tau : 1", method="exact")))
    given = compile_network(Network(_cells("dv/dt = (2 - v)/tau : 1", method="exact")), namespace={"tau": 5 * ms})
    other = compile_network(Network(_cells("dv/dt = (2 - v)/tau : 1", method="exact")), namespace={"tau": 6 * ms})
    assert here.hash == given.hash != other.hash


def test_populations_are_numbered_by_name_and_synapses_by_pathway_sender_delay_and_creation():
    late, early = (
        NeuronGroup(2, "v : 1", threshold="v > 1", name="zz"),
        NeuronGroup(3, "v : 1", threshold="v > 1", name="aa"),
    )
    wires = Synapses(late, early, "w : 1", on_pre="v_post += 2*w", name="wires")
    wires.connect(i=[1, 0, 1, 0, 1], j=[0, 2, 1, 2, 2])
    wires.w = [1, 2, 3, 4, 5]
    wires.pre.delay = [0.3, 0.1, 0, 0.1, 0.3] * ms
    compiled = compile_network(Network(late, early, wires), namespace={})
    assert [(p.name, p.start, p.size) for p in compiled.populations] == [("aa", 0, 3), ("zz", 3, 2)]
    table = compiled.synapse_table()
    assert table["pre"].tolist() == [3, 3, 4, 4, 4]
    assert table["post"].tolist() == [2, 2, 1, 0, 2]
    assert table["weight"].tolist() == [4, 8, 6, 2, 10]
    assert table["delay_ticks"].tolist() == [1, 1, 0, 3, 3]
    assert [(o.kind, o.index) for o in compiled.schedule if o.kind == "deliver"] == [("deliver", 0)]


def test_keys_and_tokens_are_the_group_s_own_or_else_its_order_and_the_index():
    first, second = (
        _cells(name="a"),
        _cells(RISING + "\nkey_lo : integer (constant)\ntoken : integer (constant)", name="b"),
    )
    second.key_lo, second.token = [-5, 2**31 - 1], [7, 8]
    compiled = compile_network(Network(first, second), namespace={})
    assert compiled.key_lo.tolist() == [0, 1, -5, 2**31 - 1]
    assert compiled.key_hi.tolist() == [0, 0, 1, 1]
    assert compiled.token.tolist() == [-1, -1, 7, 8]
    assert compiled.path_id.tolist() == [-1] * 4


def test_generators_become_the_default_stimulus():
    one = SpikeGeneratorGroup(2, [1, 0, 1], [0, 0.3, 0.3] * ms, name="one")
    two = SpikeGeneratorGroup(3, [2], [0.2] * ms, name="two")
    compiled = compile_network(Network(two, one), namespace={})
    assert compiled.stimulus.tick.tolist() == [0, 2, 3, 3]
    assert compiled.stimulus.neuron.tolist() == [1, 4, 0, 1]
    assert compiled.is_source.all() and compiled.stimulus.duration_ticks == 4


def test_constants_are_folded_with_brian2s_bits():
    k = 2.7
    compiled = compile_network(Network(_cells("dv/dt = -v/(7*ms) : 1", method="exact", threshold="v >= int(k*1.5)")),
                               namespace={"k": k})  # fmt: skip
    update, threshold, _ = compiled.schedule
    assert float(np.exp(-0.0001 / 0.007)) in update.constants.values()
    assert 4 in threshold.constants.values()
    assert len(compiled.hash) == 64  # so every constant can be stored


@pytest.mark.parametrize("dt_ms", [0.1, 0.25, 1.0, 1.3, 2.6, 5.2])
def test_dt_is_what_was_written(dt_ms):
    brian2_dt = dt_ms * ms
    compiled = compile_network(Network(_cells(dt=brian2_dt)), namespace={})
    assert compiled.dt_ms == dt_ms
    assert compiled.dt_ms * 1e-3 == float(brian2_dt)


def test_inactive_objects_are_left_out():
    network, _, wires = _pair()
    wires.active = False
    assert compile_network(network, namespace={}).hash == compile_network(Network(_cells()), namespace={}).hash


def test_the_public_name_is_this_function():
    assert eventsim.compile_network is compile_network
