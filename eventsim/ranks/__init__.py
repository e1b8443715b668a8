"""One network on many ranks of MPI: each holds its own neurons and the synapses onto them."""

from eventsim.ranks.distributed import simulate_on_ranks
from eventsim.ranks.serving import chosen_ranks, launched_together, on_ranks

__all__ = ["chosen_ranks", "launched_together", "on_ranks", "simulate_on_ranks"]
