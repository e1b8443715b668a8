"""The records of the kernel: what changes in each neuron, and what neurons of one kind share. Times are in ticks."""

import numpy as np

__all__ = ["CELL", "FURTHER", "KIND", "NOISE", "N_PARAMETERS", "STATE"]

#: Names of the state variables; x is the one with a threshold.
STATE = ("x", "y", "z")

N_PARAMETERS = 9

#: All that a delivery to a leaky neuron reads and writes, in 64 bytes: one cache line.
CELL = np.dtype([
    ("x", np.float64),
    ("tick", np.int64), ("offset", np.float64),  # of its last event
    ("release_tick", np.int64), ("release_offset", np.float64),  # end of its refractory period; a gate's last spike
    ("received_count", np.int64), ("received_weight", np.float64),  # deliveries, and the sum of their weights
    ("mark", np.uint32),  # the last round that reached it
    ("kind", np.uint32),
])  # fmt: skip

#: The state variables beside x.
FURTHER = np.dtype([("y", np.float64), ("z", np.float64)])

#: What neurons may share.
KIND = np.dtype([
    ("family", np.int64), ("population", np.int64),
    ("theta", np.float64),  # infinite for families that need none
    *((f"p{k}", np.float64) for k in range(N_PARAMETERS)),  # said in the file of each family
    *((f"keep_{name}", np.float64) for name in STATE),  # a reset makes each state variable
    *((f"shift_{name}", np.float64) for name in STATE),  # keep * value + shift
    ("refractory_ticks", np.int64), ("refractory_part", np.float64),  # whole ticks and a fraction of one
    ("strict", np.int64),  # fires above theta, not at it
    ("guarded", np.int64),  # x stands still, and takes no delivery, while refractory
    ("restless", np.int64),  # may cross threshold by itself, or when a refractory period ends
])  # fmt: skip

#: A neuron's random stream, and how many draws it has taken beyond the first.
NOISE = np.dtype([(name, np.int64) for name in ("key_lo", "key_hi", "purpose", "seed", "draws")])
