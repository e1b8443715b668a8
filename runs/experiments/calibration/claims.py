"""What became of C = 2.3 and R^2 = 0.97."""

from analysis.report import Section, Table

__all__ = ["claims"]

#: What the abstract of arXiv 2604.15769 states.
CLAIMED_CONSTANT, CLAIMED_R_SQUARED = 2.3, 0.97

#: Codes whose law has the claimed form, spikes as the reciprocal of the squared error.
_SQUARE = ("random", "offset")


def claims(summary):
    """The section that sets the paper's two numbers beside what was found."""
    return Section(f"What became of C = {CLAIMED_CONSTANT} and R² = {CLAIMED_R_SQUARED}",
                   (*_constant(summary), *_share(summary)), (_clips(summary),))  # fmt: skip


def _constant(summary):
    found = [(of["constant"], f"{code}, {circuit}") for code, circuits in summary["constants"].items()
             for circuit, of in circuits.items() if code in _SQUARE]  # fmt: skip
    (least, of_least), (most, of_most) = min(found), max(found)
    yield (f"There is no one C. It is a property of code and circuit: here from {least:.2g} ({of_least}) to "
           f"{most:.2g} ({of_most}), and for a mean over tokens by an attention head it grows with their number. "
           f"{CLAIMED_CONSTANT} lies in that range and marks nothing in it. The offset code, by closed form (A² − 1)/2 "
           f"for inputs of at most A standard deviations, has {CLAIMED_CONSTANT} at A = {_clip_of_claim(summary):.3f}; "
           "any other number can be had by another A.")  # fmt: skip


def _clip_of_claim(summary):
    nearest = min(summary["limits"]["clips"], key=lambda of: abs(of["closed_form"] - CLAIMED_CONSTANT))
    return nearest["clip"]


def _share(summary):
    for code, found in summary["codes"].items():
        if found["test"] is None:
            continue
        test, layers = found["test"]["r_squared"][0], found["test_on_layers"]["r_squared"][0]
        alone = found["rivals"]["error alone"]["layers"]["r_squared"][0]
        yield (f"R², {code} code: {found['circular']['r_squared']:.2f} when fitted and tested on the same circuits "
               f"with dimension and powers free; {test:.2f} for one frozen constant on all circuits not "
               f"fitted to, {layers:.2f} on layers alone. Without any dimension, from the error alone, "
               f"it is {alone:.2f} on layers: that much of R² says nothing about dimension.")  # fmt: skip


def _clips(summary):
    rows = tuple((f"{of['clip']:.3f}", f"{of['closed_form']:.2f}", f"{of['measured']:.2f}")
                 for of in summary["limits"]["clips"])  # fmt: skip
    return Table(("A, standard deviations", "(A² − 1)/2", "C measured"), rows,
                 "The offset code on Gaussian data, by circuits at 256 ticks; inputs beyond A are cut off, which adds "
                 "to the error at small A.", "rrr")  # fmt: skip
