"""Which of a bound's assumptions a trace speaks against, when fewer spikes were used than the bound needs."""

from dataclasses import dataclass

from scipy.stats import chi2

__all__ = ["Evidence", "evidence"]

#: Chance of calling Poisson counts too regular.
FALSE_ALARM = 1e-3


@dataclass(frozen=True)
class Evidence:
    """What the trace says about one assumption: whether it holds (None: the trace does not tell), and how one sees."""

    assumption: str
    holds: bool | None
    seen: str

    def to_json(self):
        """Mapping of plain types."""
        return dict(vars(self))


def evidence(assumption, counts, task, drawn):
    """What a trace says about an assumption, as Evidence.

    Parameters
    ----------
    assumption : Assumption
    counts : (queries, channels) int
        Spikes of the cut.
    task : Task
    drawn : bool
        Whether the counts may depend on random numbers.
    """
    holds, seen = _LOOK.get(assumption.kind, _cannot_tell)(counts, task, drawn)
    return Evidence(str(assumption), holds, seen)


def _cannot_tell(counts, task, drawn):
    return None, "no trace tells"


def _counts(counts, task, drawn):
    if task.counts_only is None:
        return None, "the decoder is not in the trace"
    return task.counts_only, "the decoder reads counts" if task.counts_only else "the decoder reads times of spikes"


def _poisson(counts, task, drawn):
    """Poisson counts given the query vary between queries at least as much as their mean: the law of total variance."""
    totals = counts.sum(axis=1)
    if totals.size < 2 or not totals.any():
        return None, "too few queries or spikes to see how counts vary"
    ratio = float(totals.var(ddof=1) / totals.mean())
    least = float(chi2.ppf(FALSE_ALARM, totals.size - 1) / (totals.size - 1))
    told = f"the total count varies {ratio:.3g} times as much as its mean over {totals.size} queries"
    if ratio < least:
        return False, f"{told}; Poisson counts would by {least:.3g} or more"
    if not drawn:
        return False, f"{told}, but nothing drew a random number: given the query, counts do not vary at all"
    return None, f"{told}, as Poisson counts may"


def _window(counts, task, drawn):
    return True, "the engine delivers nothing to the decoder but these spikes"


def _constant_drive(counts, task, drawn):
    return (False, "neurons drew random numbers") if drawn else (None, "the trace does not hold drives")


def _samples(counts, task, drawn):
    return None, f"{len(counts)} queries"


_LOOK = {"counts": _counts, "poisson": _poisson, "window": _window, "constant drive": _constant_drive,
         "samples": _samples}  # fmt: skip
