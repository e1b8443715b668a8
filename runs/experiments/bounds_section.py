"""How every report shows spikes used beside spikes needed."""

from analysis.report import Section, Table

__all__ = ["bound_in_words", "bounds_section", "in_short"]


def bound_in_words(row):
    """One bound of `MeasuredBounds.to_json()` in a line."""
    label = "" if row["is_bound"] else " (Gaussian assumption, not a bound)"
    failing = f"; fails: {row['failing'][0]}" if row["is_bound"] and row["beaten"] and row["failing"] else ""
    return (f"{row['name']} on {row['cut']} for {row['what']}: {_needed(row)} spikes needed, "
            f"{row['spikes_used']:,.1f} used, ratio {_ratio(row)}{label}{failing}")  # fmt: skip


def in_short(measured):
    """The sound bound that comes closest to what was used on the first cut, for a verdict."""
    rows = [row for row in measured["bounds"] if row["is_bound"] and row["cut"] == measured["bounds"][0]["cut"]]
    any_code = max((row for row in rows if row["name"] == "coding-agnostic bound"), key=lambda row: row["bits"])
    return (f"{any_code['spikes_used']:,.0f} crossed {any_code['cut']}; no code whatever could do with fewer than "
            f"{_needed(any_code)}")  # fmt: skip


def bounds_section(measured, lead=()):
    """A Section for `MeasuredBounds.to_json()`; `lead` holds paragraphs that go first."""
    text = (
        *lead,
        "How few spikes could have done? A bound holds for one cut, a population that all the answer depends on has to "
        "pass, and under its assumptions only. Where the ratio is below one, one of them does not hold here; those "
        "that the trace speaks against are named. Figures that take the output to be Gaussian are no bounds.",
    )
    rows = tuple(
        (row["cut"], row["what"], f"{row['bits']:.2f}", row["name"], f"{row['spikes_used']:,.1f}", _needed(row),
         _ratio(row), _status(row))
        for row in measured["bounds"]
    )  # fmt: skip
    headings = ("cut", "what must cross", "bits", "bound", "used", "needed", "used / needed", "status")
    assumed = {row["name"]: row["assumptions"] for row in measured["bounds"]}
    listed = tuple((name, "; ".join(texts)) for name, texts in assumed.items())
    left_out = f" Left out: {'; '.join(measured['left_out'])}." if measured["left_out"] else ""
    tables = (Table(headings, rows, f"Spikes per query.{left_out}", "llrlrrrl"),
              Table(("bound", "assumes"), listed, "", "ll"))  # fmt: skip
    return Section("Spikes used against spikes needed", text, tables)


def _needed(row):
    return "no number suffices" if row["spikes_needed"] is None else f"{row['spikes_needed']:,.2f}"


def _ratio(row):
    return "" if row["saturation"] is None else f"{row['saturation']:,.3g}"


def _status(row):
    if not row["is_bound"]:
        return "no bound: Gaussian assumption"
    if not row["beaten"]:
        return "consistent"
    return "an assumption fails: " + ("; ".join(row["failing"]) or "which one, the trace does not tell")
