"""A study in Docker containers on a real SLURM: whatever ends a job ends its container, and no bit is lost."""

import json
import os
import subprocess
from typing import Any

import pytest

from alexnet_study.cluster.containers.docker_process import container_name
from tests.image import Image
from tests.slurm.conftest import LEARNING, Site
from tests.slurm.test_status import line, wait_until_trains

pytestmark = pytest.mark.docker


def use_docker(site: Site, image: Image, **means: Any) -> None:
    """The shipped profile, for this checkout's image."""
    site.write_profile("testcluster-docker", container={"runtime": "docker", "image": image.tag}, **means)


def containers(site: Site) -> list[str]:
    """The names of all containers of the site's jobs, whether they run or not."""
    words = ["docker", "ps", "--all", "--format={{.Names}}"]
    names = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    jobs = [json.loads(path.read_text())["job"] for path in site.results.glob("tiny/.submit/*/*.job")]
    return [
        name for name in names if name.startswith(tuple(container_name(f"{job}{end}") for job in jobs for end in "-_"))
    ]


def container_of(site: Site, variant: str, seed: int) -> str:
    """The name that the container of a run's newest attempt should have."""
    return container_name(f"{site.attempts(variant, seed)[-1]['job']}-{variant}-seed-{seed}")


def wait_until_empty(site: Site) -> None:
    """Until no job is left, and then no container."""
    site.wait_until_idle()
    site.wait_for(lambda: not containers(site), "the containers to end with their jobs")


def in_container(site: Site, image: Image) -> list[str]:
    """The words that start Python in the image, as a job would, but without one."""
    words = ["docker", "run", "--rm", "--network=none", f"--user={os.getuid()}:{os.getgid()}"]
    return [*words, f"--volume={site.folder}:{site.folder}", "--entrypoint=python", image.tag]


def test_requeued_or_cancelled_a_run_leaves_no_container_and_goes_on(site: Site, image: Image) -> None:
    """One seed is sent, and a run of it requeued; then another, whose jobs are cancelled and retried."""
    site.write_study(**LEARNING)
    use_docker(site, image)
    site.submit("--seeds", 1)
    wait_until_trains(site, "baseline", 0)
    container = container_of(site, "baseline", 0)
    assert container in containers(site)
    site.pause()
    site.cluster.client("scontrol", "requeue", site.attempts("baseline", 0)[0]["job"])
    site.wait_for(lambda: container not in containers(site), "the requeued run's container to end")
    site.resume()
    wait_until_empty(site)
    assert site.finished() == {("baseline", 0), ("skip", 0)}, site.describe()

    site.submit()
    wait_until_trains(site, "skip", 1)
    assert container_of(site, "skip", 1) in containers(site)
    site.run("cancel")
    wait_until_empty(site)
    assert ("skip", 1) not in site.finished()
    assert line(site, "skip", 1).startswith("skip seed 1 | failed | cancelled | ")
    site.run("retry", "--allow-dirty")
    wait_until_empty(site)

    assert len(site.finished()) == 4, site.describe()
    assert len(json.loads((site.results / "tiny/report/report.json").read_text())["runs"]) == 4
    for key in (("baseline", 0), ("skip", 1)):
        first, second = site.attempts(*key)
        assert second["first_epoch"] > first["first_epoch"], key
    site.assert_undisturbed(site.undisturbed(2, python=in_container(site, image)))


def test_a_container_has_no_more_memory_than_its_job(site: Site, image: Image) -> None:
    """Half a GB; the weights are 150 MB, their gradients and SGD's momentum as much each."""
    site.write_study(seeds=1, epochs=1, model={"hidden": 6144})
    use_docker(site, image, memory_gb=0.5)
    site.submit()
    wait_until_empty(site)
    for variant in ("baseline", "skip"):
        assert line(site, variant).startswith(f"{variant} seed 0 | failed | out of memory | ")
