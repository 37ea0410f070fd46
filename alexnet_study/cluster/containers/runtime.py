"""What a container runtime contributes to a job: the `Runtime` protocol, and what a runtime is told."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from alexnet_study.errors import RequestError

IMAGE_PYTHON = "/opt/venv/bin/python"  # for runtimes that don't keep the PATH that the image sets
NO_GPU = {"NVIDIA_VISIBLE_DEVICES": "void"}  # what NVIDIA's hooks read; images say `all`


@dataclass(frozen=True, kw_only=True)
class Container:
    """What a profile says of the container: its runtime, a name in the table, or none; its image; mounts as `A:B`.

    The image is a path, an address or (docker) a name; arguments are more words for the runtime's own command.
    """

    runtime: str = ""
    image: str = ""
    mounts: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class JobSetting:
    """What a runtime is told of a job: the folder that it works in, the paths that it sees, whether it has a GPU."""

    container: Container
    cwd: Path
    paths: tuple[Path, ...]
    gpu: bool

    @property
    def mounts(self) -> list[str]:
        """Return what a container sees at the same path as the host, then the profile's own mounts, as `A:B`."""
        return [f"{path}:{path}" for path in self.paths] + list(self.container.mounts)

    @property
    def image(self) -> str:
        """Return the image's absolute path, or its address as it stands."""
        image = self.container.image
        return image if "://" in image else os.path.join(self.cwd, image)


class Runtime(Protocol):
    """How a job and its runs get into a container. What a runtime does not override is as on the bare host.

    name: as profiles write it. holds_job: whether the job's own Python runs inside, so that SLURM's clients are out of
    its reach. holds_runs: whether the runs do, so that their code is the image's, which knows its own commit.
    separators: characters that part the runtime's list of mounts, and so can't stand in a path. warning_seconds: how
    long before the time limit a job is told to end, where the profile doesn't say. make_image: the command that makes
    an image, where images are files that every node sees. failures: patterns of the lines that tell why the
    runtime failed, each with one group: its words.
    """

    name: ClassVar[str]
    holds_job: ClassVar[bool] = False
    holds_runs: ClassVar[bool] = True
    separators: ClassVar[str] = ":,"
    warning_seconds: ClassVar[int] = 90
    make_image: ClassVar[str] = ""
    failures: ClassVar[tuple[str, ...]] = ()

    def check(self, container: Container) -> None:
        """Raise RequestError if the profile's part about the container can't work."""
        if not container.image:
            raise RequestError("container.image: missing; expected the image's path, address or name")

    def check_image(self, setting: JobSetting) -> None:
        """Raise RequestError if the image is a file that isn't there: `make_image` says how to get it."""
        if self.make_image and "://" not in setting.image and not os.path.exists(setting.image):
            raise RequestError(
                f"container.image: {setting.image}: not found; expected the image's file or address: {self.make_image}"
            )

    def job_environment(self, setting: JobSetting) -> dict[str, str]:
        """Return what a batch script exports for this runtime."""
        return {}

    def job_python(self, setting: JobSetting) -> list[str]:
        """Return the words that start the job's own Python."""
        return [sys.executable]

    def srun_arguments(self, setting: JobSetting) -> list[str]:
        """Return arguments of the srun that starts the job's own Python."""
        return []

    def run_command(self, words: Sequence[str], *, name: str, setting: JobSetting) -> list[str]:
        """Return the command that runs one of the package's commands, as `train`, with its options from inside a job.

        name: unique among the commands of all jobs on a node, and the same again when the job is requeued.
        """
        return [sys.executable, "-m", "alexnet_study", *words]
