"""The page of paper-claims, for a reviewer of the paper."""

from analysis.report import Section, Table, Verdict, write_report
from runs.experiments.paper_claims.claim import ANSWERED, FAILS, HOLDS, STANDS

__all__ = ["write"]

_LEAD = (
    "The abstract of arXiv 2604.15769 makes claims about spiking attention: that it approximates universally, how "
    "fast, with how few spikes, and what follows for practice. Its referee objected that bits were never mapped to "
    "spikes, that constants were fitted and tested on the same data, and that circuits, equivariance and convergence "
    "were not shown. Here each is put to the test with circuits built neuron by neuron, every spike counted. Only the "
    "abstract and the objections are at hand, not the paper; where its definitions are not known, all that fit its "
    "words were tried."
)


def write(path, claims, summary):
    """Write the page.

    Parameters
    ----------
    path : path
    claims : sequence of Claim
    summary : mapping
    """
    verdicts = [Verdict(claim.name, claim.short, _good(claim), claim.verdict) for claim in claims]
    sections = [_section(place, claim) for place, claim in enumerate(claims, 1)]
    how = ("Quick run: fewer sizes, lengths and repetitions, wider intervals. The full one: eventsim run paper-claims."
           if summary["config"]["quick"] else "Every figure was computed by: eventsim run paper-claims.")  # fmt: skip
    took = ", ".join(f"{name} {seconds:.0f}" for name, seconds in summary["seconds_of"].items())
    write_report(path, "Spiking attention, claim by claim", _LEAD, verdicts, sections,
                 f"{how} {summary['seconds']:.0f} s ({took}). The pages of the experiments lie in the folders beside "
                 "this page.")  # fmt: skip


def _good(claim):
    return {HOLDS: True, ANSWERED: True, FAILS: False, STANDS: False}.get(claim.verdict)


def _section(place, claim):
    rows = [
        ("objection" if claim.name.endswith("(referee)") else "claim", claim.says),
        ("verdict", f"{claim.verdict}: {claim.short}"),
        ("what was run", claim.ran),
        *zip(["what came out", *[""] * len(claim.found)], claim.found),
        ("under which assumptions", claim.assumes),
        *(("not to be had here", text) for text in claim.elsewhere),
        ("full page", ", ".join(f"{name}/report.html" for name in claim.pages)),
    ]
    return Section(f"{place}. {claim.name}", (), (Table(("", ""), tuple(rows), "", "ll"), *claim.parts))
