"""No container: jobs use the checkout's own Python environment."""

from typing import ClassVar

from alexnet_study.cluster.containers.runtime import Container, Runtime
from alexnet_study.errors import RequestError


class NoContainer(Runtime):
    """The bare host."""

    name: ClassVar[str] = ""
    holds_runs: ClassVar[bool] = False
    separators: ClassVar[str] = ""

    def check(self, container: Container) -> None:
        """Raise RequestError if something is said of a container whose runtime is not."""
        if container != Container():
            raise RequestError("container.runtime: missing; expected a container runtime beside image and mounts")
