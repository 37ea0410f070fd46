"""Status, cancel and retry against a real SLURM."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.slurm.conftest import Site

LONG = 100_000  # epochs: such a run ends by a test's hand only


def line(site: Site, variant: str = "baseline", seed: int = 0) -> str:
    """A run's line of the status."""
    (found,) = [text for text in site.run("status").splitlines() if text.startswith(f"{variant} seed {seed} ")]
    return re.sub(r"  +", " | ", found)


def wait_until_trains(site: Site, variant: str = "baseline", seed: int = 0) -> None:
    """Until a run's newest attempt has a checkpoint and lives."""
    site.wait_for(lambda: (site.run_folder(variant, seed) / "checkpoint.pt").exists(), "a checkpoint")
    site.wait_for(lambda: site.attempts(variant, seed)[-1]["end"] is None, "an attempt")


def job_of(site: Site) -> str:
    """The job of a site that has one run only, without the report's."""
    reports = site.cluster.client("squeue", "-h", "-n", "tiny-report", "-o", "%i").stdout.split()
    (job,) = set(site.queue()) - set(reports)
    return job


@pytest.fixture
def long_site(site: Site) -> Site:
    """A site whose study is one endless run."""
    site.write_study(seeds=1, epochs=LONG)
    site.write_study_of("baseline")
    return site


def test_a_run_waits_runs_and_finishes(site: Site) -> None:
    assert line(site) == "baseline seed 0 | not sent"
    site.write_study(seeds=1, epochs=400)
    site.pause()
    site.submit()
    assert line(site).startswith("baseline seed 0 | waiting")
    site.resume()
    shown = site.wait_for(lambda: re.search(r".*epoch.*", line(site)), "progress").group()
    assert re.fullmatch(
        r"baseline seed 0 \| running \| epoch \d+ of 400, (\d+ images/s, \d:\d\d:\d\d left, )?on gpu\d \| "
        r".*/logs/baseline-seed-0-\d+\.out",
        shown,
    )
    assert Path(shown.rpartition(" | ")[2]).exists()
    site.wait_until_idle()
    assert re.match(r"baseline seed 0 \| finished \| top-1 intact \d+\.\d\d% \| ", line(site))
    assert re.match(r"skip seed 0 \| finished \| top-1 intact \d+\.\d\d%, lesioned \d+\.\d\d% \| ", line(site, "skip"))
    assert re.search(r"^2 runs: 2 finished; \d+\.\d\d GPU-hours used$", site.run("status"), re.MULTILINE)


def test_cancelled_then_retried(long_site: Site) -> None:
    site = long_site
    site.submit()
    wait_until_trains(site)
    assert re.match(r"cancelled 2 jobs: \d+, \d+$", site.run("cancel"))
    site.wait_until_idle()
    assert line(site).startswith("baseline seed 0 | failed | cancelled | ")
    assert site.run("cancel") == "nothing to cancel\n"
    assert "no run failed with a cause that contains 'time limit'" in site.run("retry", "--cause", "time limit")
    assert "again: baseline seed 0: cancelled" in site.run("retry", "--cause", "cancel", "--allow-dirty")
    site.wait_for(lambda: len(site.attempts("baseline", 0)) == 2, "a second attempt")
    assert site.attempts("baseline", 0)[1]["first_epoch"] > 0
    assert "running" in line(site)
    assert "no run failed" in site.run("retry", "--allow-dirty")


def test_jobs_that_never_ran_were_cancelled(site: Site) -> None:
    site.pause()
    site.submit()
    assert line(site).startswith("baseline seed 0 | waiting | its partition takes no jobs at present (PartitionDown)")
    assert line(site, seed=1).startswith("baseline seed 1 | waiting | ")
    site.run("cancel")
    for seed in (0, 1):
        assert line(site, seed=seed).startswith(f"baseline seed {seed} | failed | cancelled")


def test_a_killed_step_is_no_cancellation(long_site: Site) -> None:
    site = long_site
    site.submit()
    wait_until_trains(site)
    site.cluster.client("scancel", "-s", "KILL", f"{job_of(site)}.0")
    site.wait_until_idle()
    assert line(site).startswith("baseline seed 0 | failed | killed | ")


def test_a_run_out_of_memory_is_sent_again_with_more(limited_cluster: Any, tmp_path: Path) -> None:
    """The job gets half a GB; the weights are 150 MB, their gradients and SGD's momentum as much each."""
    site = Site(limited_cluster, tmp_path)
    site.write_study(seeds=1, epochs=1, model={"hidden": 6144})
    site.write_profile(memory_gb=0.5)
    site.submit()
    site.wait_until_idle()
    assert line(site).startswith("baseline seed 0 | failed | out of memory | ")
    site.write_profile(memory_gb=4)
    words = ["--cause", "out of memory", "--profile", site.profile_file, "--allow-dirty"]
    assert "again: skip seed 0: out of memory" in site.run("retry", *words)
    site.wait_until_idle()
    assert site.finished() == {("baseline", 0), ("skip", 0)}, site.describe()


def test_a_run_that_fails_says_why(site: Site) -> None:
    site.write_study(seeds=1, learning_rate=1e30)
    site.submit()
    site.wait_until_idle()
    assert "baseline seed 0 | failed | RunError: training diverged in epoch 1" in line(site)
    log = Path(line(site).rpartition(" | ")[2])
    assert log.read_text().startswith("error: training diverged")


def test_a_job_that_never_reaches_the_run_says_so(site: Site) -> None:
    site.write_profile(setup=["exit 3"])
    site.submit()
    site.wait_until_idle()
    assert line(site).startswith("baseline seed 0 | failed | setup ended the job with exit code 3 in: exit 3 | ")


def test_a_module_that_is_missing_is_the_cause(site: Site) -> None:
    site.write_profile(setup=["no-such-module load cuda"])
    site.submit("--seeds", 1)
    site.wait_until_idle()
    cause = r"setup ended the job with exit code 127 in: no-such-module load cuda \(line \d+: .*: command not found\)"
    assert re.match(rf"baseline seed 0 \| failed \| {cause} \| ", line(site))


def test_a_held_job_is_told_and_released(site: Site) -> None:
    site.pause()
    site.submit("--seeds", 1)
    jobs = site.queue()
    site.cluster.client("scontrol", "hold", *jobs)
    assert "held by an administrator (JobHeldAdmin): only an administrator can release it" in line(site)
    site.cluster.client("scontrol", "release", *jobs)
    site.cluster.client("scontrol", "uhold", *jobs)
    assert "held (JobHeldUser): make retry releases it" in line(site)
    site.resume()
    assert f"released {len(jobs)} jobs" in site.run("retry", "--allow-dirty")
    site.wait_until_idle()
    assert len(site.finished()) == 2


def test_the_runs_themselves_tell_while_the_controller_is_silent(long_site: Site) -> None:
    site = long_site
    site.submit()
    wait_until_trains(site)
    site.cluster.stop_controller()
    try:
        assert re.match(r"baseline seed 0 \| running \| epoch \d+ of 100000, ", line(site))
        assert "the queue is not known, so states are the runs' own" in site.describe_status()
    finally:
        site.cluster.start_controller()
    assert "running" in line(site)


def test_status_needs_no_slurm(site: Site) -> None:
    site.submit("--seeds", 1)
    site.wait_until_idle()
    (site.run_folder("skip", 0) / "summary.json").unlink()
    site.path = "/nowhere"
    assert "| finished |" in line(site)
    assert line(site, "skip").startswith("skip seed 0 | failed | its summary.json is missing")


def test_a_granted_gpu_that_cannot_be_used_ends_the_run_at_once(site: Site) -> None:
    """The cluster's GPUs are pretended, and its nodes have no driver: what a job asks for can't be had."""
    site.write_study(seeds=1, epochs=LONG)
    site.write_profile("slurm")
    site.submit()
    site.wait_until_idle()
    found = re.fullmatch(r"baseline seed 0 \| failed \| (.*) \| (.*)", line(site))
    assert found is not None
    assert re.match(r"\S+: no GPU seen, no NVIDIA driver seen: .*; expected .*--device cpu$", found[1])
    assert Path(found[2]).read_text().count("\n") == 1
    assert site.attempts("baseline", 0) == []


def test_the_check_of_a_gpu_goes_to_a_node_and_its_lines_come_back(site: Site) -> None:
    words = ["-m", "jobs.gpu_check", "--results", site.results, "--profile", site.profile_file, "--allow-dirty"]
    sent = site.cluster.client(sys.executable, *map(str, words)).stdout
    found = re.fullmatch(r"job (\d+): gpu-check; its lines come to (.*)\n", sent)
    assert found is not None
    log = Path(found[2])
    site.wait_for(lambda: log.exists() and log.read_text().endswith("\n"), "the job's lines")
    assert re.fullmatch(r"error: \S+: no GPU seen, .*expected .*another node\n", log.read_text())


def test_a_run_that_came_to_another_device_says_so_and_not_what_ended_the_life_before(long_site: Site) -> None:
    elsewhere = '[ "${SLURM_RESTART_COUNT:-0}" = 0 ] || export ATEN_CPU_CAPABILITY=default'
    long_site.write_profile(setup=[elsewhere])
    long_site.submit()
    wait_until_trains(long_site)
    long_site.cluster.client("scontrol", "requeue", job_of(long_site))
    long_site.wait_until_idle()
    assert "failed | another device: pass inexact_resume or exclude the node (CPU " in line(long_site)


def test_a_run_that_gains_nothing_is_not_requeued_for_ever(long_site: Site) -> None:
    """Each life ends before the run begins, as where the start alone takes all the time that a job has."""
    folder = long_site.folder / "hook"
    folder.mkdir()
    hook = "import os, sys\nif 'train' in sys.orig_argv:\n    os._exit(75)\n"
    (folder / "sitecustomize.py").write_text(hook)
    long_site.write_profile(setup=[f'export PYTHONPATH="{folder}:$PYTHONPATH"'])
    long_site.submit()
    long_site.wait_until_idle()
    assert "failed | gained no step in 3 lives; the last: ended before it trained" in line(long_site)


def test_a_report_that_failed_is_a_line_and_made_again_by_retry(site: Site) -> None:
    site.write_study(seeds=1)
    site.write_profile(setup=[f'[ -e "{site.folder}/mended" ] || case "$SLURM_JOB_NAME" in *-report) exit 9;; esac'])
    site.submit()
    site.wait_until_idle()
    shown = [text for text in site.run("status").splitlines() if text.startswith("report ")]
    assert re.match(r"report +failed +setup ended the job with exit code 9", shown[0]), shown
    (site.folder / "mended").touch()
    assert "tiny-report" in site.run("retry", "--allow-dirty")
    site.wait_until_idle()
    assert re.search(r"^report +made +.*report/index\.html$", site.run("status"), re.MULTILINE)


def test_a_part_of_a_study_is_cancelled_and_shown_alone(site: Site) -> None:
    site.write_study(seeds=4)
    site.pause()
    site.submit()
    assert site.run("cancel", "--variant", "skip", "--seeds", "1-2").startswith("cancelled 2 jobs: ")
    shown = site.run("status", "--state", "failed").splitlines()
    assert [re.split(r"  +", text)[:3] for text in shown[:2]] == [
        ["skip seed 1", "failed", "cancelled before it ran"],
        ["skip seed 2", "failed", "cancelled before it ran"],
    ]
    assert '"state": "waiting"' in site.run("status", "--json", code=3)
    assert site.run("cancel").startswith("cancelled 7 jobs: ")
