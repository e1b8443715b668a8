"""Constants: what a calibration found, frozen in a file with where it comes from."""

import json
import os
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np

from analysis.calibration.fit import fit, held_out, residuals
from analysis.calibration.law import Law
from eventsim.errors import ConfigError, ProvenanceError

__all__ = ["SHIPPED", "CircuitConstants", "Constants", "calibrate_circuit"]

#: What `eventsim run calibration` made with its own configuration.
SHIPPED = Path(__file__).parent / "constants.json"

#: Packages whose versions are kept with the constants.
_PACKAGES = ("eventsim-spiking", "brian2", "numpy", "scipy", "scikit-learn")

#: Share of held-out measurements between the ends of a prediction.
COVERAGE = 0.9


class CircuitConstants(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The constants of one code on one circuit.

    Parameters
    ----------
    constant, low, high : float
        C with its 95 % interval over the tasks it was fitted to.
    sending : float
        What the senders fire of an encoded token, over ticks times the rate of its numbers; of a law in ticks, over its
        channels.
    factor_low, factor_high : float
        Measured over predicted resource, the middle `COVERAGE`: of data sets that were not fitted to, and of each
        source that was, predicted by the others.
    fitted_on, tested_on : list of str
        Data sets.
    measurements, tests : int
    error_low, error_high : float
        Errors that were measured.
    """

    constant: float
    low: float
    high: float
    sending: float
    factor_low: float
    factor_high: float
    fitted_on: list[str]
    tested_on: list[str]
    measurements: int
    tests: int
    error_low: float
    error_high: float


class Constants(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Constants of every code and circuit, with their origin.

    Parameters
    ----------
    made_by : str
        The command.
    registration_sha256 : str
        Of the file that says what was fitted.
    config : dict
        The configuration of the run.
    versions : dict
    laws : list of Law
    circuits : dict of str to dict of str to CircuitConstants
        Code -> circuit -> constants.
    """

    made_by: str
    registration_sha256: str
    config: dict
    versions: dict[str, str]
    laws: list[Law]
    circuits: dict[str, dict[str, CircuitConstants]]

    @classmethod
    def load(cls, path=SHIPPED):
        """The constants in a file that `save` wrote; by default those that come with the package."""
        try:
            return msgspec.json.decode(Path(path).read_bytes(), type=cls)
        except OSError as error:
            raise ConfigError(
                f"{path}: cannot be read ({error.strerror}); eventsim run calibration writes such a file"
            ) from None
        except msgspec.DecodeError as error:
            raise ConfigError(f"{path}: holds no constants of a calibration ({error})") from None

    def save(self, path):
        """Write the file, whole or not at all."""
        path = Path(path)
        temporary = path.with_name(f"{path.name}.tmp")
        temporary.write_text(json.dumps(msgspec.to_builtins(self), indent=1) + "\n", encoding="utf-8")
        os.replace(temporary, path)

    def of(self, code, circuit):
        """(Law, CircuitConstants) of a code on a circuit; raises ProvenanceError where none were measured."""
        laws = {law.code: law for law in self.laws}
        if code not in laws:
            raise ConfigError(f"code {code!r} was not calibrated; choose one of {', '.join(laws)}")
        if circuit not in self.circuits[code]:
            there_are = ", ".join(self.circuits[code]) or "none"
            raise ProvenanceError(f"circuit {circuit!r} was not calibrated in the code {code!r}, only {there_are}; a "
                                  "constant of another circuit says nothing about it")  # fmt: skip
        return laws[code], self.circuits[code][circuit]

    @staticmethod
    def current_versions():
        """Versions of the packages that results depend on."""
        return {package: version(package) for package in _PACKAGES}


def calibrate_circuit(law, table, datasets):
    """CircuitConstants from the measurements of one code on one circuit.

    Parameters
    ----------
    law : Law
    table : DataFrame
    datasets : list of str
        Those to fit to; all others are tested on.
    """
    training = table["dataset"].isin(datasets).to_numpy()
    if training.all() or not training.any():
        there_are = ", ".join(table["dataset"].unique())
        raise ConfigError(f"the code {law.code!r} was measured on {there_are} alone; constants are fitted to "
                          f"{', '.join(datasets)} and tested on others: give sources of both")  # fmt: skip
    fitted = fit(law, table[training])
    # None of these was predicted by a constant that it had a part in.
    missed = np.concatenate([residuals(law, fitted, table[~training]), held_out(law, table[training], "basis")[0]])
    low, high = np.exp(np.quantile(missed, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2]))
    by = table["rate"] * table["ticks"] if law.resource == "spikes" else table["channels"]
    sending = float(np.exp(np.log(table["spikes"] / by)[training].mean()))
    return CircuitConstants(
        fitted.constant, fitted.low, fitted.high, sending, float(low), float(high),
        sorted(table["dataset"][training].unique()), sorted(table["dataset"][~training].unique()),
        int(training.sum()), missed.size, float(table["error"].min()), float(table["error"].max()),
    )  # fmt: skip
