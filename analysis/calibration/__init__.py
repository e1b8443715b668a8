"""What a code needs for a function of given data: laws registered before they are fitted, and `design` by them."""

from analysis.calibration.constants import Constants
from analysis.calibration.design import Design, design
from analysis.calibration.functions import Attention, Layered
from analysis.calibration.law import Law, load_registration
from analysis.calibration.tasks import Measurement, Task, measure

__all__ = [
    "Attention", "Constants", "Design", "Law", "Layered", "Measurement", "Task", "design", "load_registration",
    "measure",
]  # fmt: skip
