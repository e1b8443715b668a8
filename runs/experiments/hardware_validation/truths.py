"""Known truths: networks that are built, run, placed and counted, whose cost somebody else has published.

Nothing is fitted. Where a rate must be exact, neurons keep time by themselves: each adds p to its potential in every
tick and fires at q, so that their number of spikes has a closed form; what they send each other is 2^-20 as large as
p and q are, and moves no spike.
"""

from fractions import Fraction

import numpy as np

import eventsim
from eventsim import simulate
from eventsim.errors import ProvenanceError
from eventsim.stimulus import Stimulus
from hardware_models import Placement, cost, count_activity, count_events, load_chip, place
from runs.experiments.hardware_validation.by_sanafe import NOT_INSTALLED, by_sanafe, installed
from runs.experiments.hardware_validation.rows import Row, Truth, as_printed, energy_of, exactly, half_a_digit, within

__all__ = ["LEFT_OUT", "TRUTHS", "run_on_79_cores"]

_SCALE = 2**20


def _clocks(p, q, start, pre=(), post=()):
    """Neurons that add p and fire at q, beginning between two whole numbers so that no synapse can matter."""
    start = np.asarray(start, dtype=np.float64)
    neurons = {"model": ["integrate"] * start.size, "v_th": q * _SCALE, "drive": p * _SCALE,
               "v_start": (start + 0.5) * _SCALE}  # fmt: skip
    return eventsim.network(neurons, {"pre": pre, "post": post, "weight": 1.0, "delay_ms": 0.0})


_UPDATES = ("idle_updates", "active_updates")
_NETWORK = ("messages_out", "hops_east_west", "hops_north_south")


def by_hand(config):
    """A source on core 0 sends to four neurons two columns and one row away, and to one on its own core."""
    chip, source = load_chip("loihi"), "SANA-FE, run on the same case; each term by hand"
    nan = float("nan")
    neurons = {"model": ["source"] + ["integrate"] * 5, "v_th": [nan] + [10.0] * 5}
    network = eventsim.network(neurons, {"pre": 0, "post": np.arange(1, 6), "weight": 1.0, "delay_ms": 0.0})
    placed = Placement.of(network, [-1, 36, 36, 36, 36, 0], chip, enters_at=[0, -1, -1, -1, -1, -1])
    reports = []
    for ticks in (1, 2, 3):
        spikes = [tick for tick in (0, 2) if tick < ticks]
        trace = simulate(network, Stimulus.of(spikes, [0] * len(spikes), duration_ticks=ticks), core_of=placed.core_of)
        activity = count_activity(trace, placed)
        reports.append(cost(count_events(trace, placed), chip, "nahuku", activity=activity))
    report, spent = reports[-1], [energy_of(report) for report in reports]
    rows = (
        exactly("synaptic events, 10 x 33.6", "pJ", energy_of(report, "synaptic_events"), "336", source),
        exactly("neurons, 5 x 51.2 + 10 x 72.8", "pJ", energy_of(report, *_UPDATES), "984", source),
        exactly("messages and hops, 4 x 111 + 4 x 3.0 + 2 x 4.2", "pJ", energy_of(report, *_NETWORK), "464.4", source),
        exactly("first tick", "pJ", spent[0], "656.2", source),
        exactly("second tick", "pJ", spent[1] - spent[0], "364", source),
        exactly("third tick", "pJ", spent[2] - spent[1], "764.2", source),
        exactly("total", "pJ", spent[2], "1784.4", source),
    )
    return Truth(1, "A case worked out by hand", "Six neurons on two cores, three ticks, table nahuku.", rows)


def random_wiring(config):
    """1,000 neurons with 100 synapses each on 8 cores, 4,099 spikes; and 4,108 neurons on 79 cores."""
    chip, source = load_chip("loihi"), "SANA-FE, a random network of the same size"
    rng = np.random.default_rng(config.seed)
    trace, placed = _random_run(rng, chip, 4099, 100_000, 100 * np.arange(1000), ticks=100, per_core=125)
    counts = count_events(trace, placed)
    report = cost(counts, chip, "nahuku", activity=count_activity(trace, placed))
    spread = count_events(*run_on_79_cores(config))
    rows = (
        exactly("spikes", "", Fraction(counts.total("spikes")), "4099", source),
        exactly("synaptic events", "", Fraction(counts.total("synaptic_events")), "409900", source),
        exactly("messages", "", Fraction(counts.total("messages_out")), "32792", source),
        exactly("synaptic events x 33.6", "uJ", energy_of(report, "synaptic_events") / 10**6, "13.77264", source),
        as_printed("100,000 updates x 72.8 + spikes x 69.3", "uJ", energy_of(report, *_UPDATES, "spikes") / 10**6,
                    "7.56406", source),
        _messages_per_spike(counts, 8), _messages_per_spike(spread, 79),
    )  # fmt: skip
    text = ("K = 100 synapses to any of C cores, independently: a spike makes C(1 - (1 - 1/C)^K) messages on average. "
            "SANA-FE counted 56.80 on 79 cores that were not all full.")  # fmt: skip
    return Truth(2, "Random wiring", text, rows)


def run_on_79_cores(config):
    """(Trace, Placement): 52 neurons on each of 79 cores, as many as its output axons allow; each fires once."""
    rng = np.random.default_rng(config.seed)
    return _random_run(rng, load_chip("loihi"), 1, 1, np.zeros(79 * 52), ticks=1, per_core=52)


def _random_run(rng, chip, p, q, start, ticks, per_core):
    n = len(start)
    network = _clocks(p, q, start, np.repeat(np.arange(n), 100), rng.integers(n, size=100 * n))
    placed = Placement.of(network, np.arange(n) // per_core, chip)
    return simulate(network, Stimulus.silent(ticks), core_of=placed.core_of), placed


def _messages_per_spike(counts, cores):
    """Agrees within five standard errors: the number of cores reached varies by less than sqrt(cores) / 2 a spike."""
    spikes, law = counts.total("spikes"), cores * (1 - (1 - Fraction(1, cores)) ** 100)
    found = Fraction(counts.total("messages_out"), spikes)
    near = Fraction(5 * (cores / 4 / spikes) ** 0.5)
    return within(f"messages per spike on {cores} cores", "", found, f"{float(law):.4f}", "closed form", law - near,
                  law + near)  # fmt: skip


#: mJ per query with all updates at the idle price, as the published table lets expect it, to two decimals.
_EXPECTED = ("1.45", "1.60")


def nearest_neighbours(config):
    """76,800 neurons, 60 ticks, 667 to 750 input spikes, each to every neuron."""
    chip = load_chip("loihi")
    n, sources, ticks = 76_800, 15, 60
    neurons = {"model": ["source"] * sources + ["integrate"] * n, "v_th": 1e6}
    wires = {"pre": np.repeat(np.arange(sources), n), "post": np.tile(sources + np.arange(n), sources)}
    network = eventsim.network(neurons, wires | {"weight": 1.0, "delay_ms": 0.0})
    measured = chip.facts["nearest_neighbour_query_energy_uj"]
    published = f"{float(measured.exact / 1000):g}"
    least, most = (Fraction(end) + side * half_a_digit(end) for end, side in zip(_EXPECTED, (-1, 1)))
    placed, idle, active = place(network, chip), [], []
    for spikes in (667, 750):
        place_of = np.arange(spikes)
        trace = simulate(network, Stimulus.of(place_of // sources, place_of % sources, duration_ticks=ticks),
                         core_of=placed.core_of)  # fmt: skip
        report = cost(count_events(trace, placed), chip)
        low, high = report.dynamic_low_pj / 10**9, report.dynamic_high_pj / 10**9
        idle.append(within(f"{spikes} spikes, updates at the idle price", "mJ", low, published, measured.source,
                           least, most))  # fmt: skip
        active.append(Row(f"{spikes} spikes, updates at the active price", "mJ", high, published, measured.source))
    return Truth(4, "Nearest neighbours on Pohoiki Springs", "Table davies2018, simulated before there was silicon, "
                 f"against a measurement; the table lets expect {' to '.join(_EXPECTED)} mJ. What lies between the two "
                 "prices is how many updates were of active neurons, which was not published.",
                 tuple(row for pair in zip(idle, active) for row in pair), _unlike(*idle))  # fmt: skip


def _unlike(least, most):
    """How far two rows, the least and the most, are from what was measured."""
    return ("As expected means within the range that the published table predicts, not agreement with the "
            f"measurement: the computed {float(least.computed):.2f} to {float(most.computed):.2f} {least.unit} lie "
            f"{least.ratio - 1:.0%} to {most.ratio - 1:.0%} above the measured {least.published} {least.unit}.")


_RATES = {"11_58": 1158, "20_07": 2007, "95_93": 9593}  # spikes per neuron in 100,000 ticks


def truenorth(config):
    """One core of a chip that is full of such cores: 256 neurons that fire at a given rate, 128 synapses each."""
    chip = load_chip("truenorth")
    runs = {name: _truenorth_run(chip, rate) for name, rate in (_RATES | {"20": 2000}).items()}
    price = {name: cost(counts, chip, "affine", tick_us=1000) for name, counts in runs.items()}
    power = {name: report.full_chip_power_mw[0] for name, report in price.items()}
    facts = {name: chip.facts[f"power_at_{name}_hz_mw"] for name in _RATES}
    events = {name: Fraction(counts.total("synaptic_events") * 4096 * 1000, counts.duration_ticks)
              for name, counts in runs.items()}  # fmt: skip
    slope = 10**9 * (facts["95_93"].exact - facts["11_58"].exact) / (events["95_93"] - events["11_58"])
    base = facts["11_58"].exact - slope * events["11_58"] / 10**9
    source = facts["20_07"].source
    rows = [
        as_printed("slope through 11.58 and 95.93 Hz", "pJ", slope, "2.2966", "chip file, table affine"),
        as_printed("its power at rest", "mW", base, "64.43", "chip file, table affine"),
        as_printed("power at 20.07 Hz, predicted", "mW", power["20_07"], "70.62", "the two other points"),
        as_printed("power at 20.07 Hz, measured", "mW", power["20_07"], "71", source),
        _row_of_all_in(chip, runs["20"], "20 Hz", chip.facts["power_at_20_hz_at_0_775_v_mw"], own=True),
    ]
    rows += [_row_of_all_in(chip, runs[name], f"{name.replace('_', '.')} Hz", facts[name], own=False)
             for name in ("11_58", "95_93")]  # fmt: skip
    return Truth(5, "TrueNorth at three rates", "Two published points give the third. 26 pJ per synaptic event holds "
                 "at its own point alone; elsewhere cost() refuses it, and the power shown is what it would have "
                 "been.", tuple(rows))  # fmt: skip


def _truenorth_run(chip, rate):
    neuron = np.arange(256)
    post = (neuron[:, None] + np.arange(128)) % 256
    network = _clocks(256 * rate, 256 * 100_000, 100_000 * neuron, np.repeat(neuron, 128), post.ravel())
    placed = Placement.of(network, np.zeros(256, np.int32), chip)
    return count_events(simulate(network, Stimulus.silent(6250), core_of=placed.core_of), placed)


def _row_of_all_in(chip, counts, where, fact, own):
    """26 pJ per event on a full chip; at its own operating point it is costed, elsewhere it must be refused."""
    price = chip.tables["all_in"].energy.synaptic_event_pj.exact
    power = price * counts.total("synaptic_events") * 4096 / (counts.duration_ticks * 10**6)
    published, accepted = str(fact.value), "priced by cost()" if own else "refused by cost()"
    try:
        costed = cost(counts, chip, "all_in", tick_us=1000).full_chip_power_mw[0]
    except ProvenanceError:
        return Row(f"26 pJ per event at {where}, refused", "mW", power, published, fact.source, accepted, not own)
    return Row(f"26 pJ per event at {where}", "mW", power, published, fact.source, accepted, own and costed == power)


def full_chip(config):
    """131,072 neurons, one tick: all with a potential of 0, and all with one of 1."""
    chip, energies = load_chip("loihi"), []
    for start in (0.0, 1.0):
        neurons = {"model": ["integrate"] * 131_072, "v_th": 10.0, "v_start": start}
        network = eventsim.network(neurons, {"pre": [], "post": [], "weight": [], "delay_ms": []})
        placed = place(network, chip)
        trace = simulate(network, Stimulus.silent(1), core_of=placed.core_of)
        activity = count_activity(trace, placed)
        energies.append(energy_of(cost(count_events(trace, placed), chip, activity=activity)) / 10**6)
    source = "131,072 neurons x 52 and 81 pJ of Davies 2018, Table 2, page 96"
    rows = (as_printed("all neurons idle", "uJ", energies[0], "6.816", source),
            as_printed("all neurons active", "uJ", energies[1], "10.617", source))  # fmt: skip
    return Truth(6, "One tick of a full Loihi", "Table davies2018; which neurons are active is counted.", rows)


#: Every truth, a function of the configuration; number 3 is there where SANA-FE is installed.
TRUTHS = (by_hand, random_wiring, *((by_sanafe,) if installed() else ()), nearest_neighbours, truenorth, full_chip)

#: What is not there: number, title, and why.
LEFT_OUT = () if installed() else (NOT_INSTALLED,)
