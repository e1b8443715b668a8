"""The audit: does what a run reports follow from its spikes and its connectivity alone?"""

from analysis.audit.laws import LAWS, audit
from analysis.audit.report import AuditReport, Law

__all__ = ["LAWS", "AuditReport", "Law", "audit"]
