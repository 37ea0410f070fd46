"""The commands as users start them: exit codes, one line for a mistake, and help without PyTorch."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from alexnet_study.commands.ending import finish
from alexnet_study.errors import StoppedError
from alexnet_study.runs.interruption import INTERRUPTED, SIGNALS, TERMINATED, WARNED


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """What `finish` does to the process that it ends stays no longer than the test."""
    numbers = (*SIGNALS, signal.SIGINT)
    before, hook = {number: signal.getsignal(number) for number in numbers}, sys.unraisablehook
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    sys.unraisablehook = hook


def command(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", f"jobs.{module}", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_a_study_runs_and_reports(study_file: Path, images: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    done = command("study", "--study", study_file, "--data", images, "--seeds", 1, "--results", results)
    assert done.returncode == 0, done.stderr
    report = json.loads((results / "tiny/report/report.json").read_text())
    assert {run["variant"] for run in report["runs"]} == {"baseline", "skip"}
    said = done.stdout.splitlines()
    assert said[0] == "run 1 of 2"
    assert re.fullmatch(r"run 2 of 2, \d+ (s|min) left", next(line for line in said if line.startswith("run 2")))
    assert "skip seed 0: analyses: linear regressors" in said
    assert said[-2] == "analysing 2 runs for the report"
    again = command("study", "--study", study_file, "--data", images, "--seeds", 1, "--results", results)
    expected = ["run 1 of 2", "baseline seed 0: already finished", "run 2 of 2", "skip seed 0: already finished"]
    assert again.stdout.splitlines()[:4] == expected
    again = command("report", "--study", study_file, "--results", results)
    assert again.returncode == 0
    assert "left out: skip seed 1: not run" in again.stdout


def test_a_failed_run_is_named_and_the_exit_code_is_1(study_file: Path, images: Path, tmp_path: Path) -> None:
    words = ["--study", study_file, "--data", images, "--results", tmp_path / "r", "--set", "recipe.learning_rate=1e30"]
    failed = command("train", *words, "--variant", "skip", "--seed", 3)
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: training diverged")
    assert failed.stderr.count("\n") == 1


def test_a_file_where_a_folder_is_expected_is_one_line(study_file: Path, tmp_path: Path) -> None:
    shutil.copytree("results/reference/skip/skip/seed-0", tmp_path / "tiny/skip/seed-0")
    file = tmp_path / "figures.csv"
    file.write_text("mine")
    for words in (
        ("export", "--to", "csv", "--target", file, tmp_path / "tiny"),
        ("export", "--to", "csv", "--target", file / "below", tmp_path / "tiny"),
        ("status", "--study", study_file, "--results", file, "--page"),
    ):
        done = command(*words)
        assert (done.returncode, done.stderr) == (2, f"error: {file}: a file; expected a folder\n")
    assert file.read_text() == "mine"


CLAIMS = """
claims:
- {{id: '1', statement: It gains, definition: d, metric: evaluations.intact.top1, variants: {{skip: 1}}, below: 2}}
- {{id: '2', statement: Birds gain, definition: d, metric: {metric}, variants: {{skip: 1}}, direction: greater}}
"""


@pytest.mark.parametrize("name", ["train", "study", "report", "submit"])
def test_a_misspelt_metric_is_one_line_before_anything_is_trained(
    study_file: Path, images: Path, tmp_path: Path, name: str
) -> None:
    study_file.write_text(study_file.read_text() + CLAIMS.format(metric="evaluations.intact.recal.bird"))
    words = [
        "--study",
        study_file,
        "--results",
        tmp_path / "results",
        *(["--data", images] if name != "report" else []),
    ]
    refused = command(name, *words, *(["--variant", "skip", "--seed", "0"] if name == "train" else []))
    assert refused.returncode == 2
    assert f"{study_file}: claim 2: metric evaluations.intact.recal.bird: " in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_a_claim_that_the_data_cant_judge_is_named_before_and_after(
    study_file: Path, images: Path, tmp_path: Path
) -> None:
    study_file.write_text(study_file.read_text() + CLAIMS.format(metric="evaluations.intact.recall.bird"))
    done = command("study", "--study", study_file, "--data", images, "--seeds", 1, "--results", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    said = "claim 2: not judged, since the data has no class 'bird' but class0, class1, class2, class3"
    assert done.stderr.splitlines()[0] == f"note: {said}"
    report = json.loads((tmp_path / "results/tiny/report/report.json").read_text())
    assert [claim["id"] for claim in report["claims"]] == ["1"]
    assert f"C{said[1:]}." in report["flags"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is visible")
@pytest.mark.parametrize("name", ["train", "study"])
def test_a_gpu_that_was_asked_for_and_is_not_there_is_one_line_before_anything_is_written(
    study_file: Path, tmp_path: Path, name: str
) -> None:
    words = ["--study", study_file, "--data", "absent", "--results", tmp_path / "results", "--device", "cuda"]
    refused = command(name, *words, *(["--variant", "skip", "--seed", "0"] if name == "train" else []))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: {socket.gethostname()}: ")
    assert "--device cpu" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is visible")
def test_without_a_gpu_the_check_says_so_and_ends_with_2() -> None:
    refused = command("gpu_check")
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {socket.gethostname()}: no GPU seen")
    assert refused.stderr.endswith("another node\n")
    assert (refused.stdout, refused.stderr.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--study", "absent.yaml"], "absent.yaml"),
        (["--variant", "other"], "baseline, skip"),
        (["--seed", "-1"], "-1"),
        (["--seed", "x"], "seeds: 'x'"),
        (["--set", "recipe.epoch=1"], "recipe.epochs"),
        (["--data", "absent"], "no such folder"),
        (["--nonsense"], "--nonsense"),
        (["--device", "gpu"], "'cuda'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    study_file: Path, tmp_path: Path, arguments: list[str], names: str
) -> None:
    words = ["--study", study_file, "--variant", "skip", "--seed", "0", "--results", tmp_path / "results", *arguments]
    refused = command("train", *words)
    assert refused.returncode == 2
    assert names in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


COMMANDS = ("check", "train", "study", "report", "reference", "predict", "export")
COMMANDS += ("submit", "status", "cancel", "retry", "gpu_check", "logs")


@pytest.mark.parametrize("module", ["alexnet_study", *(f"jobs.{command}" for command in COMMANDS)])
def test_help_needs_no_pytorch(module: str) -> None:
    program = f"import runpy, sys; sys.argv = ['x', '--help']; runpy.run_module('{module}', run_name='__main__')"
    probe = f"import atexit, sys; atexit.register(lambda: print('torch' in sys.modules)); {program}"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    own = {
        "jobs.gpu_check": "one of apptainer, charliecloud",
        "jobs.predict": "a finished run's folder",
        "jobs.export": "a study's folder, as results/skip",
    }
    shipped = own.get(module, "one of alexnet2012,")
    assert "studies: alexnet2012," in done.stdout or shipped in " ".join(done.stdout.split())
    assert done.stdout.endswith("False\n")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (StoppedError(WARNED), 75, "the time limit's warning came (SIGUSR2)"),
        (StoppedError(TERMINATED), 75, "the scheduler or a user ended it (SIGTERM)"),
        (StoppedError(INTERRUPTED), 75, "a user interrupted it (SIGINT)"),
    ],
)
def test_a_stopped_command_says_what_stopped_it(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    def command(program: str, words: Sequence[str]) -> int:
        raise error

    with pytest.raises(SystemExit) as ended:
        finish(command, "x")
    assert ended.value.code == code
    said = f"error: stopped: {words}; the same command goes on\n"
    assert capsys.readouterr().err == said


def test_in_a_container_files_follow_the_umask_of_the_host_side(tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    program = f"""
from alexnet_study.commands.ending import finish
finish(lambda program, words: open({path!r}, "w").close() or 0, "x")
"""
    environ = os.environ | {"ALEXNET_STUDY_UMASK": "0077"}
    subprocess.run([sys.executable, "-c", program], env=environ, check=True)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_a_reader_that_has_seen_enough_causes_no_traceback() -> None:
    program = "from alexnet_study.commands.ending import finish; "
    program += "finish(lambda program, words: [print('x' * 99) for _ in range(9999)] and 0, 'x')"
    pipe = f'set -o pipefail; {sys.executable} -c "{program}" | head -n 1'
    done = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_paths_stay_whole_in_a_locale_of_another_encoding(tmp_path: Path) -> None:
    """As EUC-KR; the C locale, without Python's own remedy for it, is one that every machine has."""
    environ = os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    study = tmp_path / "연구.yaml"
    words = [sys.executable, "-m", "jobs.status", "--study", study]
    done = subprocess.run(words, capture_output=True, env=environ, check=False)
    assert done.stderr.decode().count("\n") == 1
    assert str(study) in done.stderr.decode()


def test_what_a_notebook_leaves_in_the_environment_fails_no_report(
    study_file: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "no-such-backend")
    monkeypatch.setenv("MATPLOTLIBRC", "/no/such/file")
    words = ["--study", study_file, "--results", tmp_path / "results"]
    reported = command("report", *words)
    assert (reported.returncode, reported.stderr.count("\n")) == (2, 1), reported.stderr
    assert "no finished run of study tiny" in reported.stderr


def test_a_file_of_another_user_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def command(_: str, __: Sequence[str]) -> int:
        raise PermissionError(13, "Permission denied", str(tmp_path / "summary.json"))

    with pytest.raises(SystemExit) as ended:
        finish(command, "status")
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: {tmp_path}/summary.json: Permission denied for user {os.getuid()}\n"


def test_the_logs_of_a_runs_newest_job_are_printed(study_file: Path, tmp_path: Path) -> None:
    words = ["--study", study_file, "--results", tmp_path, "--variant", "skip", "--seed", 1]
    none = command("logs", *words)
    assert (none.returncode, none.stderr.count("\n")) == (2, 1)
    folder = tmp_path / "tiny/logs"
    folder.mkdir(parents=True)
    for age, job in enumerate(("9", "12_1")):
        for ending in ("out", "err"):
            path = folder / f"skip-seed-1-{job}.{ending}"
            path.write_text(f"{ending} of {job}\n")
            os.utime(path, (age, age))
    (folder / "skip-seed-11-13.out").write_text("another run's")
    shown = command("logs", *words).stdout.splitlines()
    assert shown[1::2] == ["out of 12_1", "err of 12_1"]
    assert shown[0] == f"==> {folder}/skip-seed-1-12_1.out <=="
