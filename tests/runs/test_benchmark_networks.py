"""The networks that speed is measured on: Brian2's spikes and final state, bit for bit, and the rates they promise."""

import pytest

import eventsim
from runs.benchmarks import scaling
from runs.benchmarks.cases import Case
from runs.benchmarks.networks import coincidence, cuba, delta_lif, hardware_like
from tests.support.brian2_runs import both, same

#: Name -> (builder, length in ms, spikes there must be at least).
SMALL = {
    "B1": (lambda: cuba(400), 100, 150),
    "B2": (lambda: delta_lif(1000, 100), 100, 500),
    "B3": (lambda: coincidence(8, 8, rate_hz=100, duration_ms=100), 100, 1000),
    "B4": (lambda: hardware_like(2000, 32), 100, 2000),
}
#: Name -> (builder, length in ms, lowest and highest mean rate in Hz of the population named).
WHOLE = {
    "B1": ("cuba", 1000, 5.0, 6.0),
    "B2": ("lif", 200, 10.0, 25.0),
    "B4": ("neurons", 200, 14.0, 21.0),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_benchmark_network_gives_brian2s_spikes_and_bits(name):
    build, duration_ms, least = SMALL[name]
    network = build()
    ticks = round(duration_ms / (1.0 if name == "B4" else 0.1))
    ours, theirs = both(network, ticks)
    assert len(theirs.spikes) > least
    assert same(ours, theirs)


@pytest.mark.slow
def test_the_cuba_network_at_full_size_gives_brian2s_spikes_and_bits():
    ours, theirs = both(cuba(), 1000)
    assert len(theirs.spikes) > 1500
    assert same(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_a_benchmark_network_at_full_size_fires_as_its_docstring_says(name):
    population, duration_ms, lowest, highest = WHOLE[name]
    compiled = eventsim.compile_network(Case(name).build())
    spikes = eventsim.simulate(compiled, duration_ms=duration_ms).spikes(population)
    rate_hz = spikes.neuron.size / compiled.population(population).size / (duration_ms / 1e3)
    assert lowest < rate_hz < highest


def test_the_coincidence_network_is_idle_nearly_always():
    duration_ms = 20.0
    compiled = eventsim.compile_network(coincidence(duration_ms=duration_ms))
    trace = eventsim.simulate(compiled, duration_ms=duration_ms)
    events = trace.counts().total("synaptic_events")
    assert 0.0015 < events / (compiled.n_neurons * duration_ms / 0.1) < 0.0025
    assert 500 < trace.spikes("gates").tick.size < 3000  # 14,312 in the 200 ms that are measured


@pytest.mark.parametrize("size", ["quick", "full"])
def test_there_are_sources_and_ticks_enough_for_the_most_deliveries(size):
    most = scaling.GROWS[size]["deliveries"][-1]
    network, stimulus = scaling.network_of(neurons=1000, deliveries=most)
    reached = network.out_degree[stimulus.neuron[stimulus.tick < scaling.TICKS - 1]]
    assert most == reached.sum()


@pytest.mark.slow
def test_the_cost_of_silent_neurons_grows_by_dense_steps_and_hardly_otherwise(tmp_path):
    document = scaling.scaling(rounds=1, folder=tmp_path)
    for grows, ways in document.items():
        dense, touched = (
            [deliveries for _, deliveries, _ in ways[way]["points"]] for way in ("dense steps", "by touch")
        )
        assert dense == touched
        assert (len(set(dense)) == 1) == (grows == "neurons")
    exponents = {way: row["exponent"] for way, row in document["neurons"].items()}
    assert exponents["dense steps"] > 0.4 + exponents["by touch"]
    assert (tmp_path / "scaling.png").stat().st_size > 10_000
