"""NIR, the Neuromorphic Intermediate Representation (Pedersen et al., Nat. Commun. 15, 8122, 2024), in and out.

NIR says what a network computes in continuous time; a program that runs it chooses the steps. Chosen here, as snnTorch
and Norse do (`circuits.nir.cells` has the formulas):

- Time goes in steps of a stated length. A spike is a current of 1 during its step.
- The derivative is taken over a step as it is at its start (forward Euler, "euler"); or solved ("exact").
- A spike passes through maps and cells within its step, and needs one step more where it closes a loop, or as many as
  the loop's Delays say.
- The threshold is strict, v > v_threshold, as NIR has it, and v = v_reset after a spike.

In a circuit every cell takes a tick, so step t of a cell lies in tick t * period + depth: `NirCircuit` keeps count.
"""

from circuits.nir.exporting import to_nir
from circuits.nir.importing import NirCircuit, from_nir

__all__ = ["NirCircuit", "from_nir", "to_nir"]
