"""The progress of an audit, law by law."""

import sys

__all__ = ["Progress"]


class Progress:
    """How far an audit is.

    Parameters
    ----------
    report : None, True or callable
        See `analysis.audit.audit`.
    n_laws : int
    """

    def __init__(self, report, n_laws):
        self._report = report if callable(report) else _to_terminal if report and sys.stderr.isatty() else None
        self._n_laws, self._law, self._name = n_laws, -1, ""

    def begin(self, name):
        """The next law."""
        self._law, self._name = self._law + 1, name
        self.within(0.0)

    def within(self, fraction):
        """So much of the present law is done."""
        if self._report:
            self._report(self._name, (self._law + fraction) / self._n_laws)

    def end(self):
        if self._report:
            self._report("", 1.0)


def _to_terminal(name, completed):
    line = f"\rauditing {completed:6.1%} {name:<12}"
    print(line, end="\n" if completed >= 1 else "", file=sys.stderr, flush=True)
