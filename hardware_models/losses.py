"""Losses: what a network lost when it was put into a chip's integers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hardware_models.loihi_arithmetic import ACCUMULATOR_BITS, DECAY_ONE, SIGNS
from hardware_models.loihi_scale import threshold_of

__all__ = ["Losses", "notes_of", "pathway_losses", "population_losses"]


@dataclass(frozen=True, eq=False)
class Losses:
    """What was lost, by pathway and by population.

    Parameters
    ----------
    chip : str
    pathways : DataFrame
        Indexed by name: synapses, sign and exponent of the format, max_error (relative, the largest of a weight that is
        not 0), rms_error (of the errors, relative to that of the weights), zeros_lost (weights that became 0), clipped
        (beyond the largest mantissa), longest_delay_ticks.
    populations : DataFrame
        Indexed by name: scale (the chip's units in one of the network's), tau_v_error, tau_u_error, threshold_error and
        bias_error (relative, the largest), added_refractory_ticks, load (what all inputs of a neuron at once are, of
        what the accumulator holds).
    notes : tuple of str
        Differences that no number tells.
    """

    chip: str
    pathways: pd.DataFrame
    populations: pd.DataFrame
    notes: tuple[str, ...]

    @classmethod
    def of(cls, chip, pathways, populations, notes):
        """From rows of `pathway_losses` and `population_losses`."""
        pathways = pd.DataFrame(pathways, columns=_PATHWAY).set_index("pathway")
        return cls(chip, pathways, pd.DataFrame(populations, columns=_POPULATION).set_index("population"), tuple(notes))

    def __str__(self):
        parts = [f"In the integers of {self.chip}:", self.pathways.to_string(), self.populations.to_string()]
        return "\n".join([*parts, *self.notes])


_PATHWAY = ("pathway", "synapses", "sign", "exponent", "max_error", "rms_error", "zeros_lost", "clipped",
            "longest_delay_ticks")  # fmt: skip
_POPULATION = ("population", "scale", "tau_v_error", "tau_u_error", "threshold_error", "bias_error",
               "added_refractory_ticks", "load")  # fmt: skip


def pathway_losses(pathway, exact, weight, exponent, sign):
    """A row of Losses.pathways; `exact` and `weight` in the chip's units."""
    there = exact != 0
    low, high = (mantissa * 2.0 ** (6 + exponent) for mantissa in SIGNS[sign])
    half = 2.0 ** (5 + exponent + (sign == "mixed"))
    power = np.sum(exact**2)
    return (
        pathway.name, pathway.size, sign, exponent, float(np.abs(weight[there] / exact[there] - 1.0).max(initial=0.0)),
        float(np.sqrt(np.sum((weight - exact) ** 2) / power)) if power else 0.0, int(np.sum(weight[there] == 0)),
        int(np.sum((exact > high + half) | (exact < low - half))), int(pathway.delays.max(initial=0)),
    )  # fmt: skip


def population_losses(name, cells, made, scale, load):
    """A row of Losses.populations, from LinearCells and the LoihiCells made of them."""
    return (
        name, scale, _tau_error(cells.keep_v, 1.0 - made.decay_v / DECAY_ONE),
        _tau_error(cells.keep_u, 1.0 - made.decay_u / DECAY_ONE),
        _largest_error(threshold_of(cells, scale)[1], cells.threshold),
        _largest_error(made.bias / scale, cells.bias), int((made.refractory - cells.refractory).max()),
        load * scale / 2**ACCUMULATOR_BITS,
    )  # fmt: skip


def notes_of(name, cells, scale, load):
    """Sentences on what the numbers do not tell."""
    if cells.wipes and (cells.bias != 0).any():
        yield f"population '{name}': what arrives in the tick of a spike outlives the reset"
    if load * scale >= 2**ACCUMULATOR_BITS:
        yield f"population '{name}': its inputs, all at once, exceed the accumulator"


def _largest_error(made, wanted):
    there = wanted != 0
    return float(np.abs(made[there] / wanted[there] - 1.0).max(initial=0.0))


def _tau_error(keep, kept):
    """The largest relative error of a time constant -1/log(keep); 0 where both forget within a tick."""
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.abs(np.log(keep) / np.log(kept) - 1.0)
    forgets = (keep < 1.0 / DECAY_ONE) & (kept <= 1.0 / DECAY_ONE)
    return float(np.where((keep == kept) | forgets, 0.0, error).max())
