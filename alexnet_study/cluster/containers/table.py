"""The table of container runtimes: a further one is its file, and its line here."""

from collections.abc import Mapping

from alexnet_study.cluster.containers.apptainer import Apptainer
from alexnet_study.cluster.containers.charliecloud import Charliecloud
from alexnet_study.cluster.containers.docker import Docker
from alexnet_study.cluster.containers.none import NoContainer
from alexnet_study.cluster.containers.podman import Podman
from alexnet_study.cluster.containers.pyxis import Pyxis
from alexnet_study.cluster.containers.runtime import Container, Runtime
from alexnet_study.errors import RequestError

RUNTIMES: Mapping[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        NoContainer(),
        Apptainer(),
        Pyxis(),
        Docker(),
        Podman(),
        Charliecloud(),
    )
}


def check_container(container: Container) -> None:
    """Raise RequestError if the runtime is unknown, or can't work with what is said of the container."""
    known = ", ".join(name for name in RUNTIMES if name)
    if container.runtime not in RUNTIMES:
        raise RequestError(f"container.runtime: {container.runtime!r} is not valid; expected one of {known}")
    RUNTIMES[container.runtime].check(container)


def runtime_of(container: Container) -> Runtime:
    """Return the runtime that a profile names."""
    return RUNTIMES[container.runtime]
