"""What the spikformer experiments say in a terminal, and the tables they share with the report."""

__all__ = ["broken", "chip_rows", "comparison", "equality_verdict", "in_words"]


def in_words(summary):
    """Lines of text."""
    for row in summary["models"]:
        known = "" if row["accuracy"] is None else f", {row['accuracy']:.1%} right"
        yield (f"{row['model']}: {row['images']} images{known}; {row['neurons']:,} neurons, {row['synapses']:,} "
               f"synapses, {row['ticks_per_image']} ticks")  # fmt: skip
        if "equality" in row:
            yield f"  against torch    {equality_verdict(row['equality'])[0]}"
        if row["accuracy_by_steps"]:
            said = (f"T={t + 1} {accuracy:.1%}" for t, accuracy in enumerate(row["accuracy_by_steps"]))
            yield f"  by steps         {', '.join(said)}"
        yield (f"  per image        {row['spikes_per_image']:,.0f} spikes, "
               f"{row['synaptic_events_per_image']:,.0f} synaptic events")  # fmt: skip
        for chip, how, answer, cores, dynamic, static, note in chip_rows(row):
            cost = f"per image {dynamic} dynamic, {static} static, {cores} cores" if cores else ""
            yield f"  {chip:<10} {how:<12} {'; '.join(text for text in (answer, cost, note) if text)}"
        for bound in row["bounds"][:1]:
            yield f"  bound            {bound['verdict']}"
        yield f"  audit            {broken(row) or 'no law broken'}"


def equality_verdict(equality):
    """(text, whether every spike and prediction is torch's)."""
    different = sum(stage["different"] for stage in equality["stages"])
    spikes, places = (sum(stage[key] for stage in equality["stages"]) for key in ("spikes", "compared"))
    text = (f"{different:,} of {places:,} places differ ({spikes:,} spikes, {len(equality['stages'])} stages, "
            f"{equality['images']} images)")  # fmt: skip
    if equality["same_predictions"] is None:
        return text, different == 0
    return (f"{text}; {equality['same_predictions']:.1%} of the predictions the same, logits within "
            f"{equality['logits_differ_by']:.2g}"), different == 0 and equality["same_predictions"] == 1  # fmt: skip


def chip_rows(row):
    """The network as it is and in each chip's integers, as text.

    Columns: chip, how, what it answers, cores, dynamic and static energy per image, what has to be known about them.
    """
    for each in row["chips"]:
        yield each["chip"], "as it is", "", *_energy(each)
    for each in row["native"]:
        if "refused" in each:
            yield each["chip"], "in integers", "", "", "", "", each["refused"]
            continue
        accuracy = "" if each["accuracy"] is None else f"{each['accuracy']:.1%} right, "
        answer = f"{accuracy}{each['same_predictions']:.1%} of the predictions the same"
        yield each["chip"], "in integers", answer, *_energy(each)


def _energy(each):
    """(cores, dynamic, static, note)."""
    if "refused" in each:
        return "", "", "", f"cannot be placed: {each['refused']}"
    per, ticks, missing = each["energy"]["per_query"], each["energy"]["ticks"], each["energy"]["missing"]
    low, high = per["dynamic_low_pj"] / 1e6, per["dynamic_high_pj"] / 1e6
    dynamic = f"{low:.3g} µJ" if low == high else f"{low:.3g} to {high:.3g} µJ"
    static = f"{per['static_pj'] / 1e6:,.3g} µJ at ticks of {ticks['mean_us']:,.4g} µs"
    return f"{each['cores']:,}", dynamic, static, f"not runnable as is: {missing[0]}" if missing else ""


def broken(row):
    """The laws of the audit that a model's run broke."""
    return ", ".join(law["name"] for law in row["audit"]["laws"] if law["verdict"] == "failed")


def comparison(rows):
    """Headings, and a row of text for each figure, a column for each model."""
    figures = {
        "images": lambda row: f"{row['images']}",
        "right": lambda row: "not known" if row["accuracy"] is None else f"{row['accuracy']:.1%}",
        "neurons": lambda row: f"{row['neurons']:,}",
        "synapses": lambda row: f"{row['synapses']:,}",
        "ticks per image": lambda row: f"{row['ticks_per_image']}",
        "spikes per image": lambda row: f"{row['spikes_per_image']:,.0f}",
        "synaptic events per image": lambda row: f"{row['synaptic_events_per_image']:,.0f}",
        "of these, to attention": lambda row: f"{attention_events(row):,.0f}",
    }
    return ("", *(row["model"] for row in rows)), tuple(
        (name, *(text(row) for row in rows)) for name, text in figures.items()
    )


def attention_events(row):
    """Synaptic events per image that arrive between the projections of the attentions."""
    layers = ("q", "k", "v", "proj")
    stages = [stage for stage in row["stages"] if "/attention/" in stage["stage"]]
    return sum(stage["synaptic_events"] for stage in stages if stage["stage"].rpartition("/")[2] not in layers)
