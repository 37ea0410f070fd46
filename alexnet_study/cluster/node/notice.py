"""Tell that a study is done or stuck, by the command or the webhook of the profile, when its report's job ends."""

import http.client
import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import replace

from alexnet_study.cluster.plans import notices
from alexnet_study.cluster.plans.job_plan import JobPlan, PlannedRun, read_plans
from alexnet_study.cluster.plans.notices import Notice
from alexnet_study.errors import RequestError
from alexnet_study.files import digest
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.interruption import UNFINISHED
from alexnet_study.wording import count

COMMAND_SECONDS = 60.0
WEBHOOK_SECONDS = 30.0
MOST_NAMED = 3  # runs
FAILURES = (OSError, ValueError, subprocess.SubprocessError, http.client.HTTPException)


def tell(plan: JobPlan, code: int) -> None:
    """Tell once what became of a plan's study, whose report ended with `code`; whatever fails here is only recorded.

    Nothing is told of a report that goes on later, nor by a submission whose unfinished runs a newer one has.
    """
    notify = plan.profile.notify
    if code == UNFINISHED or not (notify.command or notify.webhook):
        return
    try:
        notice = _notice(plan, code)
        if notice is not None and notices.claim(plan.results, notice):
            notices.record(plan.results, replace(notice, failures=tuple(_call(plan, notice))))
    except (*FAILURES, RequestError) as error:  # a full disk, or a submission of another version
        print(f"note: nobody was notified: {error}", file=sys.stderr)


def _notice(plan: JobPlan, code: int) -> Notice | None:
    newest = {run.key: (own, run) for own in read_plans(plan.results, plan.study) for run in own.runs}
    unfinished = [(own, run) for own, run in newest.values() if not _is_finished(plan, run)]
    if any(own.created > plan.created for own, _ in unfinished):
        return None
    if code or unfinished:
        names = [run.name for _, run in unfinished[:MOST_NAMED]] + ["…"] * (len(unfinished) > MOST_NAMED)
        left = f"{len(unfinished)} of {count(len(newest), 'run')} not finished ({', '.join(names)})"
        why = [left] * bool(unfinished) + [f"the report ended with exit code {code}"] * bool(code)
        sent = max(own.id for own, _ in newest.values())
        text = f"{plan.study}: stuck: {'; '.join(why)}; make status says more"
        return Notice(key=f"stuck-{sent}", study=plan.study, state="stuck", text=text)
    page = plan.results / plan.study / "report" / "index.html"
    text = f"{plan.study}: done: {count(len(newest), 'run')} finished; {page}"
    return Notice(key=f"done-{digest(sorted(newest))[:12]}", study=plan.study, state="done", text=text)


def _call(plan: JobPlan, notice: Notice) -> list[str]:
    """Return what failed of calling the command and the webhook."""
    failures = []
    for name, way in (("command", _run_command), ("webhook", _call_webhook)):
        told = getattr(plan.profile.notify, name)
        try:
            if told:
                way(told, notice)
        except subprocess.CalledProcessError as error:
            said = " ".join(error.stderr.split())
            failures.append(f"{name}: exit code {error.returncode}" + (f": {said}" if said else ""))
        except FAILURES as error:
            failures.append(f"{name}: {error}")
    return failures


def _run_command(command: str, notice: Notice) -> None:
    subprocess.run(
        ["sh", "-c", command],
        input=f"{notice.text}\n",
        env={**os.environ, "STUDY": notice.study, "STATE": notice.state},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=COMMAND_SECONDS,
        check=True,
    )


def _call_webhook(address: str, notice: Notice) -> None:
    said = {"text": notice.text, "study": notice.study, "state": notice.state}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, data=json.dumps(said).encode(), headers=headers)
    urllib.request.urlopen(request, timeout=WEBHOOK_SECONDS).close()


def _is_finished(plan: JobPlan, run: PlannedRun) -> bool:
    return RunFolder.at(plan.results, plan.study, run.variant, run.seed).looks_finished()
