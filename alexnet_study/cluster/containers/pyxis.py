"""Pyxis: a plugin of srun, which unpacks and enters the image by arguments of its own."""

from typing import ClassVar

from alexnet_study.cluster.containers.runtime import JobSetting, Runtime


class Pyxis(Runtime):
    """A job's Python runs in the image, entered by srun."""

    name: ClassVar[str] = "pyxis"
    holds_job: ClassVar[bool] = True

    def job_python(self, setting: JobSetting) -> list[str]:
        """Return the image's Python."""
        return ["python"]

    def srun_arguments(self, setting: JobSetting) -> list[str]:
        """Return srun's arguments for image, mounts and folder, then the profile's own."""
        words = [f"--container-image={setting.image}", f"--container-mounts={','.join(setting.mounts)}"]
        return [*words, f"--container-workdir={setting.cwd}", *setting.container.arguments]
