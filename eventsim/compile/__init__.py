"""compile_network: a brian2.Network becomes a CompiledNetwork.

The only package that reads Brian2's internals. It asks Brian2 for what Brian2 itself would run: the abstract code after
the chosen integrator, the statements after loop-invariant optimisation, the resolved names, the refractory conditions,
and the order of objects within a time step. What it does not know it refuses, by object and statement.
"""

from eventsim.compile.reader import callers_names, compile_network
from eventsim.compile.recorded_run import trace_from_brian2
from eventsim.compile.target import numpy_target

__all__ = ["callers_names", "compile_network", "numpy_target", "trace_from_brian2"]
