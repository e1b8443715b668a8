"""What all figures share: colours and axes.

Colours are Okabe and Ito's (jfly.uni-koeln.de/color), told apart by colour-blind readers and, by marker and
line style, in grey.
"""

import numpy as np
from matplotlib.figure import Figure

__all__ = ["BLACK", "BLUE", "GREEN", "GREY", "ORANGE", "PURPLE", "axes"]

BLUE, ORANGE, GREEN, PURPLE, GREY, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8a93a3", "#1c2330"


def axes(width, height, columns=1, **keywords):
    """A figure of so many inches, and its axes side by side, without a frame above and to the right."""
    figure = Figure(figsize=(width, height), layout="constrained")
    found = figure.subplots(1, columns, **keywords)
    for ax in np.atleast_1d(found):
        ax.spines[["top", "right"]].set_visible(False)
    return figure, found
