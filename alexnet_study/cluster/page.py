"""The status as a page that a browser reads anew by itself; self-contained, without a server."""

import html
import os
import time
from collections import Counter
from pathlib import Path

from alexnet_study.cluster.status.study_status import RunStatus, StudyStatus
from alexnet_study.files import write_atomically
from alexnet_study.wording import count

REFRESH_SECONDS = 30
ORDER = ("failed", "unknown", "running", "waiting", "not sent", "finished")
PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="{refresh}">
<title>{study}: runs</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }}
table {{ border-collapse: collapse }} td, th {{ padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top }}
.failed, .unknown {{ color: #b00020 }} .finished, .made {{ color: #1b6e2d }}
</style></head><body>
<h1>{study}: runs</h1>
<p>{totals}; as of {time}.</p>
<p>Report: {report}</p>
<table><thead><tr><th>variant<th>seed<th>state<th>what<th>log</tr></thead>
<tbody>
{rows}
</tbody></table>
{notes}</body></html>
"""


def write_page(study: str, status: StudyStatus, results: Path) -> Path:
    """Write the page of a study's status, failures first; return its path."""
    path = results / study / "status.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    states = Counter(run.state for run in status.runs)
    listed = sorted(status.runs, key=lambda run: ORDER.index(run.state))
    text = PAGE.format(
        refresh=REFRESH_SECONDS,
        study=html.escape(study),
        totals=", ".join(
            [count(len(listed), "run"), *(f"{states[state]} {state}" for state in ORDER if states[state])]
        ),
        time=time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        report=_report(status, path.parent),
        rows="\n".join(_row(run, path.parent) for run in listed),
        notes="".join(f"<p>Note: {html.escape(note)}</p>\n" for note in status.notes),
    )
    write_atomically(path, text.encode())
    return path


def _row(run: RunStatus, home: Path) -> str:
    cells = [html.escape(run.variant), str(run.seed), run.state, html.escape(run.detail), _link(run.log, home)]
    return f'<tr class="{run.state}">{"".join(f"<td>{cell}" for cell in cells)}</tr>'


def _report(status: StudyStatus, home: Path) -> str:
    report = status.report
    detail = _link(Path(report.detail), home) if report.name == "made" else html.escape(report.detail)
    return f'<span class="{report.name}">{report.name}</span> {detail}'


def _link(target: Path | None, home: Path) -> str:
    """Return a link as seen from the page's folder, so that results may be copied elsewhere."""
    if target is None:
        return ""
    address = html.escape(os.path.relpath(target, home))
    return f'<a href="{address}">{html.escape(target.name)}</a>'
