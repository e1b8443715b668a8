"""What a network would cost on a chip: placement, counts per core and tick, energy with its sources."""

from hardware_models.chip import Chip
from hardware_models.chip_file import list_chips, load_chip
from hardware_models.cost import cost
from hardware_models.counts import count_events
from hardware_models.greedy import place
from hardware_models.mesh import hops
from hardware_models.placement import Placement
from hardware_models.report import CostLine, CostReport

__all__ = [
    "Chip", "CostLine", "CostReport", "Placement", "cost", "count_events", "hops", "list_chips", "load_chip", "place",
]  # fmt: skip
