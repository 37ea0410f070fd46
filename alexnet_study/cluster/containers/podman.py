"""Podman without root: `podman run` is the job's process, and hands on the signals that it gets."""

from typing import ClassVar

from alexnet_study.cluster.containers.runtime import IMAGE_PYTHON, NO_GPU, JobSetting, Runtime


class Podman(Runtime):
    """A job's Python runs in the image as the job's user, with the job's environment, network and cgroup."""

    name: ClassVar[str] = "podman"
    holds_job: ClassVar[bool] = True
    failures: ClassVar[tuple[str, ...]] = (r"^Error: (.+)$",)

    def job_environment(self, setting: JobSetting) -> dict[str, str]:
        """Return that a job without a GPU has none."""
        return {} if setting.gpu else NO_GPU

    def job_python(self, setting: JobSetting) -> list[str]:
        """Return the command that enters the image, and its Python by its path: the PATH is the host's."""
        words = ["podman", "run", "--rm", "--userns=keep-id", "--env-host", "--network=host", "--cgroups=disabled"]
        words += ["--log-driver=none", *(f"--volume={mount}" for mount in setting.mounts), f"--workdir={setting.cwd}"]
        arguments = setting.container.arguments if setting.gpu else ()  # they name the GPUs
        return [*words, f"--entrypoint={IMAGE_PYTHON}", *arguments, setting.container.image]
