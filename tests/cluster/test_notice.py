"""Who is told that a study is done or stuck: once, by command or webhook, whose failure is only told in status."""

import dataclasses
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from alexnet_study.cluster.launchers import batch_script
from alexnet_study.cluster.node import notice
from alexnet_study.cluster.plans.job_plan import JobPlan
from alexnet_study.cluster.plans.profile import Notify, Profile, ReportJob
from alexnet_study.cluster.profiles import load_profile
from alexnet_study.cluster.status.study_status import study_status
from alexnet_study.errors import RequestError
from alexnet_study.runs.interruption import UNFINISHED
from alexnet_study.study.study import load_study
from benchmarks import synthetic_runs
from tests.cluster.plans import plan_for


def planned(study_file: Path, tmp_path: Path, **notify: str) -> JobPlan:
    plan = plan_for(study_file, Profile(notify=Notify(**notify)), results=tmp_path / "results", seeds=1)
    plan.write()
    return plan


def finish(study_file: Path, plan: JobPlan, *variants: str) -> None:
    study = load_study(study_file)
    chosen = {name: study.variants[name] for name in variants}
    synthetic_runs.write_runs(dataclasses.replace(study, seeds=(0,), variants=chosen), plan.results, images=20, kept=10)


def notes(study_file: Path, plan: JobPlan, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("PATH", "/nowhere")  # no SLURM
    shown = study_status(load_study(study_file), plan.results).notes
    return [note for note in shown if "notice" in note]


def test_a_study_stuck_then_done_is_told_once_each(study_file: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    plan = planned(study_file, tmp_path, command=f'(echo "$STUDY $STATE"; cat) >> {told}')
    finish(study_file, plan, "skip")
    notice.tell(plan, 0)
    notice.tell(plan, 0)
    assert told.read_text().splitlines() == [
        "tiny stuck",
        "tiny: stuck: 1 of 2 runs not finished (baseline-seed-0); make status says more",
    ]
    finish(study_file, plan, "baseline")
    notice.tell(plan, 0)
    notice.tell(plan, 0)
    page = plan.results / "tiny/report/index.html"
    assert told.read_text().splitlines()[2:] == ["tiny done", f"tiny: done: 2 runs finished; {page}"]


def test_a_report_that_failed_is_stuck_and_one_that_goes_on_is_not(study_file: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    plan = planned(study_file, tmp_path, command=f"cat >> {told}")
    finish(study_file, plan, "baseline", "skip")
    notice.tell(plan, UNFINISHED)
    assert not told.exists()
    notice.tell(plan, 1)
    assert told.read_text() == "tiny: stuck: the report ended with exit code 1; make status says more\n"


def test_a_submission_whose_runs_a_newer_one_has_tells_nothing(study_file: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    older = planned(study_file, tmp_path, command=f"cat >> {told}")
    newer = JobPlan(**{**vars(older), "id": "20260103-030405-abcdef", "created": 1.0})
    newer.write()
    notice.tell(older, 0)
    assert not told.exists()
    notice.tell(newer, 0)
    assert told.exists()


@pytest.mark.parametrize(
    ("notify", "said"),
    [
        ({"command": "echo no such user >&2; exit 67"}, "command: exit code 67: no such user"),
        ({"webhook": "http://127.0.0.1:9/"}, "webhook: <urlopen error [Errno 111] Connection refused>"),
    ],
)
def test_what_fails_is_told_in_status(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notify: dict[str, str], said: str
) -> None:
    plan = planned(study_file, tmp_path, **notify)
    finish(study_file, plan, "baseline", "skip")
    notice.tell(plan, 0)
    assert notes(study_file, plan, monkeypatch) == [f"the notice 'done' failed: {said}"]


def test_a_notice_that_came_through_is_not_a_note(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(study_file, tmp_path, command="true")
    notice.tell(plan, 0)
    assert notes(study_file, plan, monkeypatch) == []


@pytest.fixture
def webhook() -> Iterator[tuple[str, Callable[[], list[bytes]]]]:
    """An address, and what was posted to it."""
    posted: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", lambda: posted
    server.shutdown()


def test_a_webhook_gets_json(
    study_file: Path,
    tmp_path: Path,
    webhook: tuple[str, Callable[[], list[bytes]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    plan = planned(study_file, tmp_path, webhook=webhook[0])
    notice.tell(plan, 0)
    (posted,) = map(json.loads, webhook[1]())
    assert (posted["study"], posted["state"]) == ("tiny", "stuck")
    assert posted["text"].startswith("tiny: stuck: 2 of 2 runs not finished")


def test_slurms_mail_is_the_reports_alone(study_file: Path) -> None:
    plan = plan_for(study_file, Profile(notify=Notify(mail="me@lab.example"), report=ReportJob()))
    mails = [[line for line in batch_script.script(plan, i).splitlines() if "mail" in line] for i in (0, 2)]
    assert mails == [[], ["#SBATCH --mail-type=END,FAIL", "#SBATCH --mail-user=me@lab.example"]]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"notify": {"mail": "me, you"}}, "notify.mail: 'me, you' is not valid"),
        ({"notify": {"webhook": "ftp://x"}}, "notify.webhook: 'ftp://x' is not valid"),
        ({"notify": {"command": "a\nb"}}, "notify.command: "),
        ({"notify": {"slack": "x"}}, "notify: unknown key slack; expected some of mail, command, webhook"),
        ({"notify": {"mail": "me"}, "sbatch": {"mail-type": "END"}}, "notify.mail: sbatch has mail-type"),
        ({"notify": {"mail": "me"}, "launcher": "local"}, "notify.mail: is SLURM's mail"),
    ],
)
def test_a_wrong_way_to_notify_is_named(tmp_path: Path, values: dict[str, object], names: str) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(RequestError) as refused:
        load_profile(str(path))
    assert names in str(refused.value)
