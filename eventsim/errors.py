"""The one tree of errors. Every message says what, where, what is allowed and how to mend it."""

__all__ = [
    "EventSimError", "CompileError", "CircuitError", "TraceFormatError", "CapacityError",
    "ConfigError", "NotRecordedError", "ProvenanceError", "AuditError", "EnvironmentProblem", "InternalError",
]  # fmt: skip


class EventSimError(Exception):
    """A user's mistake or a user's file: one line, never a traceback at the command line."""


class CompileError(EventSimError):
    """A Brian2 network uses something that is not supported.

    Parameters
    ----------
    object_name : str
        The Brian2 object at fault.
    statement : str
        The statement or feature at fault.
    supported : str
        What is supported in its place.
    """

    def __init__(self, object_name, statement, supported):
        self.object_name, self.statement, self.supported = object_name, statement, supported
        super().__init__(f"cannot compile '{object_name}': {statement}; supported: {supported}")


class CircuitError(EventSimError):
    """A circuit was described inconsistently (shape, range, unknown name)."""


class TraceFormatError(EventSimError):
    """A file is not a trace of ours, is damaged, or is hostile."""


class CapacityError(EventSimError):
    """A limit was exceeded.

    Parameters
    ----------
    limit, where : str
        The resource, and the core or machine that lacks it.
    demand, allowed : int
        What was asked for and what there is.
    remedy : str
        What the user can do about it.
    """

    def __init__(self, limit, where, demand, allowed, remedy):
        self.limit, self.where, self.demand, self.allowed = limit, where, demand, allowed
        super().__init__(f"{limit} exceeded on {where}: {demand} asked, {allowed} allowed; {remedy}")


class ConfigError(EventSimError):
    """An experiment, key, value or command-line argument is unknown or of the wrong type."""


class NotRecordedError(ConfigError):
    """A trace was asked for what nobody recorded: it says nothing about it, neither good nor bad."""


class ProvenanceError(EventSimError):
    """Two artefacts that do not belong together were joined, or a number lacks its source."""


class AuditError(EventSimError):
    """At least one law of an audit failed."""


class EnvironmentProblem(EventSimError):
    """The installation is broken (exit code 3)."""


class InternalError(Exception):
    """A bug of ours; please report it."""
