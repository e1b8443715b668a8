"""Neurons that rise to a threshold by themselves: what is compiled, or refused, with one thing changed."""

from brian2 import Network, NeuronGroup, Synapses

__all__ = ["RISING", "rising", "rising_pair"]

RISING = "dv/dt = 1/(3*ms) : 1"


def rising(equations=RISING, **options):
    return NeuronGroup(2, equations, **({"threshold": "v >= 1", "reset": "v = 0", "name": "cells"} | options))


def rising_pair(equations="w : 1", on_pre="v_post += w", *, cells=None, connect=True, **options):
    """Recurrent neurons with one Synapses object `wires`, all to all."""
    cells = cells or rising()
    wires = Synapses(cells, cells, equations, on_pre=on_pre, name="wires", **options)
    wires.connect(connect)
    return Network(cells, wires), cells, wires
