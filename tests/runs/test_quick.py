"""What `quick` puts into a configuration is what the experiment would have taken from a user."""

import tomllib
from importlib import import_module
from pathlib import Path

import msgspec
import pytest

import runs

CONFIGS = Path(runs.__file__).parent / "configs"
#: Experiments with QUICK, by the names of their configurations.
QUICK = {"placement": "placement.experiment", "approximation": "approximation.experiment",
         "saturation": "saturation.experiment", "spikformer_digits": "spikformer_digits"}  # fmt: skip


@pytest.mark.parametrize("name, module", QUICK.items(), ids=QUICK)
def test_a_quick_configuration_is_a_valid_and_another_one(name, module):
    experiment = import_module(f"runs.experiments.{module}")
    settings = tomllib.loads((CONFIGS / f"{name}.toml").read_text())
    settings.pop("experiment")
    whole = msgspec.convert(settings, experiment.Config)
    quick = msgspec.convert(settings | experiment.QUICK, experiment.Config)
    assert not whole.quick and quick != whole
