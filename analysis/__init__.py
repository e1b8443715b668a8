"""What a run means: audit, bounds, information, energy, plots and reports."""

__all__ = ["why"]


def __getattr__(name):
    """`analysis.why`, imported when it is first asked for: the audit takes a while."""
    if name == "why":
        from analysis.audit import why

        return why
    raise AttributeError(f"module 'analysis' has no attribute '{name}'")
