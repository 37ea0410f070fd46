"""The docker launcher with a stub in docker's place; tests/docker has the real one."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alexnet_study.cluster.containers import docker_process

STUB = f"""#!{sys.executable}
# docker's client, as far as the launcher uses it: a "container" is a process whose id lies in $STUB/container
import json, os, signal, subprocess, sys, time
home, words = os.environ["STUB"], sys.argv[1:]
container = os.path.join(home, "container")
with open(os.path.join(home, "calls"), "a") as calls:
    print(json.dumps(words), file=calls)
if words[:2] == ["image", "inspect"]:
    print("sha256:0123")
elif words[0] == "run":
    time.sleep(float(os.environ.get("SLOW", 0)))
    process = subprocess.Popen(["sh", "-c", os.environ["INSIDE"]])
    with open(container, "w") as file:
        file.write(str(process.pid))
    code = process.wait()
    sys.exit(code if code >= 0 else 128 - code)
elif words[0] == "events":
    print(os.environ["EVENTS"], end="")
elif words[0] == "kill":
    if not os.path.exists(container):
        sys.exit("Error: No such container")
    with open(container) as file:
        os.kill(int(file.read()), signal.Signals[words[1].partition("=")[2]])
"""


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the stub, first on the PATH, that keeps its calls."""
    (tmp_path / "docker").write_text(STUB)
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("STUB", str(tmp_path))
    return tmp_path


def start(inside: str, **environment: str) -> "subprocess.Popen[str]":
    words = docker_process.command(["--seed", "0"], image="alexnet-study", name="12_3 skip-seed-0", gpus=False)
    environ = os.environ | {"INSIDE": inside} | environment
    return subprocess.Popen(words, env=environ, text=True, stderr=subprocess.PIPE)


def calls(stub: Path) -> list[list[str]]:
    return [json.loads(line) for line in (stub / "calls").read_text().splitlines()]


@pytest.mark.parametrize("code", [0, 1, 2, 75])
def test_the_container_is_removed_before_and_after_and_its_exit_code_is_the_jobs(stub: Path, code: int) -> None:
    assert start(f"exit {code}").wait() == code
    name = "alexnet-study-12_3-skip-seed-0"
    assert [words[:1] for words in calls(stub)] == [["image"], ["rm"], ["run"], ["rm"]]
    assert calls(stub)[1] == calls(stub)[3] == ["rm", "--force", name]
    assert f"--name={name}" in calls(stub)[2]
    assert calls(stub)[2][-3:] == ["alexnet-study", "--seed", "0"]


@pytest.mark.parametrize(
    ("inside", "code"), [("trap 'exit 75' USR2; while :; do sleep 0.1; done", 75), ("sleep 60", 75)]
)
def test_a_signal_reaches_the_container_even_if_it_starts_later(stub: Path, inside: str, code: int) -> None:
    process = start(inside, SLOW="1.5")
    deadline = time.monotonic() + 60
    while not (stub / "calls").exists() or ["run"] not in [words[:1] for words in calls(stub)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGUSR2)
    assert process.wait() == code
    assert calls(stub)[-1][0] == "rm"


@pytest.mark.parametrize(
    ("events", "reason"), [("2026-11-25T00:59:21 container oom 0123 (name=…)\n", ": out of memory"), ("", "")]
)
def test_why_a_container_was_killed_is_told(stub: Path, events: str, reason: str) -> None:
    process = start("kill -9 $$", EVENTS=events)
    assert process.wait() == 137
    assert process.stderr is not None
    assert process.stderr.read() == f"error: the container was killed{reason}\n"
    (asked,) = [words for words in calls(stub) if words[0] == "events"]
    assert {"--filter=container=alexnet-study-12_3-skip-seed-0", "--filter=event=oom"} <= set(asked)


def test_without_docker_one_line_says_so(tmp_path: Path) -> None:
    process = start("", PATH=str(tmp_path))
    assert process.wait() == 2
    assert process.stderr is not None
    assert process.stderr.read() == "error: docker: not on this node's PATH\n"


@pytest.mark.parametrize(
    ("environment", "flags"),
    [
        ({}, ["--env=NVIDIA_VISIBLE_DEVICES=void"]),  # where Docker's usual runtime is NVIDIA's, the image asks for all
        ({"CUDA_VISIBLE_DEVICES": "1"}, ['--gpus="device=1"', "--env=CUDA_VISIBLE_DEVICES=0"]),
        (
            {"CUDA_VISIBLE_DEVICES": "0,1", "SLURM_JOB_GPUS": "2,3"},  # in the job's own cgroup numbers begin at 0
            ['--gpus="device=2,3"', "--env=CUDA_VISIBLE_DEVICES=0,1"],
        ),
        ({"CUDA_VISIBLE_DEVICES": "GPU-4f"}, ['--gpus="device=GPU-4f"', "--env=CUDA_VISIBLE_DEVICES=GPU-4f"]),
        (
            {"CUDA_VISIBLE_DEVICES": "MIG-9a,MIG-9b", "SLURM_JOB_GPUS": "0,1"},  # SLURM counts slices, Docker GPUs
            ['--gpus="device=MIG-9a,MIG-9b"', "--env=CUDA_VISIBLE_DEVICES=MIG-9a,MIG-9b"],
        ),
        (
            {"CUDA_VISIBLE_DEVICES": "GPU-4f", "SLURM_STEP_GPUS": "3", "SLURM_JOB_GPUS": "3"},
            ['--gpus="device=GPU-4f"', "--env=CUDA_VISIBLE_DEVICES=GPU-4f"],
        ),
    ],
)
def test_the_container_gets_the_jobs_gpus_and_no_others(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], flags: list[str]
) -> None:
    for name in ("SLURM_STEP_GPUS", "SLURM_JOB_GPUS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(docker_process, "DRIVER", (Path("/dev/null"),))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    words = docker_process.run_command(options(), "sha256:0123")
    assert [word for word in words if re.search("gpus|CUDA|NVIDIA", word)] == flags


def test_no_gpu_is_asked_for_where_no_driver_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_GPUS", "0")
    monkeypatch.setattr(docker_process, "DRIVER", (Path("/dev/nowhere"),))
    words = docker_process.run_command(options(), "sha256:0123")
    assert not any("gpus" in word for word in words)
    assert "--env=NVIDIA_VISIBLE_DEVICES=void" in words


def test_the_whole_command(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"SLURM_JOB_ID": "7", "OMP_NUM_THREADS": "2", "SLURM_MEM_PER_NODE": "4096", "ALEXNET_STUDY_COMMIT": "no"}
    monkeypatch.setattr(os, "environ", environ)
    monkeypatch.setattr(docker_process, "_umask", lambda: 0o027)
    monkeypatch.setattr(os, "getuid", lambda: 1001)
    monkeypatch.setattr(os, "getgid", lambda: 100)
    monkeypatch.setattr(os, "getgroups", lambda: [100, 27])
    assert " ".join(docker_process.run_command(options(), "sha256:0123")) == (
        "docker run --rm --init --interactive --name=n --workdir=/w --user=1001:100 --group-add=100 --group-add=27 "
        "--read-only --tmpfs=/tmp --network=none --log-driver=none --memory=4096m --volume=/a:/a "
        "--env=OMP_NUM_THREADS --env=SLURM_JOB_ID --env=SLURM_MEM_PER_NODE "
        "--env=ALEXNET_STUDY_END_WITH_INPUT=1 --env=ALEXNET_STUDY_IMAGE=sha256:0123 "
        "--env=ALEXNET_STUDY_UMASK=0027 --env=NVIDIA_VISIBLE_DEVICES=void "
        "--memory-swap=4g alexnet-study --seed 0"
    )


def options() -> argparse.Namespace:
    return argparse.Namespace(
        image="alexnet-study",
        name="n",
        workdir="/w",
        mount=["/a:/a"],
        argument=["--memory-swap=4g"],
        gpus=True,
        words=["--seed", "0"],
    )
