"""What an audit found, as a set to compare."""

__all__ = ["failed"]


def failed(report):
    """Names of the laws that failed."""
    return {law.name for law in report.laws if law.verdict == "failed"}
