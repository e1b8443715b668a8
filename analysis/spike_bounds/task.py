"""The task of a trace: what its spikes were to say, how they are read, and the cuts that the answer has to cross.

It is written into a trace's manifest by whoever runs the circuit (`describe_task`), and read from there (`read_task`).
"""

from dataclasses import dataclass, replace

import numpy as np

from analysis.given import numbers
from circuits.decoder import read_decoder
from eventsim.errors import ConfigError

__all__ = ["Cut", "Task", "describe_task", "read_task"]


@dataclass(frozen=True)
class Cut:
    """Populations that everything the decoder learns has to pass.

    Parameters
    ----------
    populations : tuple of str
        By path or label.
    ticks : int or None
        How long they can fire in each query; None for the whole query.
    signed_pairs : bool
        Whether channels come in pairs, one for + and one for -, of which one is silent in each query.
    refractory_ticks : int
        Ticks from a spike of a channel to the earliest next one.
    """

    populations: tuple[str, ...]
    ticks: int | None = None
    signed_pairs: bool = False
    refractory_ticks: int = 1

    @property
    def name(self):
        return " + ".join(self.populations)


@dataclass(frozen=True, eq=False)
class Task:
    """What the spikes were to say.

    Parameters
    ----------
    cuts : tuple of Cut
    reference : (queries, d) float
        The exact output.
    decoded : (queries, d) float
        What the decoder made of the spikes; NaN where it made nothing.
    counts_only : bool or None
        Whether the decoder reads counts alone; None where that is not known.
    answers : (queries,) int or None
        The right classes, where the output is a score of each.
    """

    cuts: tuple[Cut, ...]
    reference: np.ndarray
    decoded: np.ndarray
    counts_only: bool | None
    answers: np.ndarray | None

    @property
    def squared_error(self):
        """(queries,): squared Euclidean distance to the reference; of nothing, that of the mean reference."""
        filled = np.where(np.isnan(self.decoded), self.reference.mean(axis=0), self.decoded)
        return np.square(filled - self.reference).sum(axis=1)

    @property
    def wrong(self):
        """(queries,) bool: classes that were not answered rightly."""
        return np.nan_to_num(self.decoded, nan=-np.inf).argmax(axis=1) != self.answers


def describe_task(circuit, reference, answers=None, *, error, weights_ticks=None):
    """The task as plain types for a manifest.

    Parameters
    ----------
    circuit : Circuit
        With `decoder` and `cuts`, as attention heads have them.
    reference : (queries, d) float
    answers : (queries,) int, optional
    error : str
        In words, what the experiment reports as its error.
    weights_ticks : int, optional
        How long the first cut can fire in each query.
    """
    signed = getattr(circuit, "signs", np.ones(1)).size == 2
    inputs = getattr(circuit, "input_cut", None)
    cuts = [{"populations": list(names), "ticks": weights_ticks if place == 0 else None,
             "signed_pairs": bool(signed and names == inputs)} for place, names in enumerate(circuit.cuts)]  # fmt: skip
    return {
        "decoder": circuit.decoder.to_json(), "cuts": cuts,
        "reference": np.reshape(reference, (len(reference), -1)).tolist(),
        "answer": None if answers is None else np.asarray(answers).tolist(), "error": error,
    }  # fmt: skip


def read_task(trace, path, *, cuts=(), reference=None, decoded=None, answers=None, ticks=None, refractory_ticks=None):
    """The Task of a trace, from its manifest and from what is given beside it, which wins.

    Parameters
    ----------
    trace : Trace
    path : str
        How errors name the trace.
    cuts : sequence of str
        Populations joined by "+", each a cut.
    reference, decoded : (queries, d) float, optional
    answers : (queries,) int, optional
    ticks, refractory_ticks : int, optional
        Of every cut.

    Raises
    ------
    ConfigError
        When neither the manifest nor the arguments say what was asked and how it is read.
    """
    noted = trace.manifest.get("task")
    noted = noted if isinstance(noted, dict) else {}
    found = tuple(Cut(tuple(part.strip() for part in cut.split("+"))) for cut in cuts) or _noted_cuts(noted, path)
    found = tuple(
        replace(cut, ticks=ticks or cut.ticks, refractory_ticks=refractory_ticks or cut.refractory_ticks)
        for cut in found
    )
    queries = max(1, trace.stimulus.n_queries)
    reference = _array(noted.get("reference") if reference is None else reference, "reference", queries, path)
    counts_only = None
    if decoded is None:
        decoder = read_decoder(noted.get("decoder"), path)
        decoded, counts_only = decoder.decode(trace).reshape(queries, -1), decoder.counts_only
    decoded = _array(decoded, "decoded", queries, path, may_lack=True)
    if decoded.shape != reference.shape:
        raise ConfigError(f"{path}: the decoder gives {decoded.shape[1]} numbers per query, and the reference has "
                          f"{reference.shape[1]}; they must be equal")  # fmt: skip
    answers = noted.get("answer") if answers is None else answers
    if answers is not None:
        answers = np.asarray(answers)
        if answers.shape != (queries,) or answers.dtype.kind not in "iu":
            raise ConfigError(f"{path}: there are {queries} queries; give as many whole numbers as answers")
        if answers.min() < 0 or answers.max() >= reference.shape[1]:
            raise ConfigError(f"{path}: its answers are classes {answers.min()} to {answers.max()}; of "
                              f"{reference.shape[1]} outputs, classes are 0 to {reference.shape[1] - 1}")  # fmt: skip
    return Task(found, reference, decoded, counts_only, answers)


def _noted_cuts(noted, path):
    cuts = noted.get("cuts")
    if not isinstance(cuts, list) or not cuts:
        raise ConfigError(f"{path}: its manifest names no cut (task.cuts); name one: --cut 'population'")
    try:
        return tuple(Cut(**{**cut, "populations": tuple(cut["populations"])}) for cut in cuts)
    except (TypeError, KeyError):
        raise ConfigError(f"{path}: its manifest describes its cuts wrongly: {cuts}; name one: --cut "
                          "'population'") from None  # fmt: skip


def _array(values, name, queries, path, may_lack=False):
    if values is None:
        raise ConfigError(f"{path}: its manifest has no task.{name}; give the exact outputs, one row per query: "
                          f"--{name} FILE.npy")  # fmt: skip
    values = numbers(f"{path}: its {name}", values)
    if values.ndim != 2 or len(values) != queries or not (may_lack or np.isfinite(values).all()):
        raise ConfigError(f"{path}: its {name} has shape {values.shape}; give a finite ({queries}, d) array, one row "
                          "for each query")  # fmt: skip
    return values
