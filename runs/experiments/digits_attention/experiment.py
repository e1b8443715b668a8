"""digits-attention: real handwritten digits through a spiking attention circuit, from synapses to joules.

No training: the query is a test image, the keys are labelled images, the values their one-hot labels, and the
class is read from softmax(beta q.K) V. Accuracy cannot tell a softmax from a winner-take-all here, so what is
tested is how far each query's spike shares are from exact softmax, beside a winner-take-all that must fail.
"""

from dataclasses import dataclass, replace
from time import perf_counter
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from analysis.audit import AuditReport, audit
from analysis.shares import integration_test, multinomial_test, multinomial_tv, total_variation
from analysis.spike_bounds import describe_task, measure_bounds, read_task
from circuits import SOFTMAX, StoredKeyAttention
from eventsim import Trace, compile_network, simulate
from hardware_models import CostReport, Placement, cost, count_events, load_chip, place
from runs.experiments.bounds_section import bounds_in_words
from runs.inputs import Recall, digits

__all__ = ["Config", "Outcome", "lines", "n_tokens", "permuted", "run"]

Positive = Annotated[int, Meta(ge=1)]
PositiveFloat = Annotated[float, Meta(gt=0)]

#: Length of the shares' interval in the printed test, and how many curve points show error against ticks.
CONFIDENCE, CURVE_POINTS = 0.99, 6

CONTROL = "winner_take_all"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/digits_attention.toml for what each key means."""

    support: Annotated[int, Meta(ge=2)]
    queries: Positive
    seed: Annotated[int, Meta(ge=0, lt=2**31)]
    beta: PositiveFloat
    softmax: Literal[tuple(SOFTMAX)]
    ticks: Positive
    rate_per_tick: Annotated[float, Meta(gt=0, le=1)]
    inhibition: PositiveFloat
    encode_ticks: Positive
    limit: PositiveFloat
    reset: Literal["spikes", "host", "none"]
    chip: str
    table: str
    tick_ms: PositiveFloat


@dataclass(frozen=True, eq=False)
class Outcome:
    """One circuit on all queries: what it was, what it did, and how its shares compare with softmax."""

    softmax: str
    circuit: StoredKeyAttention
    placement: Placement
    trace: Trace
    exact: np.ndarray  # (m, n) softmax weights
    encoding_error: np.ndarray  # (m,) of the logits
    counts: np.ndarray  # (m, n) weight spikes
    outputs: np.ndarray  # (m, c) output spikes

    @property
    def shares(self):
        """(m, n): counts over their sum, zero where a query has no spike."""
        return self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)

    def share_test(self, config):
        """The test that belongs to the configured softmax circuit, applied to these counts."""
        if config.softmax == "escape_inhibition":
            return multinomial_test(self.counts, self.exact, seed=config.seed + 1, confidence=CONFIDENCE)
        return integration_test(self.counts, self.exact, logit_error=self.encoding_error)


def run(config, folder, progress):
    """Run the experiment; write trace.h5 and report.html into `folder` and return the summary."""
    from runs.experiments.digits_attention.report import write  # matplotlib takes a while to import

    began = perf_counter()
    chip, data = load_chip(config.chip), digits(config.support, config.queries, config.seed)
    outcome = _simulate(config, config.softmax, data, chip, folder / "trace.h5", progress)
    control = _simulate(config, CONTROL, data, chip, None, progress)
    simulated = perf_counter() - began
    counts = count_events(outcome.trace, outcome.placement)
    costs = {
        name: cost(counts, chip, config.table, tick_us=tick, queries=config.queries, network=outcome.trace.network)
        for name, tick in (("fastest", "fastest"), ("real_time", config.tick_ms * 1e3))
    }
    verdict = audit(outcome.trace, outcome.placement, costs["fastest"])
    summary = _summary(config, data, outcome, control, costs, verdict)
    summary["seconds"] = {"build_and_simulate": simulated, "all_but_report": perf_counter() - began}
    write(folder / "report.html", config, data, outcome, control, summary)
    outcome.trace.close()
    return summary


def n_tokens(config):
    """Tokens that `permuted` permutes."""
    return config.support


def permuted(config, order, keyed_by="token"):
    """The circuit with its stored tokens in another order, and the stimulus for it.

    Parameters
    ----------
    config : Config
    order : (n,) int64
        Token order[j] is stored at place j.
    keyed_by : str
        "token": the noise follows the tokens. "index": it stays at its place.

    Returns
    -------
    (StoredKeyAttention, Stimulus)
    """
    data = digits(config.support, config.queries, config.seed)
    stored = replace(data, keys=data.keys[order], labels=data.labels[order])
    circuit = _circuit(config, config.softmax, stored, token_keys=order if keyed_by == "token" else None)
    return circuit, circuit.stimulus(data.queries, data.input_id)


def _circuit(config, softmax, data, token_keys=None):
    return StoredKeyAttention(
        data.keys, data.values, beta=config.beta, softmax=softmax, active_ticks=config.ticks,
        rate_per_tick=config.rate_per_tick, inhibition=config.inhibition, encode_ticks=config.encode_ticks,
        limit=config.limit, reset=config.reset, seed=config.seed, token_keys=token_keys,
    )  # fmt: skip


def _simulate(config, softmax, data, chip, path, progress):
    circuit = _circuit(config, softmax, data)
    network = compile_network(circuit.network())
    placement = place(network, chip)
    exact = circuit.exact(data.queries)
    manifest = {
        "experiment": "digits-attention", "config": msgspec.to_builtins(config), "seed": config.seed,
        "circuit": {"name": circuit.name, "softmax": softmax, "populations": circuit.labels(),
                    "warmup_ticks": circuit.phases.warmup_ticks, "active_ticks": circuit.phases.active_ticks,
                    "flush_ticks": circuit.phases.flush_ticks},
        "placement": {"chip": config.chip, "table": config.table, "hash": placement.hash},
        "task": describe_task(
            circuit, exact @ data.values.filled(0), data.answers, weights_ticks=circuit.phases.active_ticks,
            error="root mean square over queries of the Euclidean distance to the reference",
        ),
    }  # fmt: skip
    trace = simulate(
        network, circuit.stimulus(data.queries, data.input_id), trace=path, core_of=placement.core_of,
        progress=progress, manifest=manifest,
    )  # fmt: skip
    return Outcome(softmax, circuit, placement, trace, exact, circuit.encoding_error(data.queries),
                   circuit.weight_counts(trace), circuit.decode(trace))  # fmt: skip


def _summary(config, data: Recall, outcome, control, costs: dict[str, CostReport], verdict: AuditReport):
    """Everything that is printed, as plain types."""
    m = config.queries
    test, control_test = outcome.share_test(config), control.share_test(config)
    received, _ = outcome.trace.received()
    nearest = (data.queries @ data.keys.T).argmax(axis=1)
    return {
        "experiment": "digits-attention",
        "config": msgspec.to_builtins(config),
        "chance": 1 / data.n_classes,
        "accuracy": {
            "spikes": _accuracy(outcome.outputs, data),
            "exact_softmax": _accuracy(outcome.exact @ data.values.filled(0), data),
            "nearest_neighbour": _accuracy(np.eye(data.n_classes)[data.labels[nearest]], data),
            CONTROL: _accuracy(control.outputs, data),
        },
        "shares": {"circuit": config.softmax, "text": _in_words(test), **test.to_json()},
        "control": {"circuit": CONTROL, "text": _in_words(control_test), **control_test.to_json()},
        "error_against_ticks": {config.softmax: _curve(config, outcome), CONTROL: _curve(config, control)},
        "spikes": {
            "target_pool": outcome.circuit.target_spikes,
            "pool": float(outcome.circuit.pool_counts(outcome.trace).sum(axis=1).mean()),
            "weights": float(outcome.counts.sum(axis=1).mean()),
            "output": float(outcome.outputs.sum(axis=1).mean()),
        },
        "per_query": {
            "ticks": outcome.circuit.duration_ticks,
            "spikes": outcome.trace.n_spikes / m,
            "synaptic_events": int(received.sum()) / m,
            "spikes_by_population": _spikes_by_population(outcome, m),
        },
        "network": {"neurons": outcome.trace.network.n_neurons, "synapses": outcome.trace.network.n_synapses,
                    "cores": int(outcome.placement.n_cores), "hash": outcome.trace.network.hash},
        "energy": {name: report.to_json() for name, report in costs.items()},
        "bounds": measure_bounds(outcome.trace, read_task(outcome.trace, "trace.h5")).to_json(),
        "audit": verdict.to_json(),
    }  # fmt: skip


def _in_words(test):
    if test.worst_ratio is None:
        return (f"total variation {test.mean_tv:.4f}; a multinomial gives {test.predicted_tv:.4f}, and "
                f"{CONFIDENCE:.0%} of the time {test.low:.4f} to {test.high:.4f}")  # fmt: skip
    return (f"total variation {test.mean_tv:.4f}, bound {test.predicted_tv:.4f}; worst token at {test.worst_ratio:.2f} "
            f"of its own bound; counts exact for logits off by {test.needed_logit_error:.2g}")  # fmt: skip


def _accuracy(scores, data):
    return float((np.asarray(scores).argmax(axis=1) == data.answers).mean())


def _spikes_by_population(outcome, m):
    spikes = outcome.trace.spikes()
    labels = outcome.circuit.labels()
    return {path: int(((spikes.neuron >= a) & (spikes.neuron < b)).sum()) / m for path, (a, b) in labels.items()}


def _curve(config, outcome):
    """Mean total variation when counting stops after so many active ticks, and what is predicted for it."""
    ticks = np.unique(
        np.geomspace(max(1, config.ticks / 2 ** (CURVE_POINTS - 1)), config.ticks, CURVE_POINTS).astype(int)
    )
    rows = []
    for upto in ticks.tolist():
        counts = outcome.circuit.weight_counts(outcome.trace, upto_ticks=upto)
        error = total_variation(counts, outcome.exact)
        half_width = 1.96 * float(error.std(ddof=1)) / np.sqrt(error.size) if error.size > 1 else None
        row = {"ticks": upto, "mean_tv": float(error.mean()), "half_width": half_width, "predicted_tv": None}
        if outcome.softmax == "escape_inhibition":
            row["predicted_tv"] = float(multinomial_tv(counts.sum(axis=1), outcome.exact).mean())
        rows.append(row)
    return rows


def lines(summary):
    """The summary in words, for a terminal."""
    s, config = summary, summary["config"]
    accuracy, shares, control, spikes = s["accuracy"], s["shares"], s["control"], s["spikes"]
    network, per_query = s["network"], s["per_query"]
    yield (f"{config['queries']} digits by attention over {config['support']} labelled ones: {network['neurons']:,} "
           f"neurons, "
           f"{network['synapses']:,} synapses, {per_query['ticks']:,} ticks per query")  # fmt: skip
    yield (f"accuracy    {accuracy['spikes']:.1%} by spikes, {accuracy['exact_softmax']:.1%} exact softmax, "
           f"{accuracy['nearest_neighbour']:.1%} nearest neighbour, {accuracy[CONTROL]:.1%} winner-take-all "
           f"circuit")  # fmt: skip
    for label, tested in (("softmax", shares), ("control", control)):
        yield f"{label}     {tested['circuit']} {'passes' if tested['passes'] else 'fails'}: {tested['text']}"
    yield (f"spikes      {spikes['target_pool']:.0f} wanted of the pool, {spikes['pool']:.1f} came, "
           f"{spikes['weights']:.1f} became weights; "
           f"{per_query['spikes']:,.0f} spikes and {per_query['synaptic_events']:,.0f} synaptic events per "
           f"query")  # fmt: skip
    for report in s["energy"].values():
        each, ticks = report["per_query"], report["ticks"]
        yield (f"energy      {report['table']}, per query, one after the other: {each['dynamic_low_pj'] / 1e6:.2f} to "
               f"{each['dynamic_high_pj'] / 1e6:.2f} uJ dynamic, {each['static_pj'] / 1e6:,.1f} uJ static at ticks of "
               f"{ticks['mean_us']:,.2f} us ({ticks['rule']}); {each['static_parallel_pj'] / 1e6:,.1f} uJ static with "
               f"{report['copies']} copies in parallel")  # fmt: skip
    missing = s["energy"]["fastest"]["missing"]
    if missing:
        things = f"{len(missing)} things that this network needs (all in the report)"
        yield f"            not runnable as is: {config['chip']} lacks {things}, first {missing[0]}"
    yield from (f"bound       {text}" for text in bounds_in_words(s["bounds"]))
    laws = s["audit"]["laws"]
    passed = sum(law["verdict"] == "passed" for law in laws)
    yield f"audit       {passed} of {len(laws)} laws passed"
    yield from (
        f"            {law['name']} {law['verdict']}: {law['detail']}" for law in laws if law["verdict"] != "passed"
    )
