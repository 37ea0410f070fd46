"""The committed reference of a study: its finished runs without their arrays, and the report made from those."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from alexnet_study.errors import RequestError
from alexnet_study.files import write_atomically, write_json
from alexnet_study.report.audit import look_log
from alexnet_study.report.collection import REFERENCE, Collection, collect
from alexnet_study.report.findings import FILE
from alexnet_study.report.run import Run
from alexnet_study.report.writing import write_report
from alexnet_study.runs.records import as_json
from alexnet_study.study.study import Study

MEGABYTES = 5.0
LEFT_OUT = ("names of machines and jobs", "report/figures/*.svg", "report/tables/*.md", "report/tables/*.tex")


def write_reference(study: Study, results: Path, target: Path, *, force: bool = False) -> tuple[Path, float]:
    """Copy what a reader needs of `study` below `results` to below `target`; return the page's path and megabytes.

    Kept: configuration, metrics, summary, provenance without names of machines, the looks, what the arrays said, and of
    the report what `write_report` says. Raise RequestError if there is nothing to copy, `target` holds runs of its own
    or, unless by `force`, a reference of more seeds, of other data or of a newer recipe.
    """
    collection = collect(study, results)
    folder = target / study.name
    if target.resolve() == results.resolve() or (folder.exists() and not (folder / REFERENCE).exists()):
        raise RequestError(f"{folder} holds runs of its own; expected an empty folder, or an earlier reference")
    if (results / study.name / REFERENCE).exists():
        raise RequestError(f"{results / study.name} is itself a reference; expected the folder of the runs")
    if folder.exists() and not force and collection.runs:
        _refuse_lesser(collection.study, collection.runs, collect(study, target).runs, folder)
    page = write_report(collection, results)
    if folder.exists():
        shutil.rmtree(folder)
    write_json(folder / REFERENCE, {"left_out": [*_left_out(collection), *LEFT_OUT]})
    if (looks := results / study.name / look_log.FILE).exists():
        write_atomically(folder / looks.name, looks.read_bytes())
    for run in collection.runs:
        _copy(run, folder / run.variant / run.folder.path.name)
    if collection.has_arrays:
        write_atomically(folder / "report" / FILE, page.with_name(FILE).read_bytes())
    page = write_report(collect(study, target), target)
    return page, sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _left_out(collection: Collection) -> list[str]:
    """Return the files of arrays and weights that the runs have."""
    folders = [run.folder for run in collection.runs]
    paths = [path for folder in folders for path in (folder.predictions, folder.features, folder.model)]
    return list(dict.fromkeys(path.name for path in paths if path.exists()))


def _refuse_lesser(study: Study, new: Sequence[Run], old: Sequence[Run], folder: Path) -> None:
    """Raise RequestError where `new` runs would replace a reference that says more, or something else."""
    reasons = []
    for variant in dict.fromkeys(run.variant for run in old):
        ours, theirs = ([run for run in runs if run.variant == variant] for runs in (new, old))
        if len(ours) < len(theirs):
            reasons.append(f"{len(ours)} seeds of {variant} would replace {len(theirs)}")
        elif _is_older(study, ours[0], theirs[0]):
            reasons.append(f"{variant} would have an older recipe or structure than the study file")
    if old and new[0].identity.dataset != old[0].identity.dataset:
        reasons.append(f"the data would be another: {_data(new[0])} in place of {_data(old[0])}")
    if old and new[0].identity.numerics < old[0].identity.numerics:
        reasons.append("the runs would be of older code, whose results have other bits")
    if reasons:
        raise RequestError(
            f"{folder} holds a reference, and {'; '.join(reasons)}; expected the runs of at least that, or --force "
            "(make reference FORCE=1)"
        )


def _is_older(study: Study, new: Run, old: Run) -> bool:
    """Return whether a new run differs from the reference's, and from what the study file asks for."""
    asked = study.run(new.variant, new.seed).on_data(new.identity.recipe.normalisation)
    own = (new.identity.model, new.identity.recipe)
    return own not in ((old.identity.model, old.identity.recipe), (asked.model, asked.recipe))


def _data(run: Run) -> str:
    return f"{run.provenance.source.name}, hash {run.identity.dataset[:12]}"


def _copy(run: Run, folder: Path) -> None:
    for path in (run.folder.config, run.folder.summary):  # laid out anew: an older run's took more room
        write_json(folder / path.name, json.loads(path.read_bytes()))
    write_atomically(folder / run.folder.metrics.name, run.folder.metrics.read_bytes())
    write_json(folder / run.folder.provenance.name, as_json(run.provenance, private=False))
