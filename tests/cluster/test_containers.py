"""Container runtimes: what each needs before a job is sent."""

import re
from pathlib import Path

import pytest

from alexnet_study.cluster.containers.runtime import Container, JobSetting, Runtime
from alexnet_study.cluster.containers.table import RUNTIMES
from alexnet_study.cluster.profiles import load_profile
from alexnet_study.cluster.status.causes import from_lines
from alexnet_study.errors import RequestError


def setting(cwd: Path, runtime: str, image: str) -> JobSetting:
    return JobSetting(container=Container(runtime=runtime, image=image), cwd=cwd, paths=(cwd,), gpu=True)


@pytest.mark.parametrize(("runtime", "made_by"), [("apptainer", "make sif"), ("pyxis", "make sqsh")])
def test_an_image_that_is_missing_is_named_before_anything_is_sent(tmp_path: Path, runtime: str, made_by: str) -> None:
    asked = setting(tmp_path, runtime, "image.file")
    with pytest.raises(RequestError, match=rf"container.image: {tmp_path}/image.file: not found; expected .*{made_by}"):
        RUNTIMES[runtime].check_image(asked)
    (tmp_path / "image.file").touch()
    RUNTIMES[runtime].check_image(asked)
    RUNTIMES[runtime].check_image(setting(tmp_path, runtime, "docker://registry/image:tag"))


@pytest.mark.parametrize("runtime", ["", "docker"])
def test_an_image_that_only_a_node_knows_is_not_looked_for(tmp_path: Path, runtime: str) -> None:
    RUNTIMES[runtime].check_image(setting(tmp_path, runtime, "image" if runtime else ""))


def job_command(name: str, *, gpu: bool) -> list[str]:
    profile = load_profile(name)
    paths = (Path("/study"), Path("/data set"))
    return profile.runtime.job_python(JobSetting(container=profile.container, cwd=Path("/study"), paths=paths, gpu=gpu))


def test_podman_is_entered_as_the_jobs_user_in_its_cgroup() -> None:
    common = ["podman", "run", "--rm", "--userns=keep-id", "--env-host", "--network=host", "--cgroups=disabled"]
    common += ["--log-driver=none", "--volume=/study:/study", "--volume=/data set:/data set", "--workdir=/study"]
    common += ["--entrypoint=/opt/venv/bin/python"]
    image = "localhost/alexnet-study"
    assert job_command("podman", gpu=True) == [*common, "--device=nvidia.com/gpu=all", image]
    assert job_command("podman", gpu=False) == [*common, image]


def test_charliecloud_is_entered_by_ch_run() -> None:
    assert job_command("charliecloud", gpu=True) == (
        ["ch-run", "--bind=/study:/study", "--bind=/data set:/data set", "--cd=/study", "/study/alexnet-study.sqfs"]
        + ["--", "/opt/venv/bin/python"]
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "ch-run[123]: error: can't bind: not found: /x/data (ch_misc.c:431 2)",
            "container: can't bind: not found: /x/data",
        ),
        ("Error: localhost/alexnet-study: image not known", "container: localhost/alexnet-study: image not known"),
    ],
)
def test_what_a_runtime_says_of_its_failure_is_the_cause(line: str, words: str) -> None:
    assert from_lines(f"before\n{line}\n") == words


@pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=lambda runtime: runtime.name or "none")
def test_a_pattern_of_failure_has_one_group_the_words(runtime: Runtime) -> None:
    assert [re.compile(pattern).groups for pattern in runtime.failures] == [1] * len(runtime.failures)
