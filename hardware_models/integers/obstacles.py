"""obstacles: what of a network even a chip's integers cannot say, in the words of `chip.check`."""

import numpy as np

from eventsim.errors import CompileError
from eventsim.expressions import evaluate, names_in
from hardware_models.integers.loihi import limits as loihi_limits
from hardware_models.integers.truenorth import limits as truenorth_limits

__all__ = ["INTEGERS", "obstacles", "read"]

#: Chip -> the module that says what its integers mend, and what they do not.
INTEGERS = {"loihi": loihi_limits, "truenorth": truenorth_limits}


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
    cells : dict of int to LinearCells or ChanceGates
        By population; those that are neither are left out.
    arriving : dict of int to (n,) float64
        By pathway, what each of its synapses adds to a potential at the next threshold test.
    """
    integers, found, cells, arriving, lacking = INTEGERS[chip.name], [], {}, {}, chip.check(network)

    def explain(sort, name, otherwise):
        start = f"{sort} '{name}': "
        told = [text for text in lacking
                if text.startswith(start) and not text[len(start) :].startswith(integers.MENDED)]  # fmt: skip
        found.extend(told or [start + otherwise])

    for k, population in enumerate(network.populations):
        if population.is_source:
            continue
        try:
            cells[k] = integers.cells_of(network, k)
        except CompileError as error:
            explain("population", population.name, error.statement)
            continue
        found += [f"population '{population.name}': {text}" for text in integers.beyond(cells[k])]
    for p, pathway in enumerate(network.pathways):
        added, target = _amounts(network, pathway), cells.get(pathway.target)
        longest, limit = int(pathway.delays.max(initial=0)), integers.longest_delay(chip)
        if longest > limit:
            found.append(f"pathway '{pathway.name}': delays up to {longest} ticks, {limit} allowed")
        if added is None:
            explain("pathway", pathway.name, "synapses that do more than to add a constant to one variable")
        elif target:
            post = network.post[pathway.synapses]
            gain = target.gain[pathway.effects[0][0]][post - network.populations[pathway.target].start]
            arriving[p] = gain * added
    for k, one in cells.items():
        name, found_here = network.populations[k].name, integers.vanishing(one, *_onto(network, k, arriving))
        found += [f"population '{name}': {text}" for text in found_here]
    return list(dict.fromkeys(found)), cells, arriving


def _onto(network, k, arriving):
    """(post, value), each (m,): the synapses onto population k, by neuron within it, and what they add."""
    onto = [p for p in arriving if network.pathways[p].target == k]
    posts = [network.post[network.pathways[p].synapses] - network.populations[k].start for p in onto]
    return (np.concatenate([np.empty(0, np.int64), *posts]),
            np.concatenate([np.empty(0), *(arriving[p] for p in onto)]))  # fmt: skip


def _amounts(network, pathway):
    """(n,) float64: what each synapse adds to its one variable; None if it does anything else."""
    target, part = network.populations[pathway.target], pathway.synapses
    if len(pathway.effects) != 1 or pathway.effects[0][1] != "add":
        return None
    value, post = pathway.effects[0][2], network.post[part] - target.start
    known = {"weight": network.weight[part], **pathway.constants}
    known |= {name: values[post] for name, values in target.parameters.items()}
    if not names_in(value, pathway.name) <= known.keys() - {"t", "t_in_timesteps"}:
        return None
    return np.broadcast_to(np.asarray(evaluate(value, known, pathway.name), dtype=np.float64), pathway.size)
