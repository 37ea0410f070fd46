"""Docker: each run gets a container of its own, started from the job's process on the host."""

from collections.abc import Sequence
from typing import ClassVar

from alexnet_study.cluster.containers import docker_process
from alexnet_study.cluster.containers.runtime import JobSetting, Runtime


class Docker(Runtime):
    """A job stays on the host; docker_process removes what an earlier attempt left, before a run and after it."""

    name: ClassVar[str] = "docker"

    def run_command(self, words: Sequence[str], *, name: str, setting: JobSetting) -> list[str]:
        """Return the command of a run in its own container."""
        return docker_process.command(
            ["-m", "alexnet_study", *words],
            image=setting.container.image,
            name=name,
            workdir=str(setting.cwd),
            mounts=setting.mounts,
            arguments=["--entrypoint=python", "--env=PYTHONSAFEPATH=1", *setting.container.arguments],
            gpus=setting.gpu,
        )
