r"""Law: what a code needs, as a power of an effective dimension and of the error; and the file that settles it.

    resource = C prod_k dimension_k^power_k / error^power

C is the only number that is fitted. What is fitted on what, and tested on what, stands in `registration.toml`, whose
SHA-256 the caller has to know: definitions that changed since are refused.
"""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from analysis.calibration.dimensions import DIMENSIONS
from eventsim.errors import ConfigError, ProvenanceError

__all__ = ["REGISTRATION", "Law", "Registration", "load_registration"]

REGISTRATION = Path(__file__).parent / "registration.toml"

Dimension = Literal[tuple(DIMENSIONS)]
Names = Annotated[list[str], Meta(min_length=1)]
AtLeastOne = Annotated[float, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Law(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See `registration.toml` for what each field means."""

    code: str
    resource: Literal["spikes", "ticks"]
    power: Annotated[float, Meta(ge=0)]
    dimension: dict[Dimension, float]
    replaced: str = ""

    def shape(self, table):
        """Resource over C for each row of a table with the columns error and the dimensions' names."""
        powers = [np.asarray(table[name], float) ** k for name, k in self.dimension.items()]
        return np.prod(powers or [1.0], axis=0) / np.asarray(table["error"], float) ** self.power

    def measured(self, table):
        """The resource that each row of a table took, from its column spikes or ticks."""
        used = np.asarray(table[self.resource], float)
        return used if self.resource == "spikes" else used / np.log(used)

    def with_dimension(self, name):
        """The law with another dimension in place of its own."""
        powers = dict(self.dimension)
        power = powers.pop(self.replaced)
        powers[name] = powers.get(name, 0.0) + power
        return msgspec.structs.replace(self, dimension=powers, replaced=name)

    def baselines(self):
        """Laws that know less, by name."""
        change, whole = msgspec.structs.replace, {"channels": 1.0}
        found = {
            "mean only": change(self, dimension={}, power=0.0),
            "channels alone": change(self, dimension=whole, power=0.0),
            "error alone": change(self, dimension={}),
        }  # fmt: skip
        return found if self.replaced else found | {"channels and error": change(self, dimension=whole)}

    def __str__(self):
        powers = "".join(f" · {_raised(name, k)}" for name, k in self.dimension.items())
        return f"{self.resource} = C{powers}" + (f" / {_raised('error', self.power)}" if self.power else "")


def _raised(name, power):
    return name if power == 1 else f"{name}^{power:g}"


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows that the constant of a code is fitted to: those in all three lists."""

    families: Names
    circuits: Names
    datasets: Names

    def rows(self, table):
        """(rows,) bool."""
        return (table["family"].isin(self.families) & table["circuit"].isin(self.circuits)
                & table["dataset"].isin(self.datasets)).to_numpy()  # fmt: skip


class ByCircuit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows that the constants of circuits are fitted to."""

    datasets: Names


class Rivals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Dimensions that are tried in place of a law's own."""

    dimensions: list[Dimension]


class Criteria(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a law is called confirmed out of sample."""

    fold_error: AtLeastOne
    bias: AtLeastOne
    dimension_r_squared: Share
    holds: Share


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `registration.toml` holds."""

    title: str
    law: Annotated[list[Law], Meta(min_length=1)]
    training: Training
    by_circuit: ByCircuit
    rivals: Rivals
    criteria: Criteria

    def law_of(self, code):
        """The law of a code; raises ConfigError when there is none."""
        found = {law.code: law for law in self.law}
        if code not in found:
            raise ConfigError(f"code {code!r} has no law; choose one of {', '.join(found)}")
        return found[code]


def load_registration(path=REGISTRATION, sha256=None):
    """The registration in a file.

    Parameters
    ----------
    path : path
    sha256 : str, optional
        What the file's hash has to be.

    Returns
    -------
    (Registration, str) : it, and its hash

    Raises
    ------
    ProvenanceError
        When the file is another one than was registered.
    ConfigError
        When it cannot be read, or says something that is not allowed.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise ProvenanceError(
            f"{path}: its SHA-256 is {found}, registered was {sha256}: definitions changed after they were registered; "
            "restore the file, or register it anew under its new hash"
        )
    try:
        return msgspec.convert(tomllib.loads(content.decode()), Registration), found
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: not a registration ({error})") from None
