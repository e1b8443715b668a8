"""The audit: does what a run reports follow from its spikes and its connectivity alone?"""

from analysis.audit.divergence import Divergence, diverge
from analysis.audit.explain import Explanation, why
from analysis.audit.laws import LAWS, audit
from analysis.audit.report import AuditReport, Law

__all__ = ["LAWS", "AuditReport", "Divergence", "Explanation", "Law", "audit", "diverge", "why"]
