"""What a network would cost on a chip: placement, counts per core and tick, energy with its sources."""

from hardware_models.chips.chip import Chip
from hardware_models.chips.file import list_chips, load_chip
from hardware_models.chips.quantise import Quantised, quantise
from hardware_models.costing.cost import cost
from hardware_models.costing.report import CostLine, CostReport
from hardware_models.counting.activity import Activity, count_activity
from hardware_models.counting.core_ticks import core_ticks
from hardware_models.counting.counts import count_events
from hardware_models.counting.traffic import Traffic, count_traffic
from hardware_models.mesh import hops
from hardware_models.placing.placement import Placement
from hardware_models.placing.placers import PLACERS, place
from hardware_models.placing.split_network import Split, split_network

__all__ = [
    "Activity", "Chip", "CostLine", "CostReport", "PLACERS", "Placement", "Quantised", "Split", "Traffic", "core_ticks",
    "cost", "count_activity", "count_events", "count_traffic", "hops", "list_chips", "load_chip", "place", "quantise",
    "split_network",
]  # fmt: skip
