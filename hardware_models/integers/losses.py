"""Losses: what a network lost when it was put into a chip's integers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["Losses", "largest_error", "returns_note"]

#: Columns that there are on every chip, and where there is no row.
_OF_PATHWAY = ("synapses", "max_error", "rms_error", "zeros_lost", "clipped", "longest_delay_ticks")
_OF_POPULATION = ("scale", "threshold_error", "bias_error", "load")


@dataclass(frozen=True, eq=False)
class Losses:
    """What was lost, by pathway and by population.

    Parameters
    ----------
    chip : str
    pathways : DataFrame
        Indexed by name: synapses, max_error (relative, the largest of a weight that is not 0), rms_error (of the
        errors, relative to that of the weights), zeros_lost (weights that became 0), clipped (beyond the largest that
        the chip can say), longest_delay_ticks. On Loihi also sign and exponent of the format, on TrueNorth axons, the
        distinct ones that the senders drive for it.
    populations : DataFrame
        Indexed by name: scale (the chip's units in one of the network's; the median where neurons differ),
        threshold_error and bias_error (relative, the largest), load (what all inputs of a neuron at once are, of what
        can be summed). On Loihi also tau_v_error, tau_u_error and added_refractory_ticks, on TrueNorth copies,
        neurons that were added because each drives one axon.
    notes : tuple of str
        Differences that no number tells.
    """

    chip: str
    pathways: pd.DataFrame
    populations: pd.DataFrame
    notes: tuple[str, ...]

    @classmethod
    def of(cls, chip, pathways, populations, notes):
        """From rows, mappings with the key pathway or population."""
        return cls(chip, _table("pathway", pathways, _OF_PATHWAY), _table("population", populations, _OF_POPULATION),
                   tuple(notes))  # fmt: skip

    def __str__(self):
        parts = [f"In the integers of {self.chip}:", self.pathways.to_string(), self.populations.to_string()]
        return "\n".join([*parts, *self.notes])


def _table(key, rows, columns):
    return pd.DataFrame(rows, columns=None if rows else [key, *columns]).set_index(key)


def largest_error(made, wanted):
    """The largest relative error of what is not 0."""
    there = wanted != 0
    return float(np.abs(made[there] / wanted[there] - 1.0).max(initial=0.0))


def returns_note(name, cells):
    """A sentence on LinearCells whose reset value is too far for a chip: how soon they can fire again there."""
    if not cells.drawn_up:
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        rising = cells.threshold / cells.bias
        decaying = np.log(1.0 - cells.threshold * (1.0 - cells.keep_v) / cells.bias) / np.log(cells.keep_v)
    ticks = np.where(cells.keep_v == 1.0, rising, decaying)
    ticks = ticks[np.isfinite(ticks) & (ticks > 0)]
    again = f"it fires again {int(ticks.min()):,} ticks later" if ticks.size else "it never fires again by itself"
    yield f"population '{name}': a reset value out of reach is drawn up; on the chip {again}"
