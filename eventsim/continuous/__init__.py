"""The engine of continuous time: no grid.

What is computed is the exact solution of the network's differential equations between events, and every threshold
crossing at its exact time.

- A time is a whole number of ticks and an offset in [0, 1). Events are simultaneous when both are equal: arrivals
  over paths of equal total delay are; crossings that differ by a rounding are not (`eventsim.continuous.queue`).
- Arrivals at one neuron at one instant are added up before its threshold is tested, several synapses of one sender
  among them. A crossing strictly before an arrival comes before it, as often as it happens; a crossing at the very
  instant of an arrival is decided by the sum.
- A neuron whose value stays above threshold after a subtractive reset fires again at the same instant: K simultaneous
  unit inputs to a neuron that counts to 1 leave it as K simultaneous spikes.
- A delay of 0 acts at the same instant, after the spike and before any later test. A loop of such delays that keeps
  itself going is an error that names its neurons.
- A memoryless gate sees what arrives at one instant, fires at most once in it and forgets.
- While refractory, [t, t + period), a neuron does not fire, and a guarded variable stands still and takes no delivery;
  an arrival at the very end of the period counts. Unguarded variables move on, and may be above threshold at the end.
- `>` or `>=` is the model's own: it decides when an arrival lands exactly on the threshold.
- A neuron that on the grid fires in a tick at random, with odds o (an escape-rate neuron) or chance o (Poisson input),
  has hazard o per tick. Its draws are numbered by its own spikes and keyed by the neuron.
- A function of time that is constant over steps (a TimedArray) changes at the start of the tick in which the grid would
  first see the change.
- The spikes of one instant are listed by neuron, whichever caused the other. Counts go by whole ticks, rounded down.
"""

from eventsim.continuous.engine import ContinuousEngine

__all__ = ["ContinuousEngine"]
