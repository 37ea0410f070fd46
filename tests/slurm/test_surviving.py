"""What the cluster does to jobs: each ends, or goes on from its checkpoint elsewhere, and loses nothing.

That the bits stay the same is compared in test_faults.py too.
"""

import contextlib
import json
import os
import re
import signal
import sys
from pathlib import Path

import yaml

from alexnet_study.runs.interruption import TERMINATED, WARNED
from tests.slurm.conftest import LEARNING, Site
from tests.slurm.test_status import job_of, long_site, wait_until_trains

__all__ = ["long_site"]


def cause_and_successor(site: Site) -> tuple[str, dict[str, object]]:
    """The recorded cause of the first attempt's end, and the second attempt, in mid-training."""
    site.wait_for(lambda: len(site.attempts("baseline", 0)) == 2, "a second attempt")
    first, second = site.attempts("baseline", 0)
    assert second["first_epoch"] > 0
    return first["cause"], second


def freeze(site: Site) -> int:
    """Stop the process of baseline seed 0 where it is; returns its number."""
    (process,) = site.run_folder("baseline", 0).glob(".attempt-*/process.json")
    pid = int(json.loads(process.read_text())["pid"])
    os.kill(pid, signal.SIGSTOP)
    return pid


def thaw_if_warned(pid: int) -> None:
    """Let a frozen process go on once SLURM's warning waits for it; SLURM may have done so itself."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        waiting = re.search(r"^ShdPnd:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        if waiting and int(waiting.group(1), 16) & 1 << signal.SIGUSR2 - 1:
            os.kill(pid, signal.SIGCONT)


def has_ended(site: Site, pid: int) -> bool:
    """Whether the first attempt is over, which a frozen one is once it was warned."""
    thaw_if_warned(pid)
    return site.attempts("baseline", 0)[0]["end"] is not None


def test_a_time_limit_returns_the_run_to_the_queue_and_changes_no_bit(site: Site) -> None:
    """The run stands still until SLURM warns it: no machine is so fast that it ends before."""
    site.write_study(seeds=1, **LEARNING)
    site.write_profile(minutes=1, warning_seconds=59)
    site.submit()
    wait_until_trains(site)
    pid = freeze(site)
    site.wait_for(lambda: has_ended(site, pid), "the time limit's warning")
    for job in site.queue():  # one time limit is enough
        site.cluster.client("scontrol", "update", f"jobid={job}", "timelimit=60")
    site.wait_until_idle()
    first, second = site.attempts("baseline", 0)
    assert (first["cause"], second["cause"]) == (WARNED, "finished")
    assert (second["job"], second["restart"]) == (first["job"], first["restart"] + 1)
    assert second["first_epoch"] > first["first_epoch"]
    site.assert_undisturbed(site.undisturbed(1))


def test_a_requeued_run_goes_on_and_a_restarted_controller_changes_nothing(long_site: Site) -> None:
    site = long_site
    site.submit()
    wait_until_trains(site)
    site.cluster.stop_controller()
    site.cluster.start_controller()
    site.cluster.client("scontrol", "requeue", job_of(site))
    cause, second = cause_and_successor(site)
    assert (cause, second["restart"]) == (TERMINATED, 1)


def test_a_lost_nodes_process_is_replaced_while_it_lives_on(long_site: Site) -> None:
    """The node's daemon dies, the run on it does not; the job starts on the other node and takes the run over."""
    site = long_site
    site.submit()
    wait_until_trains(site)
    node = site.attempts("baseline", 0)[0]["node"]
    site.cluster.lose_node(node)
    try:
        cause, second = cause_and_successor(site)
        assert cause == "replaced by a newer attempt"
        assert (second["node"] != node, second["restart"]) == (True, 1)
        site.cluster.return_node(node)
    finally:
        if site.cluster.node_states().get(node) != "idle":
            site.cluster.lose_node(node)
            site.cluster.return_node(node)
    site.run("cancel")
    site.wait_until_idle()


def test_a_job_carries_several_runs_each_with_its_log(site: Site) -> None:
    """Four runs a job, two at once; the job is stopped in the middle, and goes on with what is left."""
    site.write_study(seeds=4, epochs=150)
    site.write_profile(runs_per_job=4, side_by_side=2)
    assert "8 runs, 2 jobs of 60 min with 1 GPU each: 2.0 GPU-hours at most" in site.submit()
    site.wait_for(lambda: site.finished(), "a first run")
    job = next(job for job in site.queue("running"))
    site.cluster.client("scontrol", "requeue", job)
    site.wait_until_idle()
    assert len(site.finished()) == 8, site.describe()
    logs = {path.name for path in (site.results / "tiny/logs").iterdir()}
    assert len({name.partition("-seed-")[0] + name.partition("-seed-")[2][0] for name in logs}) == 8


def test_one_task_that_returns_to_the_queue_leaves_its_siblings_alone(site: Site) -> None:
    """The last task to start has the array's own id as its job id: its requeue must not be the array's."""
    site.write_study(seeds=2, **LEARNING)
    site.submit()
    for seed in (0, 1):
        wait_until_trains(site, "baseline", seed)
    job = next(job for job in site.queue("running") if job == site.attempts("baseline", 1)[0]["job"])
    site.cluster.client("scancel", "-s", "USR2", f"{job}.0")
    site.wait_until_idle()
    assert site.finished() == {(variant, seed) for variant in ("baseline", "skip") for seed in (0, 1)}
    assert len(site.attempts("baseline", 1)) == 2
    assert len(site.attempts("baseline", 0)) == 1


def test_a_container_is_entered_by_the_job(site: Site) -> None:
    """A stand-in for apptainer runs its command on the host: the whole way through it is walked."""
    programs = site.folder / "bin"
    programs.mkdir()
    calls = site.folder / "calls"
    stub = programs / "apptainer"
    body = f'echo "$@" >> "{calls}"\nwhile [ "$1" != python ]; do shift; done\nshift\nexec "{sys.executable}" "$@"\n'
    stub.write_text(f"#!/bin/bash\n{body}")
    stub.chmod(0o755)
    site.path = f"{programs}:{site.path}"
    image = site.folder / "image.sif"
    image.touch()
    container = {"runtime": "apptainer", "image": str(image), "arguments": ["--nv"]}
    site.write_profile(container=container, stage=True, setup=[f'export PYTHONPATH="{os.getcwd()}"'])
    site.submit("--seeds", 1)
    site.wait_until_idle()
    assert len(site.finished()) == 2, site.describe()
    assert (site.results / "tiny/report/report.json").exists()
    assert all(f"{image} python -u -m submitit" in line for line in calls.read_text().splitlines())
    assert len(calls.read_text().splitlines()) == 3
    provenance = yaml.safe_load((site.run_folder("skip", 0) / "provenance.json").read_text())
    assert len(provenance["commit"]) == 40
