"""What a study's users were told of its end: `.submit/notices/<key>`, and `<key>.json` with what came of it.

A notice is told by whoever creates its file first: once, however often the report's job starts or is sent again.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from alexnet_study.cluster.plans.job_plan import create_once, submissions
from alexnet_study.files import write_json
from alexnet_study.study.validation import build

FOLDER = "notices"
UNKNOWN = "its job ended before it was known"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """key: one for each occasion. state: `done` or `stuck`. failures: of the ways to tell it, in words."""

    key: str
    study: str
    state: str
    text: str
    failures: tuple[str, ...] = ()


def claim(results: Path, notice: Notice) -> bool:
    """Return whether the caller is to tell this notice, and nobody else was or will be."""
    folder = _folder(results, notice.study)
    folder.mkdir(parents=True, exist_ok=True)
    own = secrets.token_hex(8)
    return create_once(folder / notice.key, own) == own


def record(results: Path, notice: Notice) -> None:
    """Write down what came of a notice."""
    write_json(_folder(results, notice.study) / f"{notice.key}.json", asdict(notice))


def untold(results: Path, study: str) -> list[str]:
    """Return why the study's newest notice did not come through, nothing where it did or where there is none."""
    claimed = [path for path in _folder(results, study).glob("[ds]*") if not path.suffix]
    if not claimed:
        return []
    newest = max(claimed, key=lambda path: path.stat().st_mtime)
    try:
        notice = build(Notice, json.loads(newest.with_suffix(".json").read_text()), str(newest))
        failures = notice.failures
    except FileNotFoundError:
        failures = (UNKNOWN,)
    return [f"the notice {newest.name.partition('-')[0]!r} failed: {failure}" for failure in failures]


def _folder(results: Path, study: str) -> Path:
    return submissions(results, study) / FOLDER
