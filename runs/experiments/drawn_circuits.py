"""Drawn blocks as circuits, for energy-claim and on-chip: bounds of their keys, and costs at real-time ticks."""

from typing import Annotated

from msgspec import Meta

from circuits.pipeline import Pipeline
from eventsim.errors import ConfigError
from hardware_models import cost
from runs.experiments.operation_counts.experiment import DrawnBlock, drawn

__all__ = ["BoundedBlock", "cost_at", "drawn_circuit", "not_costed"]

#: A side of an array that is drawn: more is a slip of the pen.
Side = Annotated[int, Meta(ge=1, le=1024)]


class BoundedBlock(DrawnBlock, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A DrawnBlock of bounded size, and the length of a real-time tick, from 1 us to a quarter of an hour."""

    tokens: Side
    channels: Side
    heads: Side
    steps: Side
    tick_ms: Annotated[float, Meta(ge=1e-3, le=1e6)]

    def __post_init__(self):
        if self.channels % self.heads:
            raise ConfigError(f"channels = {self.channels} is not a multiple of heads = {self.heads}; make it one")


def drawn_circuit(name, config):
    """(Pipeline, input) of a block that is drawn."""
    case = drawn(name, config)
    if not case.x.any():
        raise ConfigError(f"rate = {config.rate:g}: not one of the {case.x.size:,} inputs that seed = {config.seed} "
                          "draws is a spike; give a higher rate, 1 at most")  # fmt: skip
    return Pipeline(case.block, case.x.shape[1], steps=len(case.x), levels=int(case.x.max())), case.x


def cost_at(tick_ms, counts, chip, table, **options):
    """`cost` with ticks of so many ms; what it has against them names the key that set them."""
    try:
        return cost(counts, chip, table, tick_us=tick_ms * 1e3, **options)
    except ConfigError as error:
        raise ConfigError(f"tick_ms = {tick_ms:g}: {error}") from None


def not_costed(reports):
    """What none of some CostReports of the same counts holds."""
    first, *others = (report.not_costed for report in reports)
    return [item for item in first if all(item in items for items in others)]
