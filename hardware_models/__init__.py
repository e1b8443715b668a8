"""What a network would cost on a chip: placement, counts per core and tick, energy with its sources."""

from hardware_models.activity import Activity, count_activity
from hardware_models.chip import Chip
from hardware_models.chip_file import list_chips, load_chip
from hardware_models.core_ticks import core_ticks
from hardware_models.cost import cost
from hardware_models.counts import count_events
from hardware_models.mesh import hops
from hardware_models.placement import Placement
from hardware_models.placers import PLACERS, place
from hardware_models.quantise import Quantised, quantise
from hardware_models.report import CostLine, CostReport
from hardware_models.split_network import Split, split_network
from hardware_models.traffic import Traffic, count_traffic

__all__ = [
    "Activity", "Chip", "CostLine", "CostReport", "PLACERS", "Placement", "Quantised", "Split", "Traffic", "core_ticks",
    "cost", "count_activity", "count_events", "count_traffic", "hops", "list_chips", "load_chip", "place", "quantise",
    "split_network",
]  # fmt: skip
