"""How every report shows spikes used beside spikes needed."""

from analysis.report import Section, Table

__all__ = ["bounds_in_words", "bounds_section", "in_short"]


#: Ratios from here on belong to a decoder that says next to nothing.
SENSELESS = 1e6


def bounds_in_words(measured):
    """Lines for a terminal: on each cut, what no code could do without, and each bound that fewer spikes went below."""
    sound = [row for row in measured["bounds"] if row["is_bound"]]
    for cut in dict.fromkeys(row["cut"] for row in sound):
        rows = [row for row in sound if row["cut"] == cut]
        yield _in_words(_of_any_code(rows))
        yield from (_in_words(row) for row in rows if row["beaten"])
    if not sound:
        yield "none: so large an error implies no bits"


def _of_any_code(rows):
    return max((row for row in rows if row["name"] == "coding-agnostic bound"), key=lambda row: row["bits"])


def _in_words(row):
    fails = f"; fails: {'; '.join(row['failing']) or 'which one, the trace does not tell'}" if row["beaten"] else ""
    return (f"{row['name']} on {row['cut']} for {row['what']}: {_needed(row)} spikes needed, "
            f"{row['spikes_used']:,.1f} used, ratio {_ratio(row)}{fails}")  # fmt: skip


def in_short(measured):
    """The sound bound that comes closest to what was used on the first cut, for a verdict."""
    sound = [row for row in measured["bounds"] if row["is_bound"]]
    if not sound:
        return "so large an error implies no bits, so no number of spikes"
    rows = [row for row in sound if row["cut"] == sound[0]["cut"]]
    any_code = _of_any_code(rows)
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
    ratio = row["saturation"]
    if ratio is None or ratio > SENSELESS:
        return "none: next to no bits are asked"
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def _status(row):
    if not row["is_bound"]:
        return "no bound: Gaussian assumption"
    if not row["beaten"]:
        return "consistent"
    return "an assumption fails: " + ("; ".join(row["failing"]) or "which one, the trace does not tell")
