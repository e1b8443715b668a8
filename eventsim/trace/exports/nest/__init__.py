"""NEST: a network as arrays, a script that runs it there, and the way back into a trace."""

from eventsim.trace.exports.nest.files import FILES, approximations, bring_back, write

__all__ = ["FILES", "approximations", "bring_back", "write"]
