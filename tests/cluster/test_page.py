"""The page of a study's status: every run and its state, failures first, nothing of a user's text as markup."""

from html.parser import HTMLParser
from pathlib import Path

from alexnet_study.cluster.page import write_page
from alexnet_study.cluster.status.report_state import ReportState
from alexnet_study.cluster.status.study_status import RunStatus, StudyStatus


class Reader(HTMLParser):
    """The words of each row's cells, and all links."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.links: list[str | None] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()


def test_the_page_has_every_run_and_reads_itself_anew(tmp_path: Path) -> None:
    log = tmp_path / "tiny/logs/skip-seed-0-12.err"
    runs = [
        RunStatus(variant="baseline", seed=0, state="running", detail="epoch 2 of 5, on gpu1"),
        RunStatus(variant="skip", seed=0, state="failed", detail="<script>alert(1)</script>", log=log),
    ]
    report = ReportState(name="waiting", detail="waits for other jobs (Dependency)")
    page = write_page("tiny", StudyStatus(runs=runs, report=report, notes=["a & b"]), tmp_path)
    assert page == tmp_path / "tiny/status.html"
    text = page.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert [row for row in reader.rows if row] == [
        ["skip", "0", "failed", "<script>alert(1)</script>", "skip-seed-0-12.err"],
        ["baseline", "0", "running", "epoch 2 of 5, on gpu1", "Note: a & b"],
    ]
    assert reader.links == ["logs/skip-seed-0-12.err"]
    assert "script" not in reader.tags
    assert '<meta http-equiv="refresh" content="30">' in text
    assert "2 runs, 1 failed, 1 running; as of " in text


def test_a_report_that_is_made_is_a_link(tmp_path: Path) -> None:
    made = ReportState(name="made", detail=str(tmp_path / "tiny/report/index.html"))
    page = write_page("tiny", StudyStatus(runs=[], report=made, notes=[]), tmp_path)
    assert '<a href="report/index.html">' in page.read_text()
