"""What `check` prints, topic by topic."""

import shutil
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alexnet_study.commands.checked import data_notes
from alexnet_study.commands.expected_time import time_lines
from alexnet_study.commands.expense import Expense, disk_bytes, expense_of
from alexnet_study.data.arrays import Array
from alexnet_study.data.dataset import Dataset
from alexnet_study.data.image_listing import one_line
from alexnet_study.data.sources import Source, is_source
from alexnet_study.data.survey import survey
from alexnet_study.errors import RequestError
from alexnet_study.report.applicability import DataFacts, applicable
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import UNBALANCED
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.identity import identity
from alexnet_study.study.study import Study

if TYPE_CHECKING:
    import torch

NAMED = 8  # kinds of images, and groups of equal files, that are listed


def study_lines(study: Study) -> list[str]:
    """Return what is asked, and of how many runs."""
    looks = ", ".join(f"{n} ({100 * share:g} %)" for n, share in study.looks.items())
    count = f"{len(study.variants)} variants, {len(study.seeds)} seeds, {len(study.runs())} runs"
    return [
        f"study     {study.name}: {study.question or 'no question stated'}",
        f"          {count}: {', '.join(study.variants)}",
        *([f"          judged at (seeds, share of the error): {looks}"] if study.claims else []),
    ]


def data_lines(data: Dataset) -> list[str]:
    """Return the classes with their images in each split, and how unequal they are."""
    train, test = (np.bincount(own.labels.numpy(), minlength=len(data.classes)) for own in data.splits().values())
    names = [one_line(name) for name in data.classes]
    wide = max(map(_width, [*names, "class", "all"]))
    rows = [*zip(names, train, test, strict=True), ("all", train.sum(), test.sum())]
    table = [f"          {_padded(name, wide)} {own:>8} {other:>8}" for name, own, other in rows]
    head = f"          {_padded('class', wide)} {'train':>8} {'test':>8}"
    hashed = f"content hash {data.content_hash[:16]}"
    return [f"data      {data.source.name}, {len(names)} classes, {hashed}", head, *table, _balance(train, test)]


def image_lines(source: Source, data: Dataset) -> list[str]:
    """Return what the images are, what was done to them, and what was left out or occurs twice."""
    own, lines = data.source, []
    if is_source(own.kind):
        lines.append(f"images    32×32 RGB: {len(data.train) + len(data.test)}")
    else:
        found = survey(source.files())
        lines.append(f"images    {_first([f'{kind}: {count}' for kind, count in found.kinds.items()])}")
        lines.append(f"          resized to 32×32: {own.resized}")
        groups = ["; ".join(one_line(path) for path in group) for group in found.duplicates]
        lines += [
            f"          the same file {len(found.duplicates[i])} times: {text}" for i, text in enumerate(groups[:NAMED])
        ]
        lines += [f"          and {len(groups) - NAMED} more such groups"] if len(groups) > NAMED else []
    lines.append(f"          normalised by {data.normalisation}, where the study gives no other statistics")
    lines += [f"          {note}" for note in source.notes()]
    lines.append(f"twice     test images that are training images too, to the pixel: {own.in_both}")
    return [*lines, f"          images that repeat another of their own split, to the pixel: {own.repeated}"]


def claim_lines(study: Study, data: DataFacts, *, own: bool) -> list[str]:
    """Return which claims will be judged, and which can't be and why."""
    judged = applicable(study, data)
    labels = ", ".join(claim.label for claim in judged.claims)
    said = f"{len(judged.claims)} to be judged: {labels}" if judged.claims else "none to be judged"
    figures = (
        sum(len(group.metrics) * len(group.values) for group in judged.published.figures) if judged.published else 0
    )
    return [
        f"claims    {said if study.claims else 'the study states none'}",
        *(f"          {note}" for note in data_notes(study, data, own=own)),
        *([f"          {figures} published figures to be compared"] if figures else []),
    ]


def run_lines(runs: Sequence[RunConfig], data: Dataset, results: Path, device: "torch.device") -> list[str]:
    """Return which runs exist, and what the others are expected to take: on `device`, where no finished run tells."""
    folders = [(run, RunFolder.of(results, run)) for run in runs]
    finished = [folder for _, folder in folders if folder.looks_finished()]
    done = {folder.path for folder in finished}
    left = [run for run, folder in folders if folder.path not in done]
    begun = sum(RunFolder.of(results, run).config.exists() for run in left)
    others = [reason for run, folder in folders if (reason := _of_another(run, folder, data))]
    expense = expense_of(finished)
    return [
        f"runs      {len(finished)} of {len(runs)} finished, {begun} begun, in {results / runs[0].study}",
        *(f"          {reason}" for reason in others[:NAMED]),
        *([f"          and {len(others) - NAMED} more such folders"] if len(others) > NAMED else []),
        *time_lines(left, expense, data, device),
        _disk_line(left, data, expense, results),
    ]


def _of_another(run: RunConfig, folder: RunFolder, data: Dataset) -> str | None:
    try:
        folder.refuse_other(identity(run.on_data(data.normalisation), data.content_hash))
    except RequestError as error:
        return str(error)
    return None


def _disk_line(left: Sequence[RunConfig], data: Dataset, expense: Expense, results: Path) -> str:
    needed = sum(expense.bytes.get(run.variant) or disk_bytes(run, data) for run in left)
    home = next(folder for folder in (results.absolute(), *results.absolute().parents) if folder.exists())
    free = shutil.disk_usage(home).free
    return f"disk      about {needed / 1e6:,.0f} MB for what is left; free are {free / 1e6:,.0f} MB"


def _balance(train: Array, test: Array) -> str:
    ratio = train.max() / max(train.min(), 1)
    word = "balanced" if ratio < UNBALANCED else "unbalanced"
    share = f"the commonest class is {test.max() / test.sum():.1%} of the test images"
    return f"          {word}: the largest class has {ratio:.1f} times the smallest's training images; {share}"


def _first(texts: Sequence[str]) -> str:
    more = [f"and {len(texts) - NAMED} more kinds"] if len(texts) > NAMED else []
    return ", ".join([*texts[:NAMED], *more])


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
