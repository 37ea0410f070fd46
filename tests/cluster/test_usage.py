"""GPU-hours: from the job's start, each GPU once however many runs share it."""

import pytest

from alexnet_study.cluster.status.usage import usage
from alexnet_study.runs.records import Attempt, Progress

HOUR = 3600.0
BASELINE, SKIP = ("baseline", 0), ("skip", 0)


def attempt(
    start: float,
    last: float,
    *,
    gpu: str | None = "0",
    job: str | None = "12",
    restart: int = 0,
    job_start: float | None = None,
) -> Attempt:
    """Times in hours."""
    return Attempt(
        job=job,
        restart=restart,
        host="a",
        node="a",
        gpu=gpu,
        device="D",
        start=start * HOUR,
        last_heartbeat=last * HOUR,
        end=None,
        cause=None,
        progress=Progress(epoch=0, step=0, epochs=1, steps=1, images_per_second=None),
        first_epoch=0,
        job_start=None if job_start is None else job_start * HOUR,
    )


def gpu_hours(*own: Attempt) -> float:
    return usage({BASELINE: own})[BASELINE].gpu


def test_a_life_counts_from_its_jobs_start() -> None:
    assert gpu_hours(attempt(10.5, 12, job_start=10)) == pytest.approx(2)
    assert gpu_hours(attempt(10.5, 12)) == pytest.approx(1.5)


def test_every_life_counts() -> None:
    lives = attempt(1, 2, job_start=0.5), attempt(5, 6, job_start=4, restart=1), attempt(8, 9, job="13", job_start=8)
    assert gpu_hours(*lives) == pytest.approx(1.5 + 2 + 1)


def test_gpus_are_counted_and_none_is_cpu_time() -> None:
    assert gpu_hours(attempt(0, 1, gpu="0,3")) == pytest.approx(2)
    for none in (None, "", "-1", "void", "NoDevFiles"):
        used = usage({BASELINE: [attempt(0, 1, gpu=none)]})[BASELINE]
        assert (used.gpu, used.cpu) == (0, pytest.approx(1))


@pytest.mark.parametrize("job", ["12", None])
def test_runs_that_share_a_gpu_share_its_hours(job: str | None) -> None:
    used = usage({BASELINE: [attempt(0, 2, job=job)], SKIP: [attempt(1, 3, job=job)]})
    assert [used[key].gpu for key in (BASELINE, SKIP)] == [pytest.approx(1.5)] * 2


def test_runs_that_follow_each_other_in_a_job_use_it_once() -> None:
    used = usage({BASELINE: [attempt(1, 2, job_start=0)], SKIP: [attempt(2.5, 4, job_start=0)]})
    assert sum(own.gpu for own in used.values()) == pytest.approx(4)


def test_outside_of_jobs_processes_on_a_cpu_count_each() -> None:
    used = usage({key: [attempt(0, 1, gpu=None, job=None)] for key in (BASELINE, SKIP)})
    assert [own.cpu for own in used.values()] == [pytest.approx(1)] * 2


def test_a_run_that_never_started_used_nothing() -> None:
    assert usage({BASELINE: []})[BASELINE].gpu == 0
