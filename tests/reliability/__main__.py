"""The table of reliability: python -m tests.reliability [--out FOLDER] [ROW[=SIZE] ...]; all rows in full by default.

Each row is measured by a process of its own, in a folder of its own that is deleted in the end, and kept as JSON in
`out/reliability`. Exit code 1 when a promise was broken or a row could not be measured; what was measured before an
interrupt, or a time limit that sends SIGTERM, is still shown, and the row that it hit is a failure.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from eventsim.interrupts import terminated_in_order
from tests.reliability.measure import ROWS
from tests.reliability.processes import how_it_ended, run_watched
from tests.reliability.rows import Row, table

__all__ = ["main", "measured", "where"]


def measured(name, size):
    """The Row of that name and size, from a process of its own; how that ended is a failure, unless it ended well."""
    with tempfile.TemporaryDirectory(prefix="eventsim-reliability-") as folder:
        command = [sys.executable, "-m", "tests.reliability.measure", name, str(size), folder]
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # each of its threads maps memory of its own
        done = run_watched(command, env=environment, process_group=0)
    if done.returncode:
        return Row(name, 0, (f"it could not be measured: {how_it_ended(done)}",), "")
    fields = json.loads(done.stdout.splitlines()[-1])
    return Row(**fields | {"faults": tuple(fields["faults"])})


def where():
    """The system and the versions that the figures are of."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("h5py", "numpy", "numba"))
    import h5py

    return (f"{platform.system()} on {platform.machine()}, Python {platform.python_version()}, {packages}, "
            f"HDF5 {h5py.version.hdf5_version}")  # fmt: skip


def _is_size(name, text):
    """Whether a row can be measured in this size: minutes of a soak may have a fraction."""
    digits = text.replace(".", "", 1) if name == "soak" else text
    return digits.isdecimal() and int(digits) > 0


def main():
    """Measure, tell about each row as it is done, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability")
    parser.add_argument("--out", type=Path, default=Path("out/reliability"))
    parser.add_argument("rows", nargs="*", metavar="ROW[=SIZE]", help=", ".join(ROWS))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    asked = [text.partition("=")[::2] for text in arguments.rows or ROWS]
    if unknown := [name for name, _ in asked if name not in ROWS]:
        parser.error(f"there is no row '{unknown[0]}'; there are {', '.join(ROWS)}")
    if wrong := [f"{name}={size}" for name, size in asked if size and not _is_size(name, size)]:
        parser.error(f"'{wrong[0]}': a size is a whole number from 1 on, as in kills=20, or minutes, as in soak=0.5")
    rows = []
    with terminated_in_order():
        try:
            rows.extend(_told(asked, arguments.out))
        except KeyboardInterrupt:
            rows.append(Row(asked[len(rows)][0], 0, ("it was interrupted",), "interrupted"))
            print(*rows[-1].faults, file=sys.stderr)
    print(table(rows), where(), sep="\n\n")
    sys.exit(any(row.faults for row in rows))


def _told(asked, out):
    """Each row, once it is measured, kept and told."""
    for name, size in asked:
        began = time.monotonic()
        print(f"{name}: ", end="", file=sys.stderr, flush=True)
        row = measured(name, size or ROWS[name][1])
        (out / f"{name}.json").write_text(json.dumps(vars(row), indent=1))
        print(f"{len(row.faults)} failures in {row.tried:,}, {time.monotonic() - began:.0f} s", file=sys.stderr)
        print(*row.faults[:10], sep="\n", end="\n" * bool(row.faults), file=sys.stderr, flush=True)
        yield row


if __name__ == "__main__":
    main()
