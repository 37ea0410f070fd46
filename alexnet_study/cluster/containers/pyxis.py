"""Pyxis: a plugin of srun, which unpacks and enters the image by arguments of its own."""

from typing import ClassVar

from alexnet_study.cluster.containers.runtime import IMAGE_PYTHON, NO_GPU, JobSetting, Runtime


class Pyxis(Runtime):
    """A job's Python runs in the image, entered by srun."""

    name: ClassVar[str] = "pyxis"
    holds_job: ClassVar[bool] = True
    make_image: ClassVar[str] = "make sqsh"
    warning_seconds: ClassVar[int] = 180  # unpacking an image takes up to 42 s, its removal a minute

    def job_environment(self, setting: JobSetting) -> dict[str, str]:
        """Return that a job without a GPU has none."""
        return {} if setting.gpu else NO_GPU

    def job_python(self, setting: JobSetting) -> list[str]:
        """Return the image's Python: Enroot starts a login shell, whose /etc/profile resets the PATH."""
        return [IMAGE_PYTHON]

    def srun_arguments(self, setting: JobSetting) -> list[str]:
        """Return srun's arguments for image, mounts and folder, then the profile's own."""
        words = [f"--container-image={setting.image}", f"--container-mounts={','.join(setting.mounts)}"]
        words += [f"--container-workdir={setting.cwd}"]
        words += [] if setting.gpu else [f"--container-env={','.join(NO_GPU)}"]  # else the image's own value wins
        return [*words, *setting.container.arguments]
