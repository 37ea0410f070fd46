"""Apptainer: `apptainer exec` is the job's process, so signals and limits reach what it runs."""

from typing import ClassVar

from alexnet_study.cluster.containers.runtime import NO_GPU, JobSetting, Runtime


class Apptainer(Runtime):
    """A job's Python runs in the image, entered by a command before it."""

    name: ClassVar[str] = "apptainer"
    holds_job: ClassVar[bool] = True
    make_image: ClassVar[str] = "make sif"
    failures: ClassVar[tuple[str, ...]] = (r"^FATAL:\s+(.+)$",)

    def job_environment(self, setting: JobSetting) -> dict[str, str]:
        """Return that a job without a GPU has none."""
        return {} if setting.gpu else NO_GPU

    def job_python(self, setting: JobSetting) -> list[str]:
        """Return the command that enters the image, and its Python."""
        binds = [word for mount in setting.mounts for word in ("--bind", mount)]
        words = ["apptainer", "exec", *setting.container.arguments, *binds, "--pwd", str(setting.cwd)]
        return [*words, setting.image, "python"]
