"""The report page of digits-attention, written for someone who has never seen the project."""

import numpy as np

from analysis.plots import energy_bars, error_against_ticks, raster, weights_against_exact
from analysis.report import Figure, Section, Table, Verdict, write_report
from runs.experiments.bounds_section import bounds_section, in_short

__all__ = ["write"]

_NAMES = {"escape_inhibition": "escape-rate neurons under shared inhibition",
          "integrate_inhibition": "integrate-and-fire neurons under shared inhibition",
          "winner_take_all": "a hard winner-take-all"}  # fmt: skip
_TERMS = {"neuron_updates": "neuron updates", "synaptic_events": "synaptic events", "messages_in": "messages",
          "hops_east_west": "hops east-west", "hops_north_south": "hops north-south"}  # fmt: skip


def write(path, config, data, outcome, control, summary):
    """Write the page; arguments as `runs.experiments.digits_attention.run` has them."""
    n, m = config.support, config.queries
    lead = (
        f"{m} images of handwritten digits, each classified by attention over {n} labelled ones. Nothing is trained: "
        f"the "
        "answer is softmax(β q·K) V with the labelled images as keys K and their labels as values V. Everything "
        "between "
        "the spikes of an image and the spikes of an answer is spiking neurons and synapses, each synaptic event is "
        "counted where it lands, and the counts are turned into energy with published figures."
    )
    sections = [
        _circuit(config, outcome, summary), _weights(data, outcome, control, summary), _time(config, summary),
        _energy(summary), _bounds(config, summary), _audit(summary),
    ]  # fmt: skip
    settings = ", ".join(f"{key} = {value}" for key, value in summary["config"].items())
    footer = f"Configuration: {settings}\nNetwork {summary['network']['hash']}"
    write_report(path, "Digits by spiking attention", lead, _verdicts(summary), sections, footer)


def _verdicts(s):
    accuracy, shares, control = s["accuracy"], s["shares"], s["control"]
    audit, per_query = s["audit"], s["energy"]["fastest"]["per_query"]
    failed = [law["name"] for law in audit["laws"] if law["verdict"] == "failed"]
    passed = sum(law["verdict"] == "passed" for law in audit["laws"])
    return [
        Verdict("Does it recognise digits?", f"{accuracy['spikes']:.1%} by spikes; exact softmax "
                                             f"{accuracy['exact_softmax']:.1%}, "
                f"nearest neighbour {accuracy['nearest_neighbour']:.1%}, guessing {s['chance']:.0%}"),
        Verdict("Are the spike shares a softmax?", shares["text"], shares["passes"]),
        Verdict("Would the same test notice a fake?", f"a winner-take-all circuit "
                                                      f"{'passes it' if control['passes'] else 'fails it'}: "
                f"total variation {control['mean_tv']:.2f}", not control["passes"]),
        Verdict("Is every synaptic event accounted for?", f"{passed} of {len(audit['laws'])} laws passed"
                + (f"; broken: {', '.join(failed)}" if failed else ""), audit["passed"]),
        Verdict("What would one query cost on Loihi?", f"{per_query['dynamic_low_pj'] / 1e6:.2f} to "
                f"{per_query['dynamic_high_pj'] / 1e6:.2f} µJ dynamic, {per_query['static_pj'] / 1e6:,.0f} µJ static "
                f"at the "
                "fastest ticks" + ("; the chip cannot run it as it is" if s["energy"]["fastest"]["lacks"] else "")),
        Verdict("How many spikes did it need?", in_short(s["bounds"])),
    ]  # fmt: skip


def _circuit(config, outcome, summary):
    network, spikes, per_query = summary["network"], summary["spikes"], summary["per_query"]
    text = (
        f"Each pixel is one input neuron that fires once, the earlier the brighter. Its synapses onto {config.support} "
        "pool neurons, one for each labelled image, carry that image's pixel as their weight, so that every pool "
        f"neuron gathers its logit β q·K. The pool is {_NAMES[config.softmax]}: a relay neuron hands every "
        "pool spike back to the whole pool as inhibition, which is common to all and so divides out of every ratio of "
        "rates. "
        + ("Ticks in which two pool neurons fire at once would bias the ratios; a coincidence gate vetoes them. "
           if config.softmax == "escape_inhibition" else "")
        + "Each remaining spike goes on to the output neuron of its image's label.",
        f"{network['neurons']:,} neurons, {network['synapses']:,} synapses, {per_query['ticks']:,} ticks per query.",
    )  # fmt: skip
    table = Table(
        ("population", "neurons", "spikes per query"),
        tuple((path, f"{stop - start:,}", f"{per_query['spikes_by_population'][path]:.1f}")
              for path, (start, stop) in outcome.circuit.labels().items()),
        f"Of the pool {spikes['target_pool']:.0f} spikes per query were wanted and {spikes['pool']:.1f} came (the "
        f"inhibition has to "
        f"settle first); {spikes['weights']:.1f} became attention weights. Synaptic events per query: "
        f"{per_query['synaptic_events']:,.0f}.", "lrr",
    )  # fmt: skip
    return Section(
        "The circuit, and one query through it", text, (Figure(_raster(outcome), _raster_caption(outcome)), table)
    )


def _raster(outcome):
    query = outcome.trace.queries().iloc[0]
    start, stop = int(query["start_tick"]), int(query["stop_tick"])
    spikes = outcome.trace.spikes(start_tick=start, stop_tick=stop)
    rows = []
    for path, (a, b) in outcome.circuit.labels().items():
        mine = (spikes.neuron >= a) & (spikes.neuron < b)
        rows.append((path, spikes.tick[mine] - start, spikes.neuron[mine] - a, b - a))
    opening = outcome.circuit.phases.warmup_ticks - 1
    marks = ((0, "begin"), (opening, "open"), (opening + outcome.circuit.phases.active_ticks, "close"))
    return raster(rows, marks)


def _raster_caption(outcome):
    return (f"Every spike of the first query, in order of time. Between the dashed lines 'begin' and 'open' the image "
            f"comes in, one "
            f"spike per pixel; from 'open' to 'close' the softmax runs. Output neuron "
            f"{int(outcome.outputs[0].argmax())} fires most: "
            "that is the answer.")  # fmt: skip


def _weights(data, outcome, control, summary):
    shares, control_test, accuracy = summary["shares"], summary["control"], summary["accuracy"]
    spread = -(outcome.exact * np.log(np.maximum(outcome.exact, 1e-300))).sum(axis=1)
    chosen = np.argsort(spread)[[int(0.15 * spread.size), int(0.85 * spread.size)]]
    error = np.sqrt(outcome.exact * (1 - outcome.exact) / np.maximum(outcome.counts.sum(axis=1, keepdims=True), 1))
    stochastic = shares["circuit"] == "escape_inhibition"
    examples = [
        (f"a {data.answers[k]}, read as {outcome.outputs[k].argmax()}", outcome.shares[k], outcome.exact[k],
         error[k] if stochastic else None)
        for k in chosen
    ]  # fmt: skip
    figure = Figure(
        weights_against_exact(examples, outcome.shares, outcome.exact),
        "Share of the softmax's spikes that each labelled image received, beside its exact softmax weight"
        + (", with the 95 % range that counting so many spikes allows" if stochastic else "")
        + ". Left a query with a clear answer, in the middle one with many candidates, right all queries.",
    )
    table = Table(
        ("", "accuracy", "total variation from softmax", "softmax test"),
        (
            ("exact softmax (no spikes)", f"{accuracy['exact_softmax']:.1%}", "0", ""),
            (f"this circuit ({shares['circuit']})", f"{accuracy['spikes']:.1%}", f"{shares['mean_tv']:.4f}",
             "passes" if shares["passes"] else "fails"),
            ("control: winner_take_all circuit", f"{accuracy['winner_take_all']:.1%}", f"{control_test['mean_tv']:.4f}",
             "passes" if control_test["passes"] else "fails"),
            ("nearest neighbour (no spikes)", f"{accuracy['nearest_neighbour']:.1%}", "", ""),
        ),
        "Accuracy hardly tells these apart, so it proves no softmax; the distance of each query's spike shares from "
        "exact softmax does.",
        "lrrl",
    )  # fmt: skip
    text = (
        "Total variation is the fraction of a query's spikes that would have to move to other images for the shares "
        "to equal softmax. "
        f"This circuit {'passes' if shares['passes'] else 'fails'} its test: {shares['text']}.",
    )
    return Section("Attention weights: spikes against exact softmax", text, (figure, table))


def _time(config, summary):
    curves = []
    for circuit, rows in summary["error_against_ticks"].items():
        column = {key: [row[key] for row in rows] for key in rows[0]}
        half_width, predicted = (
            column[key] if None not in column[key] else None for key in ("half_width", "predicted_tv")
        )
        curves.append((circuit, column["ticks"], column["mean_tv"], half_width, predicted))
    text = (
        "Stop counting early and the shares are rougher; before the inhibition has settled there are few spikes or "
        "none. "
        + ("The line is not a fit: it is the mean total variation of a multinomial with exact softmax probabilities "
           "and the "
           "number of spikes that had come by then, one over the square root of that number in the long run. "
           if curves[0][4] else
           "The softmax circuit is deterministic: its error falls as one over the number of spikes, until the "
           "resolution of the "
           "input's spike times is what remains. ")
        + "The winner-take-all does not come closer however long it runs.",
    )  # fmt: skip
    caption = (
        f"Mean over {config.queries} queries, with 95 % intervals of that mean. The same run, read at different times."
    )
    return Section("Error against time", text, (Figure(error_against_ticks(curves), caption),))


def _energy(summary):
    fastest, m = summary["energy"]["fastest"], summary["config"]["queries"]
    terms = [(_TERMS[line["term"]], line["energy_low_pj"] / m / 1e6, line["energy_high_pj"] / m / 1e6)
             for line in fastest["lines"] if line["energy_high_pj"]]  # fmt: skip
    scope = fastest["scope"].replace("_", " ")
    text = (
        f"Counts per core times the table '{fastest['table']}' ({scope}, {fastest['process']}, {fastest['voltage']}), "
        f"on {fastest['n_cores']:,} of its cores. Dynamic energy is an interval because an idle neuron update is "
        "cheaper than an active one, and a potential that is not a whole number is never exactly idle. Static power "
        "runs for as long as a query lasts, so it depends on how long ticks are and on how many queries share it.",
        "Not runnable as is: the chip lacks what the second table lists, so these are the costs of what happened here, "
        "on a chip like it." if fastest["missing"] else "The chip runs this network as it is.",
    )  # fmt: skip
    copies = f"static, {fastest['copies']} copies in parallel, µJ"
    table = Table(
        ("tick length", "dynamic, µJ", "static, one query at a time, µJ", copies, "ms"),
        tuple(_energy_row(report, m) for report in summary["energy"].values()),
        f"Energy and time per query. Not costed: {'; '.join(fastest['not_costed'])}.", "lrrrr",
    )  # fmt: skip
    missing = Table(("the network needs, and the chip lacks",), tuple((text,) for text in fastest["missing"]), "", "l")
    sources = Table(
        ("figure", "source"), tuple(sorted(fastest["sources"].items())), "Where each figure comes from.", "ll"
    )
    lists = (missing, sources) if fastest["missing"] else (sources,)
    caption = "Dynamic energy of one query by kind of event; hatched from all neurons idle to all active."
    return Section("Energy on Loihi", text, (Figure(energy_bars(terms), caption), table, *lists))


def _energy_row(report, queries):
    each, ticks = report["per_query"], report["ticks"]
    return (
        f"{ticks['mean_us']:,.2f} µs ({ticks['rule']})",
        f"{each['dynamic_low_pj'] / 1e6:.2f} to {each['dynamic_high_pj'] / 1e6:.2f}",
        f"{each['static_pj'] / 1e6:,.1f}",
        f"{each['static_parallel_pj'] / 1e6:,.1f}",
        f"{ticks['total_ms'] / queries:,.3f}",
    )


def _bounds(config, summary):
    return bounds_section(summary["bounds"], (
        "The attention weights cross from the softmax to the outputs as spikes of one population over "
        f"{config.support} channels; then the outputs' own spikes say the answer.",
    ))  # fmt: skip


def _audit(summary):
    laws = summary["audit"]["laws"]
    rows = tuple((law["name"], law["verdict"], f"{law['checked']:,}", law["detail"]) for law in laws)
    text = ("Each law recomputes from the spikes and the synapses alone what the engine had counted while it ran.",)
    return Section("Audit", text, (Table(("law", "verdict", "compared", "detail"), rows, "", "llrl"),))
