"""Figures: each function takes arrays and returns a matplotlib Figure, and draws nothing on a screen."""

from analysis.plots.bars import energy_bars, error_by_stage, intervals, messages_by_placer
from analysis.plots.chips import core_heat_map, link_loads
from analysis.plots.curves import convergence, error_against_ticks
from analysis.plots.spikes import raster, weights_against_exact
from analysis.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE

__all__ = [
    "BLACK", "BLUE", "GREEN", "GREY", "ORANGE", "PURPLE", "convergence", "core_heat_map", "energy_bars",
    "error_against_ticks", "error_by_stage", "intervals", "link_loads", "messages_by_placer", "raster",
    "weights_against_exact",
]  # fmt: skip
