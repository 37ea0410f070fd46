"""The image as users meet it: any user, read-only, offline; nothing inside that is not the product's."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alexnet_study.cluster.containers import docker_process
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.interruption import TERMINATED, WARNED
from tests.image import Image, build

STUDY = """
name: packed
question: Does it work in a container?
data: digits
seeds: 1
recipe: {epochs: EPOCHS, batch_size: 64, learning_rate: 0.05, threads: 1}
variants:
  skip: {model: {widths: [4, 4, 4, 4, 4], hidden: 8, skips: [conv2]}}
"""
FOREIGNER = "12345:54321"  # no line in /etc/passwd
WORDS = ["--study", "/study/packed.yaml", "--variant", "skip", "--seed", "0"]


class Place:
    """A folder with a study and results, as it lies on the host and in containers."""

    def __init__(self, home: Path, epochs: int) -> None:
        home.chmod(0o777)
        (home / "results").mkdir()
        (home / "results").chmod(0o777)
        (home / "packed.yaml").write_text(STUDY.replace("EPOCHS", str(epochs)))
        self.home, self.mounts = home, [f"{home}:/study:ro", f"{home}/results:/workspace/results"]
        self.folder = RunFolder(home / "results/packed/skip/seed-0")

    def outside(self) -> RunFolder:
        """The same run without a container."""
        words = ["--study", self.home / "packed.yaml", *WORDS[2:], "--results", self.home / "outside"]
        subprocess.run([sys.executable, "-m", "jobs.train", *words], check=True, capture_output=True)
        return RunFolder(self.home / "outside/packed/skip/seed-0")

    def attempts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.folder.provenance.read_text())["attempts"]
        return found

    def epoch(self) -> int:
        """The epoch that the newest attempt was last heard to be in, from 0."""
        return int(self.attempts()[-1]["progress"]["epoch"])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, 2)


def figures(folder: RunFolder) -> dict[str, Any]:
    """All numbers of a run; how a zip file is laid out, and so its checksum, depends on Python's version."""
    summary = folder.read_summary()
    assert summary is not None
    found: dict[str, Any] = {"summary": replace(summary, files={})}
    for path in (folder.predictions, folder.features):
        with np.load(path) as arrays:
            found |= {f"{path.name} {name}": (values.dtype, values.tolist()) for name, values in arrays.items()}
    return found


def output(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


def inside(image: Image, program: str) -> str:
    return output("run", "--rm", "--network=none", "--user=0", "--entrypoint=sh", image.tag, "-c", program)


def inspected(image: Image) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output("image", "inspect", image.tag))[0]
    return found


@pytest.mark.parametrize("home", [[], ["--env=HOME=/"]])
def test_a_foreign_user_runs_it_read_only_and_offline(image: Image, place: Place, home: list[str]) -> None:
    means = ["--rm", "--init", "--network=none", "--read-only", "--tmpfs=/tmp", f"--user={FOREIGNER}", *home]
    done = output("run", *means, *(f"--volume={mount}" for mount in place.mounts), image.tag, *WORDS)
    assert " on CPU " in done
    assert place.folder.path.stat().st_uid == 12345
    provenance = json.loads(place.folder.provenance.read_text())
    outside = place.outside()
    reference = json.loads(outside.provenance.read_text())
    assert (provenance["commit"], provenance["dirty"]) == (reference["commit"], reference["dirty"])
    assert provenance["constraints"] == hashlib.sha256(Path("constraints.txt").read_bytes()).hexdigest()
    if provenance["origins"] == reference["origins"]:
        assert figures(place.folder) == figures(outside)
    else:
        assert place.folder.read_summary() is not None


def test_a_results_folder_of_another_user_is_named(image: Image, place: Place) -> None:
    (place.home / "results").chmod(0o755)
    words = ["docker", "run", "--rm", "--network=none", f"--user={FOREIGNER}"]
    words += [f"--volume={mount}" for mount in place.mounts]
    done = subprocess.run([*words, image.tag, *WORDS], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "expected a folder that user 12345 can write" in done.stderr


def test_neither_history_nor_settings_are_inside(image: Image) -> None:
    names = "-name .git -o -name pip.conf -o -name .netrc -o -name .pypirc -o -name .docker -o -name .gitconfig"
    assert inside(image, f"find / -xdev {names}") == ""
    assert inside(image, "pip config list; ls -A /run/secrets 2>/dev/null || true") == ""
    places = "/etc /home /opt/venv/bin /opt/venv/pyvenv.cfg /root /run /tmp /usr/local /var /workspace"
    assert inside(image, f"grep -rlF {image.secret} {places} || true") == ""
    assert image.secret not in output("history", "--no-trunc", image.tag) + json.dumps(inspected(image))
    assert sorted(inside(image, "ls -A /workspace").split()) == sorted(
        ["LICENSE", "alexnet_study", "constraints-cu126.txt", "constraints.txt", "data"]
        + ["jobs", "pyproject.toml", "results", "slurm"]
    )


def test_its_user_labels_and_packages_are_what_it_says(image: Image) -> None:
    configuration = inspected(image)["Config"]
    assert configuration["User"] == "study"
    assert configuration["WorkingDir"] == "/workspace"
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert configuration["Labels"]["org.opencontainers.image.revision"] == head
    assert configuration["Labels"]["org.opencontainers.image.version"] == "0.1.0"
    assert configuration["Labels"]["alexnet-study.cuda"] == "cu130"
    pinned = set(Path("constraints.txt").read_text().lower().replace("_", "-").split())
    frozen = inside(image, "pip list --format=freeze").lower().replace("_", "-").split()
    assert {name for name in frozen if not name.startswith("pip==")} <= pinned


def test_it_asks_for_the_gpus_and_for_a_driver_that_runs_its_cuda(image: Image) -> None:
    environment = dict(line.split("=", 1) for line in inspected(image)["Config"]["Env"])
    assert environment["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert environment["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    assert environment["NVIDIA_REQUIRE_CUDA"] == "cuda>=13.0"


@pytest.mark.parametrize("shell", ["sh -c", "sh -lc", "bash -lc"])
def test_any_shell_finds_its_python(image: Image, shell: str) -> None:
    words = 'command -v python && python -c "import alexnet_study"'
    assert inside(image, f"{shell} '{words}'") == "/opt/venv/bin/python\n"


def test_a_change_of_code_keeps_the_packages_layer(image: Image, tmp_path: Path) -> None:
    for name in subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True
    ).stdout.split():
        if Path(name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, tmp_path / name)
    with (tmp_path / "alexnet_study/models.py").open("a") as file:
        file.write("# changed\n")
    changed = Image(tag="alexnet-study-test:changed", secret="")
    try:
        build(changed.tag, tmp_path)
        before, after = (inspected(each)["RootFS"]["Layers"] for each in (image, changed))
    finally:
        output("image", "rm", "--force", changed.tag)
    assert len(before) == len(after)
    different = [index for index, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    assert different == [len(before) - 2, len(before) - 1]  # the package's files, and what is compiled from them


def test_a_container_ends_with_its_job(image: Image, tmp_path: Path) -> None:
    """Warned, then with its host side killed outright, the run leaves a checkpoint and no container; then it ends."""
    place = Place(tmp_path, 120)
    words = docker_process.command(WORDS, image=image.tag, name="test 1_0", mounts=place.mounts, gpus=False)
    name = docker_process.container_name("test 1_0")
    for number, code in ((signal.SIGUSR2, 75), (signal.SIGKILL, -9)):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        before = len(place.attempts()) if place.folder.provenance.exists() else 0
        while not place.folder.checkpoint.exists() or len(place.attempts()) == before or not place.epoch():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait() == code
        deadline = time.monotonic() + 120
        while output("ps", "--all", "--quiet", f"--filter=name={name}"):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert place.folder.summary.exists() is False
    assert subprocess.run(words, stdout=subprocess.DEVNULL, umask=0o027, check=False).returncode == 0
    assert place.folder.summary.stat().st_mode & 0o777 == 0o640
    causes = [attempt["cause"] for attempt in place.attempts()]
    assert causes == [WARNED, TERMINATED, "finished"]
    assert place.attempts()[-1]["first_epoch"] > 0
    assert json.loads(place.folder.provenance.read_text())["image"] == inspected(image)["Id"]
    assert place.folder.path.stat().st_uid == os.getuid()
