"""MLflow: an experiment for the study, a run for each run, on a server or in a file of SQLite."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

from alexnet_study.api import Run, Runs
from alexnet_study.errors import RequestError, RunError
from alexnet_study.exporting.figures import configuration, final_figures, learning_curves
from alexnet_study.runs.folder import RunFolder

HASH = "alexnet_study.hash"  # the tag that tells a run again
AT_ONCE = {"metrics": 1000, "params": 100}  # what MLflow takes in one request
FORBIDDEN = re.compile(r"[^\w\-. /:]", re.ASCII)  # in a metric's name
SQLITE = "sqlite:///"
PATIENCE_SECONDS = 10.0  # until a server answers; MLflow itself would try for minutes


def export(runs: Runs, target: str) -> str:
    """Log the runs to the tracking server `target`, such as http://host:5000 or sqlite:///FILE; return what was logged.

    A run that is there already, by its hash, is left alone. Raise RequestError where no server answers, RunError where
    it refuses.
    """
    check_reachable(target)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(tracking_uri=target)
        logged = [run.name for run in runs if _log(client, _experiment(client, run.study, target), run)]
    except MlflowException as error:
        raise RunError(f"{target}: {error}") from None
    return f"{len(logged)} runs logged to {target}, {len(runs) - len(logged)} were there already"


def check_reachable(target: str) -> None:
    """Raise RequestError if nobody answers at `target`, where that is the address of a server; any answer will do."""
    if not target.startswith(("http://", "https://")):
        return
    try:
        urllib.request.urlopen(target, timeout=PATIENCE_SECONDS).close()
    except urllib.error.HTTPError:
        return
    except (OSError, ValueError, HTTPException) as error:  # the last two of an address that isn't one
        reason = getattr(error, "reason", error)
        raise RequestError(f"--target {target}: no answer ({reason}); expected a tracking server's address") from None


def _experiment(client: Any, study: str, target: str) -> str:
    """Return the id of the study's experiment; one of a file of SQLite keeps its artifacts beside that file."""
    found = client.get_experiment_by_name(study)
    if found is not None:
        return str(found.experiment_id)
    local = target.startswith(SQLITE)
    beside = Path(target.removeprefix(SQLITE)).absolute().with_suffix(".artifacts") / study
    return str(client.create_experiment(study, artifact_location=beside.as_uri() if local else None))


def _log(client: Any, experiment: str, run: Run) -> bool:
    """Log a run unless it is there; return whether it was logged."""
    if client.search_runs([experiment], f"tags.`{HASH}` = '{run.identity.hash}' and attributes.status = 'FINISHED'"):
        return False
    points = list(_points(run))
    start, end = (int(1000 * points[place][2]) for place in (0, -1))
    tags = {HASH: run.identity.hash, "variant": run.variant, "seed": str(run.seed)}
    id_ = client.create_run(experiment, start_time=start, tags=tags, run_name=run.name).info.run_id
    _log_all(client, id_, run, points)
    folder = RunFolder(run.folder)
    for path in (folder.config, folder.summary, folder.provenance, folder.model):
        if path.exists():
            client.log_artifact(id_, str(path))
    client.set_terminated(id_, end_time=end)
    return True


def _log_all(client: Any, id_: str, run: Run, points: list[tuple[str, float, float, int]]) -> None:
    from mlflow.entities import Metric, Param

    metrics = [Metric(name, value, int(1000 * time), step) for name, value, time, step in points]
    params = [Param(name, value) for name, value in configuration(run).items()]
    for name, items in (("metrics", metrics), ("params", params)):
        for part in _parts(items, AT_ONCE[name]):
            client.log_batch(id_, **{name: part})


def _points(run: Run) -> Iterator[tuple[str, float, float, int]]:
    """Yield name, value, time and step of every figure; names are those of study files, as far as MLflow takes them."""
    step, now = 0, 0.0
    for step, now, figures in learning_curves(run):
        for name, value in figures.items():
            yield name, value, now, step
    final = final_figures(run)
    for name, allowed in zip(final, _allowed(final), strict=True):
        yield allowed, final[name], now, step


def _allowed(names: Iterable[str]) -> list[str]:
    """Return names without what MLflow refuses, such as a class's `$`; those that would be alike get a number."""
    counts: dict[str, int] = {}
    found = []
    for name in names:
        plain = FORBIDDEN.sub("_", name)
        counts[plain] = counts.get(plain, 0) + 1
        found.append(plain if counts[plain] == 1 else f"{plain} {counts[plain]}")
    return found


def _parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
