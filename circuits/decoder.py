"""Decoders: how the spikes of named populations stand for numbers; written into a trace, they read it without circuit.

A decoder is data: `to_json` goes into the manifest, and `read_decoder` makes the decoder of it again.
"""

from dataclasses import asdict, dataclass

import numpy as np

from circuits.arguments import checked
from circuits.readout import count_by_query, first_by_query
from eventsim.errors import ConfigError

__all__ = ["IntervalDecoder", "LinearDecoder", "ShareDecoder", "ids_of", "read_decoder"]


@dataclass(frozen=True)
class ShareDecoder:
    """Counts of `of`, signed, over the counts of `over`: y_gc = sum_s signs_s k_gcs / sum K_g.

    Parameters
    ----------
    of, over : str
        Populations by path; `of` has groups x numbers x signs neurons, `over` any number for each group.
    groups : int
    signs : tuple of float
    """

    of: str
    over: str
    groups: int = 1
    signs: tuple[float, ...] = (1.0,)

    #: Whether all that is read is how often neurons fire.
    counts_only = True

    def decode(self, trace):
        """(queries, groups, numbers) float64; NaN where `over` is silent."""
        of, over = (count_by_query(trace, _grouped(trace, name, self.groups)) for name in (self.of, self.over))
        signed = of.reshape(*of.shape[:2], -1, len(self.signs)) @ np.asarray(self.signs)
        total = over.sum(axis=-1, keepdims=True).astype(float)
        return np.divide(signed, total, out=np.full(signed.shape, np.nan), where=total > 0)

    @property
    def sound(self):
        """Whether its fields are what they have to be."""
        named = isinstance(self.of, str) and isinstance(self.over, str)
        return named and _count(self.groups) and np.asarray(self.signs, dtype=float).ndim == 1 and len(self.signs) > 0

    def to_json(self):
        """Mapping of plain types."""
        return {"kind": "shares", **asdict(self)}


@dataclass(frozen=True)
class IntervalDecoder:
    """Time from the spike of `since` to that of `of`: y_gc = limit ((t_gc - s_g)/ticks - 1).

    Parameters
    ----------
    of, since : str
        Populations by path; `of` has groups x numbers neurons, `since` one for each group.
    groups : int
    ticks, limit : float
    """

    of: str
    since: str
    groups: int
    ticks: float
    limit: float

    counts_only = False

    def decode(self, trace):
        """(queries, groups, numbers) float64; NaN where one of the two did not fire."""
        of, since = (first_by_query(trace, _grouped(trace, name, self.groups)) for name in (self.of, self.since))
        return self.limit * ((of - since) / self.ticks - 1)

    @property
    def sound(self):
        """Whether its fields are what they have to be."""
        named = isinstance(self.of, str) and isinstance(self.since, str)
        numbers = float(self.ticks), float(self.limit)
        return named and _count(self.groups) and all(np.isfinite(numbers)) and 0 not in numbers

    def to_json(self):
        """Mapping of plain types."""
        return {"kind": "interval", **asdict(self)}


@dataclass(frozen=True)
class LinearDecoder:
    """Counts of channels, whatever the token, through a linear layer: y_o = sum_c weight_oc k_c/over + bias_o.

    Parameters
    ----------
    of : tuple of str
        Populations by path, each of tokens x channels neurons; their counts add.
    weight : tuple of tuple of float
        (outputs, channels).
    bias : tuple of float
    over : int
        Tokens times steps, for a mean.
    """

    of: tuple[str, ...]
    weight: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    over: int

    counts_only = True

    def decode(self, trace):
        """(queries, 1, outputs) float64."""
        weight = np.asarray(self.weight)
        channels = weight.shape[1]
        ids = [_grouped(trace, name, channels).reshape(-1, channels) for name in self.of]
        counts = sum(count_by_query(trace, each).sum(axis=1) for each in ids)
        return (counts / self.over @ weight.T + np.asarray(self.bias))[:, None]

    @property
    def sound(self):
        """Whether its fields are what they have to be."""
        named = len(self.of) > 0 and all(isinstance(name, str) for name in self.of) and not isinstance(self.of, str)
        weight, bias = (np.asarray(values, dtype=float) for values in (self.weight, self.bias))
        fits = weight.ndim == 2 and weight.size > 0 and bias.shape == weight.shape[:1]
        return named and fits and np.isfinite(weight).all() and np.isfinite(bias).all() and _count(self.over)

    def to_json(self):
        """Mapping of plain types."""
        return {"kind": "linear", **asdict(self)}


_KINDS = {"shares": ShareDecoder, "interval": IntervalDecoder, "linear": LinearDecoder}


def read_decoder(document, where):
    """The decoder that a manifest describes; raises ConfigError when it describes none. `where` names the file."""
    kind = document.get("kind") if isinstance(document, dict) else None
    if kind not in _KINDS:
        raise ConfigError(f"{where}: its manifest describes no decoder (task.decoder.kind is {kind!r}; known are "
                          f"{', '.join(_KINDS)})")  # fmt: skip
    try:
        decoder = _KINDS[kind](**{key: value for key, value in document.items() if key != "kind"})
        sound = decoder.sound
    except (TypeError, ValueError):
        raise ConfigError(f"{where}: its manifest describes a decoder of kind '{kind}' wrongly: {document}") from None
    if not sound:
        raise ConfigError(f"{where}: its manifest describes a decoder of kind '{kind}' wrongly: {document}")
    return decoder


def _count(value):
    return type(value) is int and value >= 1


@checked()
def ids_of(trace, name):
    """(m,) ids, in ascending order, of the neurons that a population, a label or a path of the circuit stands for."""
    return np.flatnonzero(trace.named(name))


def _grouped(trace, name, groups):
    ids = ids_of(trace, name)
    if ids.size % groups:
        raise ConfigError(f"'{name}' has {ids.size} neurons, which are not {groups} equal groups")
    return ids.reshape(groups, -1)
