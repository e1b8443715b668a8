"""How estimates grow with the number of samples: the same definitions on random parts of the samples."""

import numpy as np

__all__ = ["part_sizes", "rarefaction"]

#: Sizes from the whole down by halves, none smaller than this.
_SMALLEST = 32


def part_sizes(count, least):
    """Sizes of parts of `count` samples: halves, quarters and so on, none below `least` or 32, ascending."""
    halvings = (count >> power for power in range(1, count.bit_length()))
    return sorted(size for size in halvings if size >= max(least, _SMALLEST))


def rarefaction(statistic, count, sizes, repeats, rng, report=None):
    """Estimates from random parts of the samples, drawn without replacement.

    Parameters
    ----------
    statistic : callable
        From the indices of the samples to keep to the estimates, (E,).
    count : int
        Samples that there are.
    sizes : sequence of int
    repeats : int
        Parts of each size.
    report : callable, optional
        Called with the fraction done after each part.

    Returns
    -------
    (len(sizes), repeats, E) float64
    """
    found, done = [], 0
    for size in sizes:
        found.append([])
        for _ in range(repeats):
            found[-1].append(statistic(rng.choice(count, size, replace=False)))
            done += 1
            if report:
                report(done / (len(sizes) * repeats))
    return np.array(found)
