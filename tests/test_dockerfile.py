"""The Dockerfile's environment, stage by stage, for machines without Docker; tests/docker looks at the image itself."""

import re
import shlex
from pathlib import Path

import pytest

from alexnet_study.gpu import BUILDS

DRIVER_OF = {"12.0": "525.60.13", "13.0": "580.65.06"}  # the first driver of a CUDA, by NVIDIA's release notes


def instructions() -> list[tuple[str, str]]:
    """Each instruction and its words, with continued lines joined and comments left out."""
    text = re.sub(r"^#.*\n", "", Path("Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def environment(cuda: str) -> dict[str, str]:
    """What ENV sets in the image that CUDA=`cuda` gives."""
    stages: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for name, words in instructions():
        if name == "FROM":
            base, _, stage = words.replace("${CUDA}", cuda).partition(" AS ")
            current = dict(stages.get(base, {}))
            stages[stage or "image"] = current
        elif name == "ENV":
            current |= dict(word.split("=", 1) for word in shlex.split(words))
    return stages["image"]


@pytest.mark.parametrize("cuda", BUILDS)
def test_a_container_is_handed_the_gpus(cuda: str) -> None:
    """Enroot's hook leaves without the first, and hands in no libcuda without `compute`."""
    assert environment(cuda)["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert environment(cuda)["NVIDIA_DRIVER_CAPABILITIES"].split(",") == ["compute", "utility"]


@pytest.mark.parametrize("cuda", BUILDS)
def test_a_driver_too_old_for_the_cuda_is_refused_and_no_other(cuda: str) -> None:
    required = environment(cuda)["NVIDIA_REQUIRE_CUDA"].removeprefix("cuda>=")
    assert DRIVER_OF[required] == BUILDS[cuda].driver


def test_there_is_a_stage_for_each_build_and_the_usual_one_is_the_default() -> None:
    stages = {words.partition(" AS ")[2] for name, words in instructions() if name == "FROM"}
    assert set(BUILDS) <= stages
    assert ("ARG", "CUDA=cu130") in instructions()


def test_the_label_says_which_cuda() -> None:
    (labels,) = (words for name, words in instructions() if name == "LABEL")
    assert "alexnet-study.cuda=${CUDA}" in shlex.split(labels)


def test_a_login_shell_finds_the_images_python(tmp_path: Path) -> None:
    text = " ".join(words for name, words in instructions() if name == "RUN")
    assert "echo 'PATH=/opt/venv/bin:$PATH' > /etc/profile.d/alexnet-study.sh" in text
    assert environment("cu130")["PATH"] == "/opt/venv/bin:$PATH"
