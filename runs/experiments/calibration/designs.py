"""Circuits whose ticks are set by the frozen constants alone, and the errors they make, against those asked for."""

from dataclasses import asdict

from scipy.stats import binomtest

from analysis.calibration import design
from eventsim.errors import CapacityError

__all__ = ["designs"]

#: Ends of the rule: its place in a design's intervals.
_ENDS = {"middle": 1, "upper end": 2}


def designs(constants, tasks, measurer, config):
    """Designs for tasks that no constant was fitted to, and what became of them, as plain types."""
    first = {(task.basis, task.function.circuit): task for task in reversed(tasks)}  # of each circuit, on each source
    asked = [(task, code) for task in reversed(first.values()) for code in config.codes if code in task.function.codes]
    # The errors in turn, one further with each round, so that no code is always asked for the same.
    errors, codes = config.errors, len(config.codes)
    asked = [(task, code, errors[(k + k // codes) % len(errors)]) for k, (task, code) in enumerate(asked)]
    made = [(task, code, design(task, error, code, constants=constants)) for task, code, error in asked]
    jobs = [(task, code, of.ticks[end]) for task, code, of in made for end in _ENDS.values()]
    measured = iter(measurer("designs", jobs))
    rows = []
    for task, code, of in made:
        for end, place in _ENDS.items():
            got = next(measured)
            rows.append({
                "task": task.name, "circuit": of.circuit, "code": code, "end": end, "asked": of.error,
                "measured": got.of_output, "low": got.of_output * got.error_low / got.error,
                "high": got.of_output * got.error_high / got.error, "ticks": of.ticks[place],
                "spikes_predicted": of.spikes[place], "spikes": got.spikes * task.encoded_tokens,
                "extrapolates": of.extrapolates,
            })  # fmt: skip
    return {"rows": rows, "held": {end: _held([r for r in rows if r["end"] == end]) for end in _ENDS},
            "energy": _energies(constants, tasks, config)}  # fmt: skip


def _held(rows):
    """How often the error stayed within what was asked for, with its 95 % interval."""
    kept = sum(row["measured"] <= row["asked"] for row in rows)
    low, high = binomtest(kept, len(rows)).proportion_ci(method="wilson")
    within = sum(1 / 1.25 <= row["measured"] / row["asked"] <= 1.25 for row in rows)
    return {"kept": kept, "designs": len(rows), "low": float(low), "high": float(high), "within_a_quarter": within}


def _energies(constants, tasks, config):
    """Designs with their energy: the first linear layer in each of its codes, and the first head in its first."""
    chosen = [next(t for t in tasks if t.function.circuit == name) for name in ("one layer", "attention head")]
    found = []
    for task, codes in zip(chosen, (config.codes, config.codes[:1])):
        for code in (code for code in codes if code in task.function.codes):
            try:
                of = design(task, config.errors[0], code, config.chip, table=config.table, constants=constants)
            except CapacityError as error:
                found.append({"task": task.name, "code": code, "refused": str(error)})
                continue
            found.append({"task": task.name, "code": code, "text": str(of), "ticks": list(of.ticks),
                          "spikes": list(of.spikes), "energy": [asdict(e) for e in of.energy]})  # fmt: skip
    return found
