"""Charliecloud: `ch-run` becomes the job's process, so signals and limits reach what it runs."""

from typing import ClassVar

from alexnet_study.cluster.containers.runtime import IMAGE_PYTHON, NO_GPU, JobSetting, Runtime


class Charliecloud(Runtime):
    """A job's Python runs in the image, a SquashFS file or a folder, entered by a command before it."""

    name: ClassVar[str] = "charliecloud"
    holds_job: ClassVar[bool] = True
    separators: ClassVar[str] = ":"
    make_image: ClassVar[str] = "ch-convert -i docker alexnet-study alexnet-study.sqfs"
    failures: ClassVar[tuple[str, ...]] = (r"^ch-run\[\d+\]: error: (.+?)(?: \(\S+:\d+.*\))?$",)

    def job_environment(self, setting: JobSetting) -> dict[str, str]:
        """Return that a job without a GPU has none."""
        return {} if setting.gpu else NO_GPU

    def job_python(self, setting: JobSetting) -> list[str]:
        """Return the command that enters the image, and its Python by its path: the PATH is the host's."""
        binds = [f"--bind={mount}" for mount in setting.mounts]
        words = ["ch-run", *setting.container.arguments, *binds, f"--cd={setting.cwd}"]
        return [*words, setting.image, "--", IMAGE_PYTHON]
