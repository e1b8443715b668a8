"""obstacles: what of a network even a chip's integers cannot say, in the words of `chip.check`."""

import numpy as np

from eventsim.errors import CompileError
from eventsim.expressions import evaluate, names_in
from hardware_models.linear_cells import linear_cells
from hardware_models.loihi_arithmetic import THRESHOLD_LARGEST, UNIT
from hardware_models.loihi_neuron import LONGEST_REFRACTORY

__all__ = ["obstacles", "read"]

#: Beginnings of what `chip.check` finds and integers mend.
_MENDED = (
    "state or constants that are not whole", "weights that are not whole", "weights from", "weights of both",
    "a memoryless gate", "a reset that is not one variable set to 0: none",
)  # fmt: skip


def obstacles(network, chip):
    """One sentence for each thing that even the chip's integers cannot say.

    Returns
    -------
    list of str
        Empty when `hardware_models.quantise` can put the network on the chip.
    """
    return read(network, chip)[0]


def read(network, chip):
    """What a network is in the chip's terms.

    Returns
    -------
    found : list of str
        The obstacles.
    cells : dict of int to LinearCells
        By population.
    arriving : dict of int to (n,) float64
        By pathway, what each of its synapses adds to a potential at the next threshold test.
    """
    found, cells, arriving, lacking = [], {}, {}, chip.check(network)

    def explain(sort, name, otherwise):
        start = f"{sort} '{name}': "
        told = [text for text in lacking if text.startswith(start) and not text[len(start) :].startswith(_MENDED)]
        found.extend(told or [start + otherwise])

    for k, population in enumerate(network.populations):
        if population.is_source:
            continue
        try:
            cells[k] = linear_cells(network, k)
        except CompileError as error:
            explain("population", population.name, error.statement)
            continue
        found += [f"population '{population.name}': {text}" for text in _out_of_range(cells[k])]
    for p, pathway in enumerate(network.pathways):
        added, target = _amounts(network, pathway), cells.get(pathway.target)
        if added is None or pathway.delays.max(initial=0) > chip.limits.delay_ticks.value:
            explain("pathway", pathway.name, "synapses that do more than to add a constant to one variable")
        elif target:
            post = network.post[pathway.first : pathway.first + pathway.size]
            gain = target.gain[pathway.effects[0][0]][post - network.populations[pathway.target].start]
            arriving[p] = gain * added
    for k, one in cells.items():
        own = [values for p, values in arriving.items() if network.pathways[p].target == k]
        found += [f"population '{network.populations[k].name}': {text}" for text in _vanishing(one, own)]
    return list(dict.fromkeys(found)), cells, arriving


def _vanishing(cells, arriving):
    """Weights, and biases, of which nothing is left beside a threshold of 17 bits, as where one resets to -1e9."""
    span = cells.threshold.max(initial=0.0)
    for what, values, unit in (("weights", arriving, UNIT), ("biases", [cells.bias], 1)):
        largest = max((np.abs(each).max(initial=0.0) for each in values), default=0.0)
        if 0 < largest < 0.5 * unit * span / (UNIT * THRESHOLD_LARGEST):
            yield f"{what} up to {largest:.3g}, which vanish beside a threshold {span:.3g} above the reset value"


def _out_of_range(cells):
    if (cells.threshold <= 0).any():
        yield "a threshold that is not above the reset value"
    longest, most = int(cells.refractory.max()), LONGEST_REFRACTORY - 1
    if longest > most:
        yield f"refractory for {longest} ticks, {most} allowed"


def _amounts(network, pathway):
    """(n,) float64: what each synapse adds to its one variable; None if it does anything else."""
    target, part = network.populations[pathway.target], slice(pathway.first, pathway.first + pathway.size)
    if len(pathway.effects) != 1 or pathway.effects[0][1] != "add":
        return None
    value, post = pathway.effects[0][2], network.post[part] - target.start
    known = {"weight": network.weight[part], **pathway.constants}
    known |= {name: values[post] for name, values in target.parameters.items()}
    if not names_in(value, pathway.name) <= known.keys() - {"t", "t_in_timesteps"}:
        return None
    return np.broadcast_to(np.asarray(evaluate(value, known, pathway.name), dtype=np.float64), pathway.size)
