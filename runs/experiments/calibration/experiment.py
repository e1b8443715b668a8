"""calibration: spikes by effective dimension, fitted to some circuits, frozen, and tested on others.

In this order: the registration is read and its hash compared; circuits are run, and nothing is fitted; the constants
are fitted to what the registration names, frozen and written; they are tested on all else; limits are looked for; and
circuits are built with ticks that the frozen constants set, for errors asked for beforehand.
"""

import shutil
from time import perf_counter
from typing import Annotated, Literal

import msgspec
import pandas as pd
from msgspec import Meta

from analysis.calibration import Constants, load_registration
from analysis.calibration.constants import calibrate_circuit
from analysis.calibration.law import REGISTRATION
from eventsim.errors import ConfigError
from runs.experiments.calibration.designs import designs
from runs.experiments.calibration.limits import limits
from runs.experiments.calibration.measuring import Measurer
from runs.experiments.calibration.scores import scores
from runs.experiments.calibration.tasks import CALIBRATED, FAMILIES, NEW, tasks

__all__ = ["Config", "lines", "run"]

Positive = Annotated[int, Meta(ge=1)]
Ticks = Annotated[list[Annotated[int, Meta(ge=4)]], Meta(min_length=1)]
Errors = Annotated[list[Annotated[float, Meta(gt=0)]], Meta(min_length=1)]

#: What `quick` puts in place of the configuration's own values.
QUICK = {
    "tokens": 32, "codes": ["random", "latency"], "sources": ["k^0", "k^-2", "digits, pixels"], "random_ticks": [64],
    "latency_ticks": [32], "errors": [0.4], "families": ["linear", "pooling"],
}  # fmt: skip


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See runs/configs/calibration.toml for what each key means."""

    registration_sha256: str
    seed: Annotated[int, Meta(ge=0, lt=2**20)]
    tokens: Annotated[int, Meta(ge=16)]
    codes: Annotated[list[Literal["random", "offset", "regular", "latency"]], Meta(min_length=1)]
    sources: Annotated[list[Literal[tuple(CALIBRATED)]], Meta(min_length=2)]
    families: Annotated[list[Literal[FAMILIES]], Meta(min_length=2)]
    random_ticks: Ticks
    offset_ticks: Ticks
    regular_ticks: Ticks
    latency_ticks: Ticks
    errors: Errors
    chip: str
    table: str
    workers: Positive
    quick: bool

    def ticks(self, code):
        """Ticks at which a code is measured."""
        return getattr(self, f"{code}_ticks")


def run(config, folder, progress):
    """Run the experiment, leave registration.toml, measurements.csv, constants.json, report.html, return the "
    "summary."""
    from runs.experiments.calibration.report import write  # matplotlib takes a while to import

    began = perf_counter()
    if config.quick:
        config = msgspec.structs.replace(config, **QUICK)
    if "random" not in config.codes:
        raise ConfigError(f"codes are {', '.join(config.codes)}; add random, in which the laws' limits are looked for")
    registration, sha256 = load_registration(sha256=config.registration_sha256)
    shutil.copyfile(REGISTRATION, folder / "registration.toml")
    measurer = Measurer(config.workers, config.seed, progress)
    every = tasks({name: CALIBRATED[name] for name in config.sources}, config.families, config.seed,
                  config.tokens)  # fmt: skip
    jobs = [(task, code, ticks) for task in every for code in config.codes if code in task.function.codes
            for ticks in config.ticks(code)]  # fmt: skip
    table = pd.DataFrame([found.row() for found in measurer("calibration", jobs)])
    table.to_csv(folder / "measurements.csv", index=False)
    constants = freeze(registration, sha256, table, config)
    constants.save(folder / "constants.json")
    new = dict(list(NEW.items())[: 1 if config.quick else None])
    fresh = tasks(new, config.families, config.seed + 1, config.tokens)
    summary = {
        "experiment": "calibration", "config": msgspec.to_builtins(config), "registration_sha256": sha256,
        "criteria": msgspec.to_builtins(registration.criteria),
        "codes": {code: scores(registration, registration.law_of(code), table[table["code"] == code], config.seed)
                  for code in config.codes},
        "constants": msgspec.to_builtins(constants.circuits),
        "measurements": table.to_dict("records"),
        "limits": limits(registration, table, measurer, config),
        "designs": designs(constants, fresh, measurer, config),
    }  # fmt: skip
    summary["seconds"] = perf_counter() - began
    write(folder / "report.html", summary)
    return summary


def freeze(registration, sha256, table, config):
    """Constants of every code and circuit that was measured."""
    circuits = {
        code: {circuit: calibrate_circuit(registration.law_of(code), rows, registration.by_circuit.datasets)
               for circuit, rows in table[table["code"] == code].groupby("circuit", sort=False)}
        for code in config.codes
    }  # fmt: skip
    settings = {key: value for key, value in msgspec.to_builtins(config).items() if key != "workers"}
    return Constants("eventsim run calibration", sha256, settings, Constants.current_versions(),
                     [registration.law_of(code) for code in config.codes], circuits)  # fmt: skip


def lines(summary):
    """The summary in words, for a terminal."""
    for code, found in summary["codes"].items():
        yield f"{code}: {found['law']}"
        if found["fit"] is not None:
            of, test = found["fit"], found["test"]
            yield (f"  C = {of['constant']:.3g} ({of['low']:.3g} to {of['high']:.3g}) on {of['tasks']} tasks; on "
                   f"{test['tasks']} others fold error {test['fold_error'][0]:.2f}, bias {test['bias'][0]:.2f}, R² "
                   f"{test['r_squared'][0]:.2f}, of dimension {test['dimension_r_squared'][0]:.2f}")  # fmt: skip
        for circuit, of in summary["constants"][code].items():
            yield (f"  {circuit}: C = {of['constant']:.3g}; on other data sets {of['factor_low']:.2f} to "
                   f"{of['factor_high']:.2f} of what it says")  # fmt: skip
    held = summary["designs"]["held"]
    for end, of in held.items():
        yield (f"designs by the {end} of the rule: {of['kept']} of {of['designs']} keep the error asked for "
               f"({of['low']:.0%} to {of['high']:.0%})")  # fmt: skip
    for found in summary["limits"]["examples"]:
        yield (f"counter-example, {found['dimension']}: {found['measured']:.1f} times the spikes predicted "
               f"({found['what']})")  # fmt: skip
