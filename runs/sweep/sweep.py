"""Run an experiment at every point of a sweep that has no result yet, and set all results in one table."""

from concurrent.futures import as_completed
from pathlib import Path

import msgspec

from eventsim.errors import ConfigError
from eventsim.interrupts import terminated_in_order
from eventsim.trace.lock import hold
from runs.config import check, overrides, read_table
from runs.experiments import EXPERIMENTS
from runs.run import results_folder
from runs.sweep.apart import run_apart
from runs.sweep.executors import cluster, local
from runs.sweep.expansion import expand
from runs.sweep.points import make_points, run_point
from runs.sweep.progress import counting
from runs.sweep.table import write_table

__all__ = ["run_sweep"]

#: Held by the sweep that runs in a folder; it stays there, empty.
_LOCK = ".sweep.lock"


def run_sweep(name, settings, over, folder=None, workers=1, scheduler=None):
    """Run the points of a sweep that are missing or failed.

    Parameters
    ----------
    name : str
        An experiment, or a TOML file, which may hold a table `sweep`.
    settings : sequence of str
        Overrides "key=value" for all points.
    over : sequence of str
        Keys of the grid, "key=v1,v2,...".
    folder : path, optional
        out/NAME-sweep by default: a folder for each point in `points`, and the table.
    workers : int, optional
        Processes on this machine.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers run the points in their place.

    Returns
    -------
    (document, text) : how many points there are, which failed and why, and the files; the same in words

    Raises
    ------
    ConfigError
        The sweep or one of its configurations makes no sense, or another sweep is running in the folder; then nothing
        was run.
    """
    experiment, swept, configs = _expanded(name, settings, over)
    folder = results_folder(folder, f"{Path(name).stem}-sweep")
    points = make_points(experiment, swept, configs, folder / "points")
    with hold(folder / _LOCK, f"another sweep is running in {folder}; wait for it, end it, or give another --out"):
        waiting = [point for point in points if point.summary() is None]
        errors = _run_all(waiting, workers, scheduler) if waiting else {}
        tables = write_table(points, errors, folder)
    document = {
        "experiment": experiment, "points": len(points), "run": len(waiting), "finished": len(points) - len(errors),
        "failed": [{"point": point.name, "error": errors[point.name]} for point in points if point.name in errors],
        "tables": [str(path) for path in tables],
    }  # fmt: skip
    return document, "\n".join(_lines(document, folder))


def _expanded(name, settings, over):
    path, experiment, table = read_table(name, EXPERIMENTS)
    config_type = EXPERIMENTS[experiment].Config
    keys = [field.name for field in msgspec.structs.fields(config_type)]
    swept, origin = expand(table.pop("sweep", {}), over, path, keys)
    values, said = overrides(settings, config_type, experiment)
    if both := values.keys() & origin.keys():
        key = min(both)
        raise ConfigError(f"{said[key]}: '{key}' is swept ({origin[key]}); give it one value or several, not both")
    return experiment, swept, [check(table | values | point, config_type, path, said | origin) for point in swept]


def _run_all(points, workers, scheduler):
    """What went wrong, by the name of the point."""
    if scheduler is None:
        place, run = local(min(workers, len(points))), run_point
    else:
        place, run = cluster(scheduler), run_apart
    errors, here = {}, str(Path.cwd())
    with terminated_in_order(), place as executor, counting(len(points)) as done:
        running = {executor.submit(run, p.experiment, p.config, str(p.folder.absolute()), here): p for p in points}
        for future in as_completed(running):
            point = running.pop(future)
            error = _outcome(future, point)
            if error is not None:
                errors[point.name] = error
            done(point.name, error)
    return errors


def _outcome(future, point):
    """What went wrong, or None."""
    if (failure := future.exception()) is not None:
        return " ".join(f"{type(failure).__name__}: {failure}".split())
    error = future.result()
    if error is None and point.summary() is None:
        return f"its worker left no summary.json in {point.folder}: do all workers see this folder?"
    return error


def _lines(document, folder):
    points, ran, failed = document["points"], document["run"], document["failed"]
    yield (f"{points} point{'s' * (points != 1)}: {document['finished']} finished, {points - ran} of them before; "
           f"{len(failed)} failed")  # fmt: skip
    yield from (f"failed: {each['point']}: {each['error']}" for each in failed)
    if failed:
        yield f"tracebacks: error.txt in {folder / 'points'}/POINT; the same command runs these points again"
    yield f"written: {', '.join(document['tables'])}"
