"""A real SLURM for the tests here, started once; without SLURM's programs or root they are skipped, and say so."""

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from alexnet_study.runs.folder import RunFolder
from tests.conftest import STUDY, bits, write_images

TESTCLUSTER = Path("slurm/testcluster/cluster.py")
PATIENCE_SECONDS = 240.0  # a bound, not an expectation: the machine may be busy
LAST_LINES = 40  # of each daemon's log, shown where a test failed
# With these the tiny study learns for a while: what a stopped run might lose would change its bits.
LEARNING: dict[str, Any] = {
    "epochs": 300,
    "learning_rate": 0.002,
    "model": {"widths": [8, 8, 8, 8, 8], "hidden": 32},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is marked."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slurm)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the last words of the daemons with a test that failed."""
    report = yield
    if report.failed:
        report.sections += daemons_words(getattr(item, "funcargs", {}).values())
    return report


def daemons_words(fixtures: Iterable[object]) -> list[tuple[str, str]]:
    """The end of each daemon's log, after its name, of the clusters among a test's fixtures and their sites'."""
    clusters = [getattr(fixture, "cluster", fixture) for fixture in fixtures]
    folders = dict.fromkeys(cluster.folder for cluster in clusters if hasattr(cluster, "node_states"))
    logs = [path for folder in folders for path in sorted(folder.glob("slurm*.log"))]
    return [(path.name, "\n".join(path.read_text(errors="replace").splitlines()[-LAST_LINES:])) for path in logs]


def testcluster() -> Any:
    """The module slurm/testcluster/cluster.py."""
    sys.path.insert(0, str(TESTCLUSTER.parent.absolute()))  # where its other file is
    spec = importlib.util.spec_from_file_location("testcluster", TESTCLUSTER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def started(**options: Any) -> Iterator[Any]:
    """A cluster of two nodes while it is needed; skips the test where it cannot be had."""
    module = testcluster()
    folder = Path(tempfile.mkdtemp(prefix="as-"))
    folder.chmod(0o755)  # for other users, too
    cluster = module.Cluster(folder / "c")
    try:
        cluster.up(**options)
    except module.ClusterError as error:
        with contextlib.suppress(module.ClusterError):
            cluster.down()
        shutil.rmtree(folder)
        pytest.skip(str(error))
    yield cluster
    cluster.down()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A cluster with arrays of at most five tasks."""
    with started(max_array_size=5) as cluster:
        yield cluster


@pytest.fixture
def limited_cluster() -> Iterator[Any]:
    """A cluster that kills jobs which use more memory than they asked for."""
    with started(limit_memory=True) as cluster:
        yield cluster


class Site:
    """A user's folder on the cluster: a study, its results, and the product's commands."""

    def __init__(self, cluster: Any, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.study_file = folder / "tiny.yaml"
        self.images = write_images(folder / "images")
        self.results = folder / "re su'lts $x"  # a name that has to be quoted
        self.profile_file = folder / "profile.yaml"
        self.path = os.environ["PATH"]
        self.write_study()
        self.write_profile()

    def write_study(self, *, seeds: int = 2, model: dict[str, Any] | None = None, **recipe: Any) -> None:
        """A tiny study on a tiny data folder; `model` and `recipe` change those of both variants."""
        document = yaml.safe_load(STUDY)
        document |= {"seeds": seeds, "data": str(self.images), "recipe": document["recipe"] | recipe}
        for variant in document["variants"].values():
            variant["model"] |= model or {}
        self.study_file.write_text(yaml.safe_dump(document))

    def write_study_of(self, variant: str) -> None:
        """The study with one of its variants alone."""
        document = yaml.safe_load(self.study_file.read_text())
        document["variants"] = {variant: document["variants"][variant]}
        self.study_file.write_text(yaml.safe_dump(document))

    def write_profile(self, shipped_as: str = "testcluster", **values: Any) -> None:
        """A shipped profile with some values changed."""
        shipped = yaml.safe_load(Path(f"slurm/profiles/{shipped_as}.yaml").read_text())
        self.profile_file.write_text(yaml.safe_dump(shipped | values))

    def start(self, module: str, *words: object) -> subprocess.Popen[str]:
        """A command of the product, under way."""
        command = [
            sys.executable,
            "-m",
            f"jobs.{module}",
            "--study",
            self.study_file,
            "--results",
            self.results,
            *words,
        ]
        environment = self.cluster.environment() | {"PATH": self.path}
        return subprocess.Popen(
            [str(word) for word in command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def start_submit(self, *words: object) -> subprocess.Popen[str]:
        """A submit under way."""
        return self.start("submit", "--profile", self.profile_file, "--allow-dirty", *words)

    def run(self, module: str, *words: object, code: int = 0) -> str:
        """The output of a command that ends with `code`."""
        return finish(self.start(module, *words), code)

    def submit(self, *words: object) -> str:
        """Submit, and return what it says."""
        return finish(self.start_submit(*words))

    def describe_status(self) -> str:
        """All that status says, its notes too."""
        out, err = self.start("status").communicate()
        return out + err

    def run_folder(self, variant: str, seed: int) -> Path:
        """A run's folder."""
        return self.results / "tiny" / variant / f"seed-{seed}"

    def finished(self) -> set[tuple[str, int]]:
        """The finished runs."""
        paths = self.results.glob("tiny/*/seed-*/summary.json")
        return {(path.parts[-3], int(path.parts[-2].removeprefix("seed-"))) for path in paths}

    def attempts(self, variant: str, seed: int) -> list[dict[str, Any]]:
        """The attempts that a run's provenance lists; none while it has no provenance."""
        with contextlib.suppress(FileNotFoundError):
            return list(json.loads((self.run_folder(variant, seed) / "provenance.json").read_text())["attempts"])
        return []

    def queue(self, *states: str) -> list[str]:
        """Ids of the study's live jobs, or of those in the given states."""
        wanted = ",".join(states or ("pending", "running", "completing", "requeued", "suspended"))
        tokens = {array["token"] for plan in self.plans() for array in plan["arrays"]}
        shown = self.cluster.client("squeue", "-h", "-r", "-t", wanted, "-o", "%i|%k").stdout.splitlines()
        return [job for job, _, token in (line.partition("|") for line in shown) if token in tokens]

    def plans(self) -> list[dict[str, Any]]:
        """All plans of the study."""
        return [json.loads(path.read_text()) for path in sorted(self.results.glob("tiny/.submit/*/plan.json"))]

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        """Poll until the condition holds; fails with the state of queue and logs."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (value := condition()):
            if time.monotonic() > deadline:
                pytest.fail(f"waited in vain for {what}\n{self.describe()}")
            time.sleep(0.3)
        return value

    def wait_until_idle(self) -> None:
        """Until none of the study's jobs waits or runs."""
        self.wait_for(lambda: not self.queue(), "the queue to empty")

    def describe(self) -> str:
        """What helps to understand a failure."""
        queue = self.cluster.client("squeue", "-a", "-t", "all", "-o", "%i %T %r %N %k").stdout
        logs = [
            path for pattern in ("tiny/logs/*.err", "tiny/.submit/*/jobs/*.err") for path in self.results.glob(pattern)
        ]
        return queue + "".join(f"--- {path}\n{path.read_text()}" for path in logs if path.stat().st_size)

    def undisturbed(self, seeds: int, *, python: Sequence[str] = (sys.executable,)) -> Path:
        """The same study, carried out without SLURM, one run after another, by `python`; returns its results."""
        results = self.folder / "undisturbed"
        words = ["--study", str(self.study_file), "--results", str(results), "--seeds", str(seeds)]
        subprocess.run([*python, "-m", "jobs.study", *words], check=True, stdout=subprocess.DEVNULL)
        return results

    def assert_undisturbed(self, results: Path) -> None:
        """Every finished run has the bits of its like among `results`."""
        for variant, seed in sorted(self.finished()):
            expected = RunFolder(results / "tiny" / variant / f"seed-{seed}")
            assert bits(RunFolder(self.run_folder(variant, seed))) == bits(expected), (variant, seed)

    def pause(self) -> None:
        """Let no job start."""
        self.cluster.client("scontrol", "update", "partitionname=main", "state=down")

    def resume(self) -> None:
        """Let jobs start."""
        self.cluster.client("scontrol", "update", "partitionname=main", "state=up")


def finish(process: subprocess.Popen[str], code: int = 0) -> str:
    """Standard output of a command that ends with `code`."""
    out, err = process.communicate()
    assert process.returncode == code, out + err
    return out + (err if code else "")


@pytest.fixture
def site(cluster: Any, tmp_path: Path) -> Iterator[Site]:
    """A site of its own on the session's cluster; its jobs are cancelled afterwards."""
    site = Site(cluster, tmp_path)
    yield site
    try:
        jobs = site.queue()
        if jobs:
            cluster.client("scancel", *jobs)  # before they could start: of what waits nothing has to end
            site.wait_until_idle()
    finally:
        site.resume()
