"""Any wiring on any cores: what a kernel counts is what its trace says by itself, however rows and senders are kept."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import eventsim
from analysis.audit import audit
from eventsim.grid import allocate, reach, spread
from eventsim.simulation import Simulation

TICKS = 60
#: Name -> (module, its constant, value): what makes the kernel keep rows, or senders, in this form.
FORMS = {
    "lanes": ((spread, "LANES", 10**6), (spread, "MOST_BYTES", 10**6), (reach, "_FEW", 0)),
    "lists": ((spread, "LANES", 0), (reach, "_FEW", 0), (reach, "_BYTES", 0)),
    "bits of senders": ((reach, "_FEW", 0), (reach, "_BYTES", 10**6)),
    "kinds of senders": (),
}


def random_wiring(rng, sizes):
    """Sources, leaky neurons and gates: of each kind one stretch sends to leaky neurons, the next, or all, to gates;
    some to nobody, some often to one; with a delay for each pair of kinds or for each synapse."""
    start, pre, post, delay = np.concatenate([[0], np.cumsum(sizes)]), [], [], []
    for source in range(3):
        cut, overlap = rng.integers(sizes[source] + 1), rng.random() < 0.25
        for target, first, behind in ((1, 0, cut), (2, 0 if overlap else cut, sizes[source])):
            fan_out = rng.integers(0, rng.choice([5, 20, 400]), behind - first) * (rng.random(behind - first) < 0.8)
            pre.append(np.repeat(start[source] + np.arange(first, behind), fan_out))
            post.append(rng.integers(start[target], start[target + 1], fan_out.sum()))
            delays = rng.integers(6, size=1 if rng.random() < 0.8 else 4)
            delay.append(delays[rng.integers(delays.size, size=fan_out.sum())])
    weight = rng.normal(0.2, 0.3, sum(map(len, pre)))
    weight[rng.random(weight.size) < rng.choice([0.0, 0.2])] = 0.0
    return {"pre": np.concatenate(pre), "post": np.concatenate(post), "weight": weight,
            "delay_ms": np.concatenate(delay).astype(float)}  # fmt: skip


def random_model(seed):
    """A network, its stimulus, and a core for each neuron, in order or at random."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, (30, 40, 300))
    of_leaky = np.repeat([np.nan, 1.0, np.nan], sizes)
    neurons = {"model": np.repeat(["source", "lif", "gate"], sizes), "tau_ms": 10.0 * of_leaky, "drive": 0.9 * of_leaky}
    network = eventsim.network(neurons, random_wiring(rng, sizes))
    tick, neuron = np.nonzero(rng.random((TICKS, sizes[0])) < rng.choice([0.05, 0.3, 0.9]))
    queries = [[0, 20], [20, 40], [40, TICKS]]
    stimulus = eventsim.Stimulus.of(tick, neuron, queries, reset=rng.choice(["none", "host"]))
    n, cores = sizes.sum(), rng.choice([1, 2, 5, 30, 150])
    placed = rng.integers(cores, size=n) if rng.random() < 0.5 else np.arange(n) * cores // n
    return network, stimulus, np.where(network.is_source, -1, placed).astype(np.int32)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_counted_is_what_the_trace_says(form, threads, monkeypatch, tmp_path):
    counted_when_sent = []
    single_rows = allocate.single_rows

    def seen(*arguments):
        found = single_rows(*arguments)
        counted_when_sent.append(np.diff(found[0]["single_at"]).max())
        return found

    monkeypatch.setattr(allocate, "single_rows", seen)
    for module, name, value in FORMS[form]:
        monkeypatch.setattr(module, name, value)

    @settings(max_examples=25, phases=(Phase.generate,), derandomize=True, database=None, deadline=None)
    @given(seed=st.integers(0, 2**31 - 1), stop=st.integers(1, TICKS))
    def every_wiring(seed, stop):
        network, stimulus, core_of = random_model(seed)
        whole = eventsim.simulate(network, stimulus, core_of=core_of, threads=threads)
        assert [str(law) for law in audit(whole).laws if law.verdict == "failed"] == []
        Simulation(network, stimulus, core_of=core_of, threads=threads).run(stop).save(tmp_path / "checkpoint")
        resumed = Simulation(network, stimulus, core_of=core_of, threads=threads).load(tmp_path / "checkpoint")
        assert resumed.run().finish().counts().hash == whole.counts().hash

    every_wiring()
    if threads == 1 and form != "kinds of senders":
        assert max(counted_when_sent) == 2  # pathways of a population
