"""The guard against strangers: `circuits` and `runs` are common names, and another package may shadow ours."""

from dataclasses import dataclass
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

from eventsim.errors import EnvironmentProblem

__all__ = ["DISTRIBUTION", "SIBLINGS", "Intruder", "check_siblings", "find_intruders"]

#: What pip calls the project; `eventsim` on the public index is somebody else's.
DISTRIBUTION = "eventsim-spiking"

#: The five top-level packages, which are installed side by side.
SIBLINGS = ("eventsim", "circuits", "hardware_models", "runs", "analysis")

#: The folder that holds them: the checkout of an editable installation, site-packages of any other.
_HOME = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Intruder:
    """A sibling package that Python would take from somewhere else, or would not find at all.

    Parameters
    ----------
    name : str
        One of SIBLINGS.
    found : Path or None
        The file or folder that Python would import; None when there is nothing of that name.
    expected : Path
        Where our own package of that name lies.
    """

    name: str
    found: Path | None
    expected: Path

    @property
    def problem(self):
        """What is wrong, in half a sentence."""
        if self.found is None:
            return f"package '{self.name}' is missing, expected in {self.expected}"
        return f"package '{self.name}' is taken from {self.found}, not from {self.expected}"

    @property
    def remedy(self):
        """What the user can do about it."""
        if self.found is None:
            return "install eventsim again: pip install --force-reinstall . in its checkout"
        if {"site-packages", "dist-packages"} & set(self.found.parts):
            strangers = set(packages_distributions().get(self.name, ())) - {DISTRIBUTION}
            if strangers:
                return f"pip uninstall {' '.join(sorted(strangers))}, or give eventsim a virtual environment of its own"
        return "take its folder off PYTHONPATH, or start from another working directory"


def find_intruders():
    """Look up every sibling package without importing it.

    Returns
    -------
    list of Intruder
        Empty when all five lie beside this package.
    """
    candidates = (Intruder(name, _location(name), _HOME / name) for name in SIBLINGS)
    return [candidate for candidate in candidates if not _is_ours(candidate)]


def check_siblings():
    """Raise EnvironmentProblem when a sibling package is not ours, naming the intruder's file and the remedy.

    Call it before the first import of a sibling.
    """
    for intruder in find_intruders():
        raise EnvironmentProblem(f"{intruder.problem}; {intruder.remedy}")


def _location(name):
    """The file that importing `name` would run, its folder when it has no __init__.py, or None."""
    spec = find_spec(name)
    if spec is None:
        return None
    if spec.has_location and spec.origin:
        return Path(spec.origin).resolve()
    return next((Path(folder).resolve() for folder in spec.submodule_search_locations or ()), None)


def _is_ours(candidate):
    return candidate.found in (candidate.expected, candidate.expected / "__init__.py")
