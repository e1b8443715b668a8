"""Slopes and constants of softmax circuits in words, for a terminal and for the page."""

__all__ = ["in_words", "plus_minus", "slope_in_words"]


def slope_in_words(fit):
    """A slope with its interval, and the floor if one was found."""
    floor = f", floor {fit['floor']:.2g}" if fit["has_floor"] else ""
    return f"{fit['slope']:.3f} ({fit['slope_low']:.3f} to {fit['slope_high']:.3f}){floor}"


def in_words(verdict):
    """A circuit's slope and constant beside those expected."""
    ratio = verdict["ratio"]
    fit = verdict["fit"]
    slope = f"slope {plus_minus(fit['slope'], fit['slope_error'])}, " if fit else ""
    constant = plus_minus(ratio["ratio"], ratio["standard_error"])
    return f"{slope}expected {verdict['expected_slope']:g}; error over law {constant} ({verdict['runs']:,} runs)"


def plus_minus(value, standard_error):
    """A value, and three standard errors."""
    return f"{value:.3f} ± {3 * standard_error:.3f}"
