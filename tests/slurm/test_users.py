"""Two users, one folder: a second user is refused in one line, unless the folder is shared by group."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.slurm.conftest import Site, started

USER = "as-student"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster with an ordinary user beside root."""
    with started(user=USER) as cluster:
        yield cluster


class Student:
    """The second user, with a copy of the code and a Python of his own: root's may be out of his reach."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.home = site.folder / "student"
        for name in ("alexnet_study", "jobs"):
            shutil.copytree(name, self.home / name, ignore=shutil.ignore_patterns("__pycache__"))
        system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
        packages = next(Path(path).resolve() for path in sys.path if path.endswith("site-packages"))
        self.environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
        for python, path in ((sys.executable, [self.home]), (system, [self.home, packages])):
            self.python = python
            self.environment["PYTHONPATH"] = ":".join(map(str, path))
            if self.do("-c", "import yaml, submitit, alexnet_study").returncode == 0:
                return
        pytest.skip(f"neither {sys.executable} nor {system} runs here for another user than root")

    def do(self, *words: object) -> subprocess.CompletedProcess[str]:
        """The outcome of a Python command of his."""
        environment = self.environment | {"SLURM_CONF": str(self.site.cluster.conf)}
        command = [self.python, *map(str, words)]
        try:
            return subprocess.run(
                command,
                user=USER,
                group=USER,
                extra_groups=[],
                umask=0o002,
                env=environment,
                cwd=self.home,
                capture_output=True,
                text=True,
                check=False,
            )
        except PermissionError as error:  # the interpreter itself
            return subprocess.CompletedProcess(command, 126, "", str(error))

    def run(self, module: str, *words: object, code: int = 0) -> str:
        """All that a command of the product says, which ends with `code`."""
        site = self.site
        own = ["--profile", site.profile_file, "--allow-dirty"] if module == "submit" else []
        options = ["--study", site.study_file, "--results", site.results]
        done = self.do("-m", f"jobs.{module}", *options, *own, *words)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def site(cluster: Any) -> Iterator[Site]:
    """Root's study of two runs on their way, which wait, in a folder that others can read."""
    folder = Path(tempfile.mkdtemp(prefix="as-shared-"))
    folder.chmod(0o755)
    site = Site(cluster, folder)
    site.pause()
    site.submit("--seeds", 1)
    yield site
    site.run("cancel")
    site.resume()
    shutil.rmtree(folder)


@pytest.fixture
def student(site: Site) -> Student:
    return Student(site)


def share(site: Site) -> None:
    """Give the results to the student's group, as README says."""
    subprocess.run(["chgrp", "-R", USER, site.results], check=True)
    subprocess.run(["chmod", "-R", "g+rwX", site.results], check=True)
    subprocess.run(["find", site.results, "-type", "d", "-exec", "chmod", "g+s", "{}", "+"], check=True)


@pytest.mark.parametrize("module", ["submit", "cancel", "retry"])
def test_a_second_user_is_refused_in_one_line_and_changes_nothing(site: Site, student: Student, module: str) -> None:
    queue = site.queue()
    said = student.run(module, code=2)
    assert said.count("\n") == 1
    assert "belongs to user root; expected results of your own, or a folder shared by group" in said
    assert said.endswith("nothing was sent, released or cancelled\n")
    assert site.queue() == queue
    assert len(site.plans()) == 1


def test_a_second_user_sees_where_the_runs_are(student: Student) -> None:
    assert "2 runs: 2 waiting" in " ".join(student.run("status", "--seeds", "0").split())


def test_in_a_shared_folder_no_run_is_sent_twice_and_what_is_anothers_stays(site: Site, student: Student) -> None:
    share(site)
    before = site.queue()
    assert "nothing to send" in student.run("submit", "--seeds", 1)
    said = student.run("submit", "--seeds", 2)
    assert "left out, on its way as job" in said
    assert "note: an older report's job stays" in said
    assert len(site.queue()) == len(before) + 3
    refused = student.run("cancel", code=1)
    assert "cancelled 3 jobs, not cancelled 3 jobs: " in refused
    assert "ermission denied" in refused
    assert sorted(site.queue()) == sorted(before)
