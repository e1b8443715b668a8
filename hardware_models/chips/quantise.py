"""quantise: a network in a chip's integers, and what it lost on the way."""

from typing import NamedTuple

import numpy as np

from eventsim.compiled_network import CompiledNetwork
from eventsim.errors import ConfigError
from eventsim.stimulus import Stimulus
from hardware_models.chips.file import the_chip
from hardware_models.integers.choices import require_choice
from hardware_models.integers.copies import matches
from hardware_models.integers.loihi.quantised import onto_loihi
from hardware_models.integers.losses import Losses
from hardware_models.integers.obstacles import read
from hardware_models.integers.truenorth.quantised import onto_truenorth

__all__ = ["Quantised", "quantise"]

#: Chip -> how a network is put onto it, and the choices it leaves open.
_ONTO = {"loihi": (onto_loihi, ("bits", "overflow")), "truenorth": (onto_truenorth, ("repeats", "seed"))}


class Quantised(NamedTuple):
    """A network in a chip's integers, and what it lost.

    Parameters
    ----------
    network : CompiledNetwork
        Neurons of the network that was given keep their ids; copies of neurons come after them.
    losses : Losses
    original : (n_neurons,) int32
        Of each neuron, the one in the network that was given of which it is a copy, or itself.
    """

    network: CompiledNetwork
    losses: Losses
    original: np.ndarray

    def stimulus(self, given):
        """A stimulus of the network that was given, for this one: copies of sources fire with them."""
        copies = np.arange(self.original.size)[self.network.is_source]
        order = np.argsort(self.original[copies], kind="stable")
        copies, of = copies[order], self.original[copies][order]
        spike, place = matches(of, given.neuron)
        windows = np.column_stack([given.query_start, given.query_stop])
        return Stimulus.of(given.tick[spike], copies[place], windows, given.input_id, given.reset,
                           given.duration_ticks)  # fmt: skip


def quantise(network, chip, **choices):
    """A network in the chip's integers.

    Parameters
    ----------
    network : CompiledNetwork
    chip : Chip, str or Path
        Loihi or TrueNorth, or its name or file, as `load_chip` takes them.
    **choices
        On Loihi `bits` and `overflow`, see `integers.loihi.quantised`; on TrueNorth `repeats` and `seed`, see
        `integers.truenorth.quantised`.

    Returns
    -------
    Quantised

    Raises
    ------
    ConfigError
        When something cannot be said on the chip; the message has all of `integers.obstacles.obstacles`.

    Examples
    --------
    >>> integers, losses, _ = quantise(network, "loihi")    # doctest: +SKIP
    """
    chip = the_chip(chip)
    require_choice("chip", chip.name, _ONTO)
    onto, known = _ONTO[chip.name]
    for name in choices:
        require_choice(f"a choice for {chip.name}", name, known)
    found, cells, arriving = read(network, chip)
    if found:
        raise ConfigError(f"{chip.name} cannot run this network: {'; '.join(found)}; change that, or cost it as it is")
    made, losses, original = onto(network, chip, cells, arriving, **choices)
    _require_thresholds(network, cells, losses)
    return Quantised(made, losses, original)


def _require_thresholds(network, cells, losses):
    """Raises ConfigError where weights, or other thresholds, are so large that one is off by half of itself or more."""
    for name in losses.populations.query("threshold_error >= 0.5").index:
        k = [p.name for p in network.populations].index(name)
        largest = {
            p.name: np.abs(network.weight[p.synapses]).max(initial=0.0) for p in network.pathways if p.target == k
        }
        pathway = max(largest, key=largest.__getitem__, default=None)
        beside = f"pathway '{pathway}': weights up to {largest[pathway]:.3g} beside " if largest else ""
        least, most = cells[k].threshold.min(), cells[k].threshold.max()
        raise ConfigError(
            f"{losses.chip} cannot run this network: {beside}thresholds from {least:.3g} in '{name}', up to "
            f"{most:.3g}, all in one unit: a threshold is half or more of itself off; use smaller weights (one above "
            "the threshold fires by itself), thresholds that are nearer to each other, or cost it as it is"
        )
