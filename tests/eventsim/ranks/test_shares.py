"""What ranks hold: each neuron and synapse is somebody's, and nobody's twice; what cannot be divided is named."""

import brian2
import numpy as np
import pytest
from brian2 import ms

import eventsim
from eventsim.errors import ConfigError
from eventsim.ranks.directory import Directory
from eventsim.ranks.job import Settings, open_job, write_job
from eventsim.ranks.partition import owners, ticks_between_meetings
from eventsim.ranks.share import load_share
from runs.benchmarks.networks import coincidence, cuba, delta_lif, hardware_like
from tests.support.rank_cases import columns

NETWORKS = {
    "one population": lambda: (delta_lif(300, 60), {}),
    "three populations": lambda: (coincidence(6, 5, rate_hz=400, duration_ms=50), {}),
    "columns": lambda: (columns(), {"noise": "rekey"}),
}


@pytest.fixture(params=NETWORKS)
def compiled(request):
    network, options = NETWORKS[request.param]()
    return eventsim.compile_network(network, **options)


def shares(compiled, n_ranks, folder):
    settings = Settings(n_ranks=n_ranks, span_ticks=ticks_between_meetings(compiled))
    cores = np.where(compiled.is_source, -1, np.arange(compiled.n_neurons) % 3).astype(np.int32)
    write_job(folder, compiled, compiled.stimulus, cores, owners(compiled, n_ranks), settings)
    with open_job(folder) as job:
        return settings, [load_share(job, rank) for rank in range(n_ranks)]


def synapses(network, ids, late):
    """Rows (pathway, sender, receiver, delay, weight) of a network; `ids` are those of its neurons in another, which
    fire `late` ticks before they do here."""
    rows = zip(ids[network.pre], ids[network.post], network.delay + late[network.pre], network.weight)
    names = np.repeat([p.name for p in network.pathways], [p.size for p in network.pathways])
    return sorted((name, *(x.item() for x in row)) for name, row in zip(names.tolist(), rows))


@pytest.mark.parametrize("n_ranks", [1, 3])
def test_each_synapse_is_on_the_rank_of_its_receiver_and_starts_from_its_sender(compiled, n_ranks, tmp_path):
    settings, found = shares(compiled, n_ranks, tmp_path)
    neurons = np.sort(np.concatenate([share.own for share in found]))
    assert neurons.tolist() == list(range(compiled.n_neurons))
    together = []
    for share in found:
        ids = np.concatenate([share.own, share.sources, share.mirrored])
        late = np.where(np.arange(ids.size) < ids.size - share.mirrored.size, 0, settings.span_ticks)
        together += synapses(share.network, ids, late)
    assert sorted(together) == synapses(compiled, np.arange(compiled.n_neurons), np.zeros(compiled.n_neurons, int))


def test_the_synapses_of_a_rank_are_its_part_of_all(tmp_path):
    compiled = eventsim.compile_network(hardware_like(1000, 20))
    _, found = shares(compiled, 4, tmp_path)
    assert [share.network.n_synapses for share in found] == pytest.approx([5000] * 4, rel=0.05)
    assert sum(share.network.n_synapses for share in found) == 20_000


def test_neurons_that_act_within_a_tick_or_are_read_by_a_delivery_stay_together():
    compiled = eventsim.compile_network(columns(n=10, width=12), noise="rekey")
    owner = owners(compiled, 4)
    assert [np.unique(of_column).size for of_column in owner.reshape(10, 12)] == [1] * 10
    assert np.unique(owner).tolist() == [0, 1, 2, 3]
    assert ticks_between_meetings(compiled) == 2


def test_a_population_is_cut_where_the_work_is_even():
    compiled = eventsim.compile_network(hardware_like(1000, 20))
    cuts = np.flatnonzero(np.diff(owners(compiled, 4))) + 1
    work = 1 + np.bincount(compiled.post, minlength=1000)
    assert [piece.sum() for piece in np.split(work, cuts)] == pytest.approx([21_000 / 4] * 4, abs=50)


def test_a_network_whose_spikes_act_within_the_tick_is_refused_by_the_name_of_the_pathway():
    compiled = eventsim.compile_network(cuba(200))
    with pytest.raises(ConfigError, match=r"'excitatory_pre' has a delay of 0.*3 of 4 ranks would own no neuron"):
        owners(compiled, 4)


def test_a_network_whose_deliveries_read_their_senders_is_refused_by_the_name_of_the_pathway():
    cells = brian2.NeuronGroup(4, "v : 1\nx : 1", threshold="v > 1", reset="x = v", name="cells")
    synapses = brian2.Synapses(cells, cells, on_pre="v_post += x_pre", delay=2 * ms, name="s")
    synapses.connect(i=[0, 1, 2], j=[1, 2, 3])
    with pytest.raises(ConfigError, match=r"pathway 's_pre' reads variables of its senders"):
        owners(eventsim.compile_network(brian2.Network(cells, synapses)), 2)


def test_more_ranks_than_neurons_are_refused():
    compiled = eventsim.compile_network(brian2.Network(brian2.NeuronGroup(3, "v : 1", threshold="v > 1", name="few")))
    with pytest.raises(ConfigError, match="4 ranks for a network of 3 neurons leave some without any; use at most 3"):
        owners(compiled, 4)


@pytest.mark.parametrize("ids", [[], [7], [3, 4, 5], [0, 5, 6, 90], [2, 5000, 100_000]])
def test_a_directory_finds_the_ids_there_are_and_no_other(ids):
    here, place = Directory(np.array(ids, dtype=np.int32)).find(np.array([0, 3, 5, 7, 90, 5000, 5001, 200_000, 5]))
    wanted = [0, 3, 5, 7, 90, 5000, 5001, 200_000, 5]
    assert [(wanted[k], ids[p]) for k, p in zip(here, place)] == [(w, w) for w in wanted if w in ids]


@pytest.mark.parametrize(
    "options, named",
    [({"clock": "continuous"}, "clock"), ({"record_events": True}, "record_events"),
     ({"stop_when": lambda summary: True}, "stop_when"), ({"record": {"w": [0]}}, "'w' of neuron 0"),
     ({"record": {"v": [900]}}, "neuron 900")],
)  # fmt: skip
def test_what_ranks_do_not_have_is_refused_by_name(options, named):
    compiled = eventsim.compile_network(hardware_like(100, 5))
    with pytest.raises(ConfigError, match=named):
        eventsim.simulate(compiled, ranks=2, duration_ms=5, **options)


def test_a_folder_that_is_no_job_is_refused_and_left_alone(tmp_path):
    compiled = eventsim.compile_network(hardware_like(100, 5))
    (tmp_path / "t.h5.ranks").mkdir()
    (tmp_path / "t.h5.ranks" / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match=r"was not made by a run on ranks \(it holds 'thesis.txt'\)"):
        eventsim.simulate(compiled, ranks=2, duration_ms=5, trace=tmp_path / "t.h5")
    assert (tmp_path / "t.h5.ranks" / "thesis.txt").read_text() == "years of work"
    with pytest.raises(ConfigError, match=r"holds no job\.h5"):
        open_job(tmp_path)
