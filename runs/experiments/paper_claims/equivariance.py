"""The objections that circuits and equivariance were not shown."""

from analysis.report import Table
from runs.experiments.paper_claims import approximation
from runs.experiments.paper_claims.claim import ANSWERED, STANDS, Claim
from runs.experiments.paper_claims.lab import Need
from runs.permutation import audit_permutation

__all__ = ["NEEDS", "claims"]

SETTINGS = ("support=200", "queries=40", "ticks=1000")
QUICK = ("support=60", "queries=16", "ticks=500", "encode_ticks=64")
NEEDS = (Need("digits-attention", SETTINGS, QUICK), *approximation.NEEDS)


def claims(lab):
    """Claims on circuits and on equivariance."""
    digits = lab.summary("digits-attention")
    yield _circuits(digits)
    functions = lab.summary("approximation")
    report = audit_permutation("digits-attention", QUICK if lab.quick else SETTINGS)
    yield _equivariance(functions, report)


def _circuits(digits):
    laws = digits["audit"]["laws"]
    passed = [law for law in laws if law["verdict"] == "passed"]
    failed = [law["name"] for law in laws if law["verdict"] == "failed"]
    network, accuracy, shares = digits["network"], digits["accuracy"], digits["shares"]
    return Claim(
        name="Circuits (referee)",
        says="No circuit is given that computes the attention.",
        verdict=STANDS if failed else ANSWERED,
        short=f"circuits are built synapse by synapse, and {len(passed)} of {len(laws)} laws that recompute a run from "
        "its spikes passed" + (f"; broken: {', '.join(failed)}" if failed else ""),
        ran=f"Attention over {digits['config']['support']} labelled digits, {digits['config']['queries']} queries: "
        f"{network['neurons']:,} neurons and {network['synapses']:,} synapses, from the spikes of an image to the "
        "spikes of an answer.",
        found=(f"accuracy {accuracy['spikes']:.1%} by spikes, {accuracy['exact_softmax']:.1%} by exact softmax",
               f"spike shares: {shares['text']}",
               f"a winner-take-all in its place {'passes' if digits['control']['passes'] else 'fails'} the same test: "
               f"{digits['control']['text']}"),
        assumes="The softmax is that of the escape-rate circuit, whose shares are exact in the mean; every delivery is "
        "counted where it lands.",
        parts=(Table(("law", "verdict", "compared"),
                     tuple((law["name"], law["verdict"], f"{law['checked']:,}") for law in laws), "", "llr"),),
        pages=("digits-attention",),
    )  # fmt: skip


def _equivariance(functions, report):
    rows = functions["equivariance"]
    right = all((row["spikes_follow"] == row["permutations"]) == row["should_follow"] for row in rows)
    laws = {law.name: law for law in report.laws}
    good = right and report.passed
    found = tuple(f"{row['case']}: every spike follows its token in {row['spikes_follow']} of {row['permutations']} "
                  "permutations"
                  + ("" if row["should_follow"] else " (a control, which has to fail)") for row in rows)  # fmt: skip
    return Claim(
        name="Equivariance (referee)",
        says="Circuits with noise and ties are not permutation-equivariant.",
        verdict=ANSWERED if good else STANDS,
        short="equivariance is exact, spike for spike, where noise and keys follow the tokens; it is lost where noise "
        "hangs on a neuron's index or the lowest index wins ties",
        ran="Tokens permuted, noise permuted with them, and every spike of every neuron compared; controls with noise "
        "that stays behind, and with ties broken by index.",
        found=(*found, *(f"digits-attention, {name}: {law.verdict}, {law.detail}" for name, law in laws.items())),
        assumes="Sums of weights must not depend on their order (dyadic weights here; float32 sums do depend on it). "
        "In distribution, circuits with private independent noise are equivariant anyway; bit for bit they are only "
        "with keyed noise.",
        pages=("approximation", "digits-attention"),
    )  # fmt: skip
