"""Published energies of single operations, and published models: data with sources, in `publications/*.toml`."""

import tomllib
from decimal import Decimal
from pathlib import Path

import msgspec

from eventsim.errors import ConfigError
from hardware_models.chips.figures import Figure

__all__ = ["Operations", "PublishedModel", "Threshold", "load_models", "load_operations", "load_thresholds"]

_FILES = Path(__file__).parent / "publications"


class Operations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Energy of one operation on a processor."""

    float32_multiply_pj: Figure
    float32_add_pj: Figure
    int32_add_pj: Figure
    int8_multiply_pj: Figure
    cache_64_bit_pj: Figure


class PublishedModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One inference of a spiking network, and what is published of it; None for what was not found.

    `dense_macs_count` is of all steps together; `additions_count` of spikes, `own_macs_count` of layers that read no
    spikes. `energy_uj` is what the authors state; `uncounted` says why it does not tell how many additions there are.
    """

    title: str
    steps_count: Figure
    parameters_count: Figure | None = None
    dense_macs_count: Figure | None = None
    additions_count: Figure | None = None
    own_macs_count: Figure | None = None
    energy_uj: Figure | None = None
    uncounted: str | None = None

    @property
    def figures(self):
        """Mapping name -> Figure, of those that are given."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in values.items() if isinstance(value, Figure)}

    @property
    def unverified(self):
        """Names of the figures that nobody could check."""
        return tuple(name for name, figure in self.figures.items() if figure.how == "unverified")


class Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A firing rate below which others find that a spiking network takes less energy, and the steps it is for."""

    title: str
    steps_count: Figure
    rate_ratio: Figure

    @property
    def activity(self):
        """Deliveries per synapse and inference."""
        return self.steps_count.exact * self.rate_ratio.exact


def load_operations():
    """The Operations that come with the package."""
    return _read("operations.toml", Operations)


def load_models():
    """The published models: dict of name to PublishedModel."""
    return _read("models.toml", dict[str, PublishedModel])


def load_thresholds():
    """What others found: dict of name to Threshold."""
    return _read("thresholds.toml", dict[str, Threshold])


def _read(name, kind):
    path = _FILES / name
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal), kind)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from None
