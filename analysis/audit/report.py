"""AuditReport: the verdict on each law, for people and for programs."""

from dataclasses import asdict, dataclass

import pandas as pd

from eventsim.errors import AuditError

__all__ = ["FAILED", "NOT_CHECKABLE", "PASSED", "AuditReport", "Law"]

PASSED, FAILED, NOT_CHECKABLE = "passed", "failed", "not checkable"


@dataclass(frozen=True)
class Law:
    """The verdict on one law.

    Parameters
    ----------
    name : str
    verdict : str
        "passed", "failed" or "not checkable".
    checked : int
        How many things were compared.
    detail : str
        One line. Of a failed law: the first tick, neuron, synapse, core or population that breaks it.
    """

    name: str
    verdict: str
    checked: int
    detail: str

    def __str__(self):
        return f"{self.name:<10}  {self.verdict:<13}  {self.checked:>13,}  {self.detail}"


@dataclass(frozen=True)
class AuditReport:
    """The verdicts on all laws.

    Parameters
    ----------
    laws : tuple of Law
    """

    laws: tuple[Law, ...]

    @property
    def passed(self):
        """Whether no law failed; what could not be checked says so in its own line."""
        return all(law.verdict != FAILED for law in self.laws)

    def __getitem__(self, name):
        """The verdict on the law of that name; raises KeyError naming those there are."""
        for law in self.laws:
            if law.name == name:
                return law
        raise KeyError(f"no law '{name}'; there are {[law.name for law in self.laws]}")

    def raise_for_failures(self):
        """Raise AuditError naming every law that failed; do nothing when none did."""
        failed = [f"{law.name} ({law.detail})" for law in self.laws if law.verdict == FAILED]
        if failed:
            raise AuditError(f"{len(failed)} of {len(self.laws)} laws failed: {'; '.join(failed)}")

    def to_frame(self):
        """DataFrame, one row per law: verdict, checked, detail."""
        return pd.DataFrame([asdict(law) for law in self.laws]).set_index("name")

    def to_json(self):
        """The report in plain types."""
        return {"passed": self.passed, "laws": [asdict(law) for law in self.laws]}

    def __str__(self):
        return "\n".join(str(law) for law in self.laws)
