"""Results of a benchmark, to be read: a table and a plot."""

from matplotlib.figure import Figure

__all__ = ["plot", "table"]


def table(document):
    """The results as text."""
    versions = ", ".join(f"{name} {number}" for name, number in document["versions"].items())
    rounds = f"{document['rounds']} round{'s' * (document['rounds'] != 1)}"
    lines = [f"{document['machine']['processor']}; {versions}; medians of {rounds} in turn"]
    for case in document["cases"]:
        builds = ", ".join(f"{s:.0f} s" for s in case["build_s"].values())
        lines += [
            "",
            f"{case['name']}: {case['neurons']:,} neurons, {case['synapses']:,} synapses, {case['duration_ms']} ms; "
            f"network compiled in {case['compile_s']:.1f} s, Brian2's C++ in {builds}",
            f"  {'simulator':<36}{'run s':>9}{'speed-up':>10}{'/eventsim':>10}{'ns/event':>10}{'MB':>7}{'memory':>8}"
            f"{'start s':>9}  spikes",
        ]
        for row in case["rows"]:
            per_event, start = (f"{row[k]:.2f}" if k in row else "" for k in ("ns_per_event", "start_s"))
            peak = f"{row['peak_mb']:.0f}" if row["peak_mb"] else ""
            memory = f"{row['memory']:.2f}x" if "memory" in row else ""
            same = {True: "same", False: "OTHER", None: "its own"}[row["same_spikes"]]
            if row["same_spikes"] and "replayed" in row:
                same = f"audited ({row['replayed']:,} replayed)" if row["replayed"] else "not replayed"
            lines.append(f"  {row['simulator']:<36}{row['run_s']:>9.4f}{row['speed_up']:>9.2f}x"
                         f"{row['time_of_eventsim']:>10.2f}{per_event:>10}"
                         f"{peak:>7}{memory:>8}{start:>9}  "
                         f"{row['spikes']:,} {same}")  # fmt: skip
    return "\n".join(lines)


def plot(document, path):
    """Speed against C++ standalone with as many threads, one bar per case and simulator."""
    bars = [
        (f"{case['name']}  {row['simulator']}", row["speed_up"])
        for case in document["cases"] for row in case["rows"] if not row["simulator"].startswith("cpp")
    ]  # fmt: skip
    figure = Figure(figsize=(8, 1 + 0.28 * len(bars)), layout="constrained")
    ax = figure.subplots()
    ax.barh([label for label, _ in bars][::-1], [value for _, value in bars][::-1], color="#0072B2")
    ax.margins(y=0.01)
    ax.axvline(1, color="#1c2330", linewidth=1)
    ax.set_xlabel("times as fast as Brian2's C++ standalone with as many threads")
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
