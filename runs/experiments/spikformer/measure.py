"""One trained model on images: built, run, audited, placed, costed and put into a chip's integers."""

from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from analysis.audit import audit
from analysis.spike_bounds import describe_task, measure_bounds, read_task
from circuits.classifier import Classifier
from eventsim import Trace, compile_network, simulate
from eventsim.errors import CapacityError, ConfigError
from hardware_models import Placement, cost, count_activity, count_events, load_chip, place, quantise

__all__ = ["OnChip", "Ran", "figures", "run_model"]


#: What the bounds that are shown are for; see `analysis.spike_bounds.asked_of`.
_CLASS = "the class, at this accuracy"


class OnChip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a network is costed on a chip."""

    table: str
    tick_us: float | Literal["fastest"]


@dataclass(frozen=True, eq=False)
class Ran:
    """A model on images.

    Parameters
    ----------
    circuit : Classifier
    trace : Trace
    placements : dict of str to Placement or str
        Chip -> where the neurons are, or why they cannot be placed.
    features : (m, steps, tokens, channels) int64
        Spikes of the last block, summed along the residual path.
    answers : (m,) int64 or None
        Right classes, where they are known.
    """

    circuit: Classifier
    trace: Trace
    placements: dict
    features: np.ndarray
    answers: np.ndarray | None

    @property
    def model(self):
        return self.circuit.block

    @property
    def n_images(self):
        return len(self.features)

    def predictions(self, features=None, steps=None):
        """(m,) classes, by default those of the whole run."""
        return self.model.logits(self.features if features is None else features, steps).argmax(axis=1)

    def accuracy(self, features=None, steps=None):
        """Share of right answers; None where they are not known."""
        return None if self.answers is None else float((self.predictions(features, steps) == self.answers).mean())


def run_model(experiment, config, model, images, answers, path, progress, input_id=None):
    """Build the circuit of a model and run it on images, one after the other.

    Parameters
    ----------
    experiment : str
    config : msgspec.Struct
        Has `steps` and `chips`: name -> OnChip.
    model : SpikingTransformer
    images : (m, rows, columns) or (m, rows, columns, colours) integers
    answers : (m,) int64 or None
    path : path
        Of the trace.
    progress : bool
    input_id : (m,) int64, optional

    Returns
    -------
    Ran
    """
    circuit = Classifier(model, steps=config.steps)
    network = compile_network(circuit.network())
    manifest = {
        "experiment": experiment, "config": msgspec.to_builtins(config), "seed": 0,
        "circuit": {"name": circuit.name, "populations": circuit.labels(), "warmup_ticks": 0,
                    "active_ticks": circuit.phases.active_ticks, "flush_ticks": circuit.phases.flush_ticks},
    }  # fmt: skip
    if answers is not None:
        right = np.eye(max(model.head.outputs, answers.max() + 1))[answers, : model.head.outputs]
        manifest["task"] = describe_task(circuit, right, answers, error="share of wrong answers",
                                         weights_ticks=circuit.phases.active_ticks)  # fmt: skip
    placements = {chip: _placed(network, chip) for chip in config.chips}
    first = next((each.core_of for each in placements.values() if isinstance(each, Placement)), None)
    trace = simulate(network, circuit.shown(images, input_id), trace=path, core_of=first, progress=progress,
                     manifest=manifest)  # fmt: skip
    return Ran(circuit, trace, placements, circuit.decode(trace), answers)


def _placed(network, chip):
    try:
        return place(network, load_chip(chip))
    except CapacityError as error:
        return str(error)


def figures(ran, config, progress):
    """What one model did and what it would cost, as plain types."""
    network, m = ran.trace.network, ran.n_images
    received, _ = ran.trace.received()
    reports = {chip: _cost(ran, chip, config.chips[chip]) for chip, each in ran.placements.items()
               if isinstance(each, Placement)}  # fmt: skip
    return {
        "neurons": network.n_neurons, "synapses": network.n_synapses, "ticks_per_image": ran.circuit.duration_ticks,
        "images": m, "accuracy": ran.accuracy(), "predictions": ran.predictions().tolist(),
        "accuracy_by_steps": _by_steps(ran, config),
        "spikes_per_image": ran.trace.n_spikes / m, "synaptic_events_per_image": int(received.sum()) / m,
        "stages": _stages(ran, received), "bounds": _bounds(ran),
        "chips": [_as_it_is(chip, each, reports.get(chip)) for chip, each in ran.placements.items()],
        "audit": _audited(ran, reports),
        "native": [_in_integers(ran, chip, config, progress) for chip in config.native],
    }  # fmt: skip


def _by_steps(ran, config):
    """Accuracy of what has come after each step: a run of fewer steps is the beginning of a longer one."""
    return None if ran.answers is None else [ran.accuracy(steps=t + 1) for t in range(config.steps)]


def _stages(ran, received):
    """Of each population: neurons, spikes per neuron and step, and synaptic events that it receives per image."""
    rows = []
    for path, (start, stop) in ran.circuit.labels().items():
        spikes = ran.trace.spikes(neurons=np.arange(start, stop)).tick.size
        rows.append({
            "stage": path, "neurons": stop - start, "spikes": spikes / ran.n_images,
            "rate": spikes / (ran.n_images * ran.circuit.steps * (stop - start)),
            "synaptic_events": int(received[start:stop].sum()) / ran.n_images,
        })  # fmt: skip
    return rows


def _cost(ran, chip, how):
    counts = count_events(ran.trace, ran.placements[chip])
    return cost(counts, load_chip(chip), how.table, tick_us=how.tick_us, queries=ran.n_images,
                network=ran.trace.network)  # fmt: skip


def _as_it_is(chip, placement, report):
    if report is None:
        return {"chip": chip, "refused": placement}
    return {"chip": chip, "cores": placement.n_cores, "chips": placement.n_chips, "energy": report.to_json()}


def _audited(ran, reports):
    """The audit, with the placement that the run counted by, if there was any."""
    chip = next(iter(reports), None)
    return audit(ran.trace, ran.placements.get(chip) if chip else None, reports.get(chip)).to_json()


def _in_integers(ran, name, config, progress):
    """The network in a chip's integers on the same images: what changed, and what it costs there."""
    chip = load_chip(name)
    try:
        quantised = quantise(ran.trace.network, chip)
    except ConfigError as error:
        return {"chip": name, "refused": str(error)}
    network = quantised.network
    with simulate(network, quantised.stimulus(ran.trace.stimulus), progress=progress) as trace:
        features = ran.circuit.decode(trace)
        placement = place(network, chip)
        counts, activity = count_events(trace, placement), count_activity(trace, placement)
        how = config.chips[name]
        report = cost(counts, chip, how.table, tick_us=how.tick_us, queries=ran.n_images, network=network,
                      activity=activity)  # fmt: skip
        same = ran.predictions(features) == ran.predictions()
        return {
            "chip": name, "accuracy": ran.accuracy(features), "same_predictions": float(same.mean()),
            "changed_spikes": float((features != ran.features).mean()), "spikes_per_image": trace.n_spikes / len(same),
            "cores": placement.n_cores, "energy": report.to_json(), "losses": str(quantised.losses),
        }  # fmt: skip


def _bounds(ran):
    """Spikes that cross each cut, beside what no code could do without for these answers; empty without answers."""
    if ran.answers is None:
        return []
    measured = measure_bounds(ran.trace, read_task(ran.trace, "the trace"))
    return [row.to_json() for row in measured.rows if row.what == _CLASS]
