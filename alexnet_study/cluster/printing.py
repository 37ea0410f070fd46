"""What submit and status say, in lines."""

import dataclasses
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from alexnet_study.cluster.launchers.launcher import Key
from alexnet_study.cluster.launchers.table import by_run, launcher_of
from alexnet_study.cluster.plans.job_plan import PlannedArray
from alexnet_study.cluster.status.study_status import RunStatus, StudyStatus
from alexnet_study.cluster.submission import Outcome, Request
from alexnet_study.study.configs import RunConfig
from alexnet_study.wording import count, plural

MOST_LINES = 50  # runs that have a line each


def submission_lines(request: Request, outcome: Outcome) -> list[str]:
    """Return what was sent, left out and asked for; in a dry run the batch scripts too."""
    lines = [_array_line(array, job) for array, job in outcome.sent]
    lines += left_out_lines(request, outcome)
    most = request.profile.max_jobs
    lines += [f"left for the next call, max_jobs is {most}: {text}" for text in _grouped(_keys(outcome.later))]
    plan = dataclasses.replace(outcome.plan, arrays=tuple(array for array, _ in outcome.sent))
    if plan.runs:
        lines.append(launcher_of(plan).describe(plan))
    elif not (outcome.later or outcome.sent):
        lines.append(f"nothing to send: every run of {request.study.name} is finished or on its way")
    for (array, _), script in zip(outcome.sent, outcome.scripts, strict=False):
        lines += ["", f"# ----- batch script of {array.name} -----", script]
    return lines


def refusal(outcome: Outcome) -> int:
    """Say on standard error, if SLURM refused a part, what is to be done; return the command's exit code."""
    if outcome.refused is None:
        return 0
    sent = {array.token for array, _ in outcome.sent}
    left = count(sum(len(job) for array in outcome.plan.arrays if array.token not in sent for job in array.jobs), "run")
    report = "" if outcome.sent[-1][0].reports else " and the report's job"
    print(f"error: not sent: {left}{report}: {outcome.refused}; submit again to go on from there", file=sys.stderr)
    return 1


def left_out_lines(request: Request, outcome: Outcome) -> list[str]:
    """Return why runs were left out, one line for each reason and variant."""
    finished = _keys(outcome.finished)
    lines = [f"left out, finished: {text}" for text in _grouped(finished)]
    wanted = set(_keys(request.runs())) - set(finished)
    live = {key: job for key, job in by_run(outcome.live).items() if key in wanted}
    for job in dict.fromkeys(job.id for job in live.values()):
        lines += [
            f"left out, on its way as job {job}: {t}" for t in _grouped(k for k, j in live.items() if j.id == job)
        ]
    return lines


def is_brief(status: StudyStatus, *, whole: bool) -> bool:
    """Return whether only failed runs have a line, because there are many and the whole is not wanted."""
    return len(status.runs) > MOST_LINES and not whole


def status_lines(status: StudyStatus, *, whole: bool = False) -> list[str]:
    """Return a line for each run, the path of its log at the end, one for the report, then the totals.

    Of many runs, unless the whole is wanted, only those that failed have a line, and each variant one with its counts.
    """
    statuses, report = status.runs, status.report
    brief = is_brief(status, whole=whole)
    listed = [run for run in statuses if run.state == "failed" or not brief]
    shown = [(f"{run.variant} seed {run.seed}", run.state, run.detail, _relative(run.log)) for run in listed]
    if brief:
        variants = dict.fromkeys(run.variant for run in statuses)
        shown += [(name, "", _totals([run for run in statuses if run.variant == name]), "") for name in variants]
    detail = _relative(Path(report.detail)) if report.name == "made" else report.detail
    shown.append(("report", report.name, detail, _relative(report.log)))
    widths = [max(len(row[column]) for row in shown) for column in range(3)]
    lines = ["  ".join([*(row[c].ljust(widths[c]) for c in range(3)), row[3]]).rstrip() for row in shown]
    used = {"GPU": sum(run.gpu_hours for run in statuses), "CPU": sum(run.cpu_hours for run in statuses)}
    hours = " and ".join(f"{value:.2f} {kind}-hours" for kind, value in used.items() if value)
    return [*lines, f"{_totals(statuses)}; {hours or 'no time'} used"]


def status_json(status: StudyStatus) -> str:
    """Return the status as JSON, for scripts."""
    report = status.report
    document = {
        "runs": [dataclasses.asdict(run) for run in status.runs],
        "report": {"state": report.name, "detail": report.detail, "log": report.log},
        "notes": status.notes,
    }
    return json.dumps(document, indent=1, default=str, ensure_ascii=False)


def _totals(statuses: list[RunStatus]) -> str:
    states = Counter(run.state for run in statuses)
    return f"{count(len(statuses), 'run')}: {', '.join(f'{number} {state}' for state, number in states.items())}"


def _relative(path: os.PathLike[str] | None) -> str:
    """Return a path as seen from here, where it lies below."""
    if path is None:
        return ""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _array_line(array: PlannedArray, job: str) -> str:
    if array.reports:
        return f"job {job or '?'}: {array.name}, when all others have ended"
    seeds = ", ".join(_grouped(run.key for each in array.jobs for run in each))
    return f"job {job or '?'}: {array.name}, {count(len(array.jobs), 'job')}: {seeds}"


def _keys(runs: Iterable[RunConfig]) -> list[Key]:
    return [(run.variant, run.seed) for run in runs]


def _grouped(keys: Iterable[tuple[str, int]]) -> list[str]:
    """Return `skip seeds 0, 1, 2`, one text for each variant."""
    keys = list(keys)
    texts = []
    for variant in dict.fromkeys(variant for variant, _ in keys):
        seeds = [str(seed) for name, seed in keys if name == variant]
        texts.append(f"{variant} {plural(len(seeds), 'seed')} {', '.join(seeds)}")
    return texts
