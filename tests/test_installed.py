"""The package as pip installs it: from a wheel, into an environment of its own, used in an empty folder."""

import json
import os
import subprocess
import sys
import sysconfig
import time
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from alexnet_study.provenance import INSTALLED_FROM

PATIENCE_SECONDS = 240.0
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHIPPED = {"studies": Path("jobs/studies"), "profiles": Path("slurm/profiles")}
SMALL = ("--set", "recipe.epochs=1", "--set", "recipe.threads=1", "--set", "model.hidden=8")
SMALL += ("--set", "model.widths=[4, 4, 4, 4, 4]")


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A wheel, and the environment that it was installed in."""

    wheel: Path
    home: Path

    def run(self, folder: Path, *words: object, program: str = "alexnet-study") -> "subprocess.CompletedProcess[str]":
        """Run the command in a folder; the checkout, SLURM and what a launcher may have said are out of its sight."""
        own = ("PYTHONPATH", "ALEXNET_STUDY_", "SLURM_")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        environ |= {"PATH": "/nowhere", "CUDA_VISIBLE_DEVICES": ""}
        command = [str(self.home / "bin" / program), *map(str, words)]
        return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)

    def succeeds(self, folder: Path, *words: object) -> str:
        """Return what the command says on its standard output."""
        done = self.run(folder, *words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Build the wheel from a copy of its sources; the environment sees this one's packages, but not its checkout."""
    folder = tmp_path_factory.mktemp("installed")
    for name in ("alexnet_study", "jobs", "slurm/profiles"):
        copytree(name, folder / "source" / name, ignore=ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "LICENSE"):
        (folder / "source" / name).write_bytes(Path(name).read_bytes())
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-index", "--no-build-isolation", "--no-deps", f"--wheel-dir={folder}", folder / "source"]
    state = {"ALEXNET_STUDY_COMMIT": COMMIT, "ALEXNET_STUDY_DIRTY": "0"}  # the copy is no repository
    subprocess.run([*pip, *build], check=True, capture_output=True, env=os.environ | state)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv/bin/python"
    subprocess.run([*pip, f"--python={python}", "install", "--no-index", "--no-deps", wheel], check=True)
    (purelib,) = (folder / "venv/lib").glob("python*/site-packages")
    (purelib / "others.pth").write_text(sysconfig.get_path("purelib"))  # but not what its .pth files add: the checkout
    return Installation(wheel=wheel, home=folder / "venv")


def test_the_wheel_holds_the_whole_package_and_nothing_else(installed: Installation) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = [path for path in Path("alexnet_study").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    expected = {str(path) for path in files} | {f"alexnet_study/{INSTALLED_FROM}"}
    for name, folder in SHIPPED.items():
        expected |= {f"alexnet_study/{name}/{path.name}" for path in folder.glob("*.yaml")}
    assert held == expected


def test_the_command_is_the_installed_one_and_knows_its_version(installed: Installation, tmp_path: Path) -> None:
    program = "import alexnet_study; print(alexnet_study.__file__)"
    found = installed.run(tmp_path, "-c", program, program="python").stdout
    assert found.startswith(str(installed.home))
    version = tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"]
    assert installed.succeeds(tmp_path, "--version") == f"alexnet-study {version}, commit {COMMIT}\n"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["train", "--study", "skpi", "--variant", "skip", "--seed", 0], "studies"),
        (["report", "--study", "jobs/studies/skip.yaml"], "studies"),
        (["submit", "--study", "demo", "--profile", "slrum", "--dry-run"], "profiles"),
    ],
)
def test_what_does_not_ship_is_refused_with_what_does(
    installed: Installation, tmp_path: Path, words: list[object], kind: str
) -> None:
    refused = installed.run(tmp_path, *words)
    assert refused.returncode == 2
    known = ", ".join(sorted(path.stem for path in SHIPPED[kind].glob("*.yaml")))
    assert refused.stderr.endswith(f"not found; expected a file, or one of {known}\n")
    assert refused.stderr.count("\n") == 1
    assert not any(tmp_path.iterdir())


def test_an_unknown_command_is_refused_and_help_lists_all(installed: Installation, tmp_path: Path) -> None:
    commands = [path.stem.replace("_", "-") for path in Path("jobs").glob("*.py") if path.stem != "__init__"]
    for words in ([], ["trian", "--help"]):
        refused = installed.run(tmp_path, *words)
        assert refused.returncode == 2
        assert refused.stderr.count("\n") == 1
        assert all(command in refused.stderr for command in commands)
    said = installed.succeeds(tmp_path, "--help")
    assert all(f"\n  {command} " in said for command in commands)
    assert "skip_jpeg" in installed.succeeds(tmp_path, "train", "--help")


def test_a_shipped_study_is_trained_and_reported(installed: Installation, tmp_path: Path) -> None:
    words = ["--study", "demo", "--variant", "skip", "--seed", 0, *SMALL]
    assert "skip seed 0: finished" in installed.succeeds(tmp_path, "train", *words)
    assert "1 runs reported" in installed.succeeds(tmp_path, "report", "--study", "demo")
    provenance = json.loads((tmp_path / "results/demo/skip/seed-0/provenance.json").read_text())
    assert (provenance["commit"], provenance["dirty"]) == (COMMIT, False)


def test_a_dry_run_shows_scripts_that_start_the_installed_python(installed: Installation, tmp_path: Path) -> None:
    said = installed.succeeds(tmp_path, "submit", "--study", "demo", "--profile", "slurm", "--dry-run")
    assert f" {installed.home}/bin/python -u -m submitit.core._submit " in said
    assert "#SBATCH --job-name=demo-skip" in said
    assert not any(tmp_path.iterdir())


def test_submitted_runs_work_with_a_copy_of_the_installed_code(installed: Installation, tmp_path: Path) -> None:
    words = ["--study", "demo", "--seeds", 1, "--profile", "local", *SMALL]
    assert "2 runs here" in installed.succeeds(tmp_path, "submit", *words)
    report = tmp_path / "results/demo/report/report.json"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not report.exists():
        assert time.monotonic() < deadline, installed.succeeds(tmp_path, "status", "--study", "demo")
        time.sleep(0.2)
    assert {run["variant"] for run in json.loads(report.read_text())["runs"]} == {"baseline", "skip"}
    (code,) = tmp_path.glob("results/demo/.submit/*/code")
    assert [path.name for path in code.iterdir()] == ["alexnet_study"]
