"""One row measured in this process: python -m tests.reliability.measure ROW SIZE FOLDER prints it as JSON."""

import json
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

__all__ = ["ROWS", "main"]

#: Row -> (module and function, size of the full table). What a size counts stands in the function's docstring.
ROWS = {
    "kills": ("kills.kills_during_a_run", 200),
    "kills-finish": ("kills.kills_during_the_finish", 50),
    "signals": ("signals.signals", 80),
    "resumes": ("resumes.resumes", 20),
    "disk-calls": ("failing_disk.failing_calls", 1000),
    "disk-limit": ("failing_disk.small_files", 12),
    "disk-full": ("failing_disk.full_disk", 8),
    "threads": ("parallel.threads", 10),
    "workers": ("parallel.workers", 7),
    "traces": ("mutants.mutated_traces", 5000),
    "inputs": ("mutants.mutated_inputs", 2000),
    "sonata": ("mutants.mutated_sonata", 200),
    "attacks": ("attacks.attacks", 1),
    "soak": ("soak.soak", 30),
}


def main(name, size, folder):
    """Measure a row and print it."""
    module, _, function = ROWS[name][0].partition(".")
    size = float(size) if name == "soak" else int(size)
    row = getattr(import_module(f"tests.reliability.{module}"), function)(Path(folder), size)
    print("\n" + json.dumps(asdict(row)))


if __name__ == "__main__":
    main(*sys.argv[1:])
