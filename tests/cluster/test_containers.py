"""Container runtimes: what each needs before a job is sent."""

import re
from pathlib import Path

import pytest

from alexnet_study.cluster.containers.runtime import Container, JobSetting, Runtime
from alexnet_study.cluster.containers.table import RUNTIMES
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


@pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=lambda runtime: runtime.name or "none")
def test_a_pattern_of_failure_has_one_group_the_words(runtime: Runtime) -> None:
    assert [re.compile(pattern).groups for pattern in runtime.failures] == [1] * len(runtime.failures)
