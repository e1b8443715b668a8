"""Decoders: how the spikes of named populations stand for numbers; written into a trace, they read it without circuit.

A decoder is data: `to_json` goes into the manifest, and `read_decoder` makes the decoder of it again.
"""

from dataclasses import asdict, dataclass

import numpy as np

from circuits.readout import count_by_query, first_by_query
from eventsim.errors import ConfigError
from eventsim.trace.selection import neurons_named

__all__ = ["IntervalDecoder", "ShareDecoder", "ids_of", "read_decoder"]


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

    def to_json(self):
        """Mapping of plain types."""
        return {"kind": "interval", **asdict(self)}


_KINDS = {"shares": ShareDecoder, "interval": IntervalDecoder}


def read_decoder(document, where):
    """The decoder that a manifest describes; raises ConfigError when it describes none. `where` names the file."""
    kind = document.get("kind") if isinstance(document, dict) else None
    if kind not in _KINDS:
        raise ConfigError(f"{where}: its manifest describes no decoder (task.decoder.kind is {kind!r}; known are "
                          f"{', '.join(_KINDS)})")  # fmt: skip
    try:
        decoder = _KINDS[kind](**{key: value for key, value in document.items() if key != "kind"})
        texts = [getattr(decoder, name) for name in ("of", "over", "since") if hasattr(decoder, name)]
        numbers = [float(getattr(decoder, name)) for name in ("ticks", "limit") if hasattr(decoder, name)]
        signs = np.asarray(getattr(decoder, "signs", (1.0,)), dtype=float)
    except (TypeError, ValueError):
        raise ConfigError(f"{where}: its manifest describes a decoder of kind '{kind}' wrongly: {document}") from None
    sound = all(isinstance(text, str) for text in texts) and all(np.isfinite(numbers)) and 0 not in numbers
    if not (sound and type(decoder.groups) is int and decoder.groups >= 1 and signs.ndim == 1 and signs.size):
        raise ConfigError(f"{where}: its manifest describes a decoder of kind '{kind}' wrongly: {document}")
    return decoder


def ids_of(trace, name):
    """(m,) ids, in ascending order, of the neurons that a population, a label or a path of the circuit stands for."""
    return np.flatnonzero(neurons_named(name, trace.network, trace.manifest))


def _grouped(trace, name, groups):
    ids = ids_of(trace, name)
    if ids.size % groups:
        raise ConfigError(f"'{name}' has {ids.size} neurons, which are not {groups} equal groups")
    return ids.reshape(groups, -1)
