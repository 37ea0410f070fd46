"""A QOS that limits a user's jobs, and a partition that preempts: what a site with accounting does to a study."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.slurm.conftest import Site, finish, started


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster with accounting, six jobs a user, and preemption by partition."""
    with started(most_jobs=6, preemption=True) as cluster:
        yield cluster


def line(site: Site) -> str:
    """The line of baseline's first run in the status."""
    (found,) = [text for text in site.run("status").splitlines() if text.startswith("baseline seed 0 ")]
    return re.sub(r"  +", " | ", found)


def test_a_qos_cuts_a_submission_short_and_the_next_call_goes_on(site: Site) -> None:
    site.write_study(seeds=4)
    site.pause()
    cut = finish(site.start_submit(), 1)
    assert re.search(r"job \d+: tiny-baseline, 4 jobs: ", cut)
    assert "tiny-report, when all others have ended" in cut
    assert re.search(r"not sent: 4 runs: sbatch: .*QOSMaxSubmitJobPerUserLimit.*array tiny-skip", cut)
    assert len(site.queue()) == 5
    site.resume()
    site.wait_until_idle()
    assert {variant for variant, _ in site.finished()} == {"baseline"}
    assert (site.results / "tiny/report/report.json").exists(), site.describe()
    site.submit()
    site.wait_until_idle()
    assert len(site.finished()) == 8, site.describe()


def test_max_jobs_sends_what_the_qos_allows(site: Site) -> None:
    site.write_study(seeds=4)
    site.write_profile(max_jobs=6)
    site.pause()
    assert "left for the next call, max_jobs is 6: skip seeds 1, 2, 3" in site.submit()
    assert len(site.queue()) == 6


def test_preemption_is_named_and_the_run_goes_on(site: Site) -> None:
    site.write_study(seeds=1, epochs=100_000)
    site.write_study_of("baseline")
    site.submit()
    site.wait_for(lambda: (site.run_folder("baseline", 0) / "checkpoint.pt").exists(), "a checkpoint")
    other = ["sbatch", "--parsable", "--partition=urgent", "--nodes=2", "--exclusive", "--output=/dev/null"]
    urgent = site.cluster.client(*other, "--wrap=sleep 600").stdout.strip()
    try:
        site.wait_for(lambda: urgent in site.cluster.client("squeue", "-h", "-t", "R", "-o", "%i").stdout, "preemption")
        site.wait_for(lambda: "waiting" in line(site), "the run to wait")
        shown = line(site)
    finally:
        site.cluster.client("scancel", urgent)
    assert re.search(r"goes on from its checkpoint, had come to epoch \d+ of \d+; after: preempted", shown), (
        site.describe()
    )
    site.wait_for(lambda: len(site.attempts("baseline", 0)) == 2, "a second attempt")
    assert site.attempts("baseline", 0)[1]["first_epoch"] > 0
