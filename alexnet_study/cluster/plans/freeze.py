"""Freeze what is submitted: the resolved study, and the tracked code that the jobs run."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from alexnet_study.data.sources import is_source
from alexnet_study.errors import RequestError
from alexnet_study.provenance import ROOT, CodeState, git
from alexnet_study.study.study import Study, load_study, study_document

CODE = ("alexnet_study", "constraints.txt", "pyproject.toml")


def refuse_changes(state: CodeState) -> None:
    """Raise RequestError where tracked files differ from the commit that results would name, or nobody could look."""
    if state.unseen is not None:
        raise RequestError(
            f"it is not known whether tracked files changed: {state.unseen}; or give ALLOW_DIRTY=1 (--allow-dirty)"
        )
    if state.dirty:
        shown = ", ".join(state.changed[:3]) + (" and more" if len(state.changed) > 3 else "")
        raise RequestError(
            f"changed since the last commit: {shown or 'tracked files'}; commit them, or give ALLOW_DIRTY=1 "
            "(--allow-dirty)"
        )


def freeze_code(target: Path) -> None:
    """Copy the tracked code, as it stands on disk, to `target`."""
    for name in _tracked():
        source = ROOT / name
        if source.is_file():  # a tracked file may have been deleted
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def freeze_study(path: Path, study: Study, overrides: Iterable[str], target: Path) -> None:
    """Write the study with everything settled: its data's absolute path, its seeds, and the overrides in each variant.

    path: the study's file, whose other entries go along. study: what was read from it, its data and seeds as asked for.
    """
    overrides = tuple(overrides)
    document: dict[str, Any] = study_document(path)
    document |= {"data": settled_source(study.data), "seeds": list(study.seeds)}
    for override in overrides:
        key, _, value = override.partition("=")
        section, _, name = key.partition(".")
        for variant, body in document["variants"].items():
            body = dict(body or {})
            document["variants"][variant] = body | {section: {**(body.get(section) or {}), name: yaml.safe_load(value)}}
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")
    if load_study(target).runs() != study.runs(overrides):
        raise RuntimeError(f"{target} does not describe the runs of {path}")


def settled_source(source: str) -> str:
    """Return a request for data that means the same in every folder: a source's name, or an absolute path."""
    return source if is_source(source) else os.path.abspath(source)


def _tracked() -> list[str]:
    try:
        return [name for name in git("ls-files", "-z", "--", *CODE).split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # frozen code, or an unpacked archive
        files = [path for name in CODE for path in [ROOT / name, *(ROOT / name).rglob("*")] if path.is_file()]
        return [str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts]
