"""What a calibration would have claimed if it were circular, and what is left of it without its dimensions."""

import numpy as np

from analysis.calibration.dimensions import DIMENSIONS
from analysis.calibration.fit import held_out, score

__all__ = ["by_level", "circular", "shuffled"]


def shuffled(law, table, by, shuffles=20, seed=0):
    """Scores of held-out predictions after dimensions changed places between tasks: a list of Scores.

    A task's dimensions stay together; so a law whose dimension explains anything must lose it.
    """
    rng, names = np.random.default_rng(seed), list(DIMENSIONS)
    tasks = table.drop_duplicates("task").set_index("task")[names]
    found = []
    for _ in range(shuffles):
        others = dict(zip(tasks.index, rng.permutation(len(tasks))))
        moved = table.copy()
        moved[names] = tasks.to_numpy()[table["task"].map(others)]
        found.append(score(law, moved, held_out(law, moved, by)))
    return found


def circular(law, table):
    """The best that fitting and testing on the same rows can do: (R^2, dimension, its power, power of the error).

    One dimension out of all, and both powers, are chosen by least squares beside the constant. None where all rows took
    the same.
    """
    used = np.log(law.measured(table))
    if np.ptp(used) == 0:
        return None
    best = None
    for name in DIMENSIONS:
        columns = [np.ones(len(table)), np.log(table[name]), np.log(table["error"])]
        beta, *_ = np.linalg.lstsq(np.column_stack(columns), used, rcond=None)
        share = 1 - np.square(used - np.column_stack(columns) @ beta).sum() / np.square(used - used.mean()).sum()
        if best is None or share > best[0]:
            best = (float(share), name, float(beta[1]), float(-beta[2]))
    return best


def by_level(law, fitted, table, columns=("circuit", "family", "dataset")):
    """Scores of one fit on each level of each column: mapping of column to level to Scores."""
    return {column: {level: score(law, table[table[column] == level], fitted) for level in table[column].unique()}
            for column in columns}  # fmt: skip
