"""The engine of the grid: one Numba function for each model, spike for spike what Brian2 gives."""

from eventsim.grid.engine import UPDATES, GridEngine

__all__ = ["UPDATES", "GridEngine"]
