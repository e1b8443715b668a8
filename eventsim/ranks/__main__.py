"""python -m eventsim.ranks run FOLDER: one rank of a job, started by an MPI launcher.

python -m eventsim.ranks recover FOLDER TRACE: the trace of a job whose ranks died, up to the last tick that all kept.
"""

import json
import sys

from eventsim.errors import EnvironmentProblem, EventSimError
from eventsim.ranks.job import open_job
from eventsim.ranks.launcher import SAYS
from eventsim.ranks.serving import take_part


def main(arguments):
    """Exit codes as those of `eventsim`: 0 fine, 2 bad input, 3 the environment."""
    if len(arguments) == 2 and arguments[0] == "run":
        from mpi4py import MPI

        take_part(MPI.COMM_WORLD, arguments[1], _tell)
        return 0
    if len(arguments) == 3 and arguments[0] == "recover":
        from eventsim.ranks.merge import recover

        try:
            with open_job(arguments[1]) as job, recover(job, arguments[2]) as trace:
                print(trace)
        except EventSimError as error:
            print(f"{SAYS}{error}", file=sys.stderr)
            return 3 if isinstance(error, EnvironmentProblem) else 2
        return 0
    print(__doc__, file=sys.stderr)
    return 2


def _tell(tick, duration_ticks):
    print(json.dumps({"tick": tick, "duration_ticks": duration_ticks}), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
