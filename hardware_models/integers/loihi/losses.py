"""What of a pathway and of a population was lost in Loihi's integers."""

import numpy as np

from hardware_models.integers.loihi.arithmetic import ACCUMULATOR_BITS, DECAY_ONE, UNIT
from hardware_models.integers.loihi.scale import said, threshold_of
from hardware_models.integers.losses import largest_error, returns_note

__all__ = ["notes_of", "pathway_losses", "population_losses"]


def pathway_losses(pathway, exact, weight, exponent, sign, bits):
    """A row of Losses.pathways, of the format's exponent, sign and bits; `exact` and `weight` in the chip's units."""
    there = exact != 0
    low, high, step = (mantissa * UNIT * 2.0**exponent for mantissa in said(sign, bits))
    power = np.sum(exact**2)
    return {
        "pathway": pathway.name, "synapses": pathway.size, "sign": sign, "exponent": exponent,
        "max_error": float(np.abs(weight[there] / exact[there] - 1.0).max(initial=0.0)),
        "rms_error": float(np.sqrt(np.sum((weight - exact) ** 2) / power)) if power else 0.0,
        "zeros_lost": int(np.sum(weight[there] == 0)),
        "clipped": int(np.sum((exact > high + step / 2) | (exact < low - step / 2))),
        "longest_delay_ticks": int(pathway.delays.max(initial=0)),
    }  # fmt: skip


def population_losses(name, cells, made, scale, load):
    """A row of Losses.populations, from LinearCells and the LoihiCells made of them."""
    return {
        "population": name, "scale": scale, "tau_v_error": _tau_error(cells.keep_v, 1.0 - made.decay_v / DECAY_ONE),
        "tau_u_error": _tau_error(cells.keep_u, 1.0 - made.decay_u / DECAY_ONE),
        "threshold_error": largest_error(threshold_of(cells, scale)[1], cells.threshold),
        "bias_error": largest_error(_bias(cells, made) / scale, cells.bias),
        "added_refractory_ticks": int((made.refractory - cells.refractory).max()),
        "load": load * scale / 2**ACCUMULATOR_BITS,
    }  # fmt: skip


def notes_of(name, cells, scale, load):
    """Sentences on what the numbers do not tell."""
    if cells.wipes and (cells.bias != 0).any():
        yield f"population '{name}': what arrives in the tick of a spike outlives the reset"
    if load * scale >= 2**ACCUMULATOR_BITS:
        yield f"population '{name}': its inputs, all at once, exceed the accumulator"
    yield from returns_note(name, cells)


def _bias(cells, made):
    """The bias that would lead, at the network's decay, to where the chip's leads at its own."""
    decay = made.decay_v / DECAY_ONE
    return made.bias * np.where(decay > 0, (1.0 - cells.keep_v) / np.where(decay > 0, decay, 1.0), 1.0)


def _tau_error(keep, kept):
    """The largest relative error of a time constant -1/log(keep); 0 where both forget within a tick."""
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.abs(np.log(keep) / np.log(kept) - 1.0)
    forgets = (keep < 1.0 / DECAY_ONE) & (kept <= 1.0 / DECAY_ONE)
    return float(np.where((keep == kept) | forgets, 0.0, error).max())
