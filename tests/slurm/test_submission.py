"""Submitting: every run once, whatever happens to the submitter."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.slurm.conftest import Site, finish


def planned_once(site: Site) -> dict[tuple[str, int], str]:
    """Job of each run that is in the queue; a run in two jobs fails."""
    live = set(site.queue())
    jobs: dict[tuple[str, int], str] = {}
    for plan in site.plans():
        folder = site.results / "tiny" / ".submit" / plan["id"]
        for index, array in enumerate(plan["arrays"]):
            record = folder / f"{index}.job"
            if not record.exists():
                continue
            job = json.loads(record.read_text())["job"]
            for task, runs in enumerate(array["jobs"]):
                name = f"{job}_{task}" if len(array["jobs"]) > 1 else job
                for run in runs:
                    if name in live:
                        key = run["variant"], run["seed"]
                        assert key not in jobs, f"{key} in {jobs[key]} and {name}"
                        jobs[key] = name
    return jobs


def report_jobs(site: Site) -> list[str]:
    """The report jobs in the queue."""
    shown = site.cluster.client("squeue", "-h", "-n", "tiny-report", "-o", "%i").stdout.split()
    return sorted(set(shown) & set(site.queue()))


def stand_in_for_sbatch(site: Site, script: str) -> None:
    """Put a program before sbatch; in it `$REAL` is sbatch, and `$N` counts the calls from 1."""
    folder = site.folder / "bin"
    folder.mkdir()
    counter = folder / "calls"
    sbatch = folder / "sbatch"
    count = f'echo >> "{counter}"; N=$(wc -l < "{counter}")'
    sbatch.write_text(f"#!/bin/bash\nREAL=/usr/bin/sbatch\n{count}\n{script}\n")
    sbatch.chmod(0o755)
    site.path = f"{folder}:{site.path}"


def test_a_study_is_sent_once_and_reported(site: Site) -> None:
    site.write_study(seeds=4)
    said = site.submit()
    assert "8 runs, 8 jobs of 60 min with 1 GPU each: 8.0 GPU-hours at most" in said
    assert re.search(r"job \d+: tiny-report, when all others have ended", said)
    again = site.submit()
    assert "nothing to send" in again
    assert "left out, on its way as job" in again
    site.wait_until_idle()
    assert len(site.finished()) == 8, site.describe()
    report = json.loads((site.results / "tiny/report/report.json").read_text())
    assert len(report["runs"]) == 8
    assert "left out, finished: skip seeds 0, 1, 2, 3" in site.submit()
    assert all(len(site.attempts(*key)) == 1 for key in site.finished())
    logs = {path.name.rpartition("-")[0] for path in (site.results / "tiny/logs").glob("*.out")}
    assert logs == {f"{variant}-seed-{seed}" for variant, seed in site.finished()}


def test_two_submitters_at_once_send_each_run_once(site: Site) -> None:
    site.pause()
    both = [site.start_submit(), site.start_submit()]
    texts = [finish(process) for process in both]
    assert sum("nothing to send" in text for text in texts) == 1
    assert len(planned_once(site)) == 4
    assert len(report_jobs(site)) == 1


@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_submitter_killed_half_way_is_made_good(site: Site, call: int, moment: str) -> None:
    """sbatch is called three times: for two variants and the report. SIGKILL before or after each of them."""
    site.pause()
    kill = f'[ "$N" != {call} ] || kill -KILL $PPID'
    real = '"$REAL" "$@" || exit'
    stand_in_for_sbatch(
        site, f"{kill}\n[ $N != {call} ] || exit 1\n{real}" if moment == "before" else f"{real}\n{kill}"
    )
    killed = site.start_submit()
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    site.submit()
    jobs = planned_once(site)
    assert len(jobs) == 4
    assert len(report_jobs(site)) == 1
    assert sorted(site.queue()) == sorted([*jobs.values(), *report_jobs(site)])
    assert "nothing to send" in site.submit()


def test_jobs_of_a_killed_submitter_run_all_the_same(site: Site) -> None:
    """SLURM has the first array, but its pickles were not named yet: the next submit does that."""
    site.pause()
    stand_in_for_sbatch(site, '"$REAL" "$@"\n[ "$N" != 1 ] || kill -KILL $PPID')
    killed = site.start_submit()
    killed.communicate()
    site.submit()
    site.resume()
    site.wait_until_idle()
    assert len(site.finished()) == 4, site.describe()
    assert all(len(site.attempts(*key)) == 1 for key in site.finished())


def test_an_array_that_arrives_after_it_was_given_up_is_cancelled(site: Site) -> None:
    """The submitter dies while sbatch is on its way to a slow controller; another submit comes in between."""
    go = site.folder / "go"
    slow = f'while [ ! -e "{go}" ]; do sleep 0.1; done; setsid "$REAL" "$@" > "{site.folder}/late"; exit'
    stand_in_for_sbatch(site, f'if [ "$N" = 1 ]; then kill -KILL $PPID; {slow}; fi\nexec "$REAL" "$@"')
    killed = site.start_submit()
    killed.wait()
    site.pause()
    site.submit()
    go.touch()
    late = site.wait_for(lambda: Path(site.folder / "late").exists() and (site.folder / "late").read_text(), "sbatch")
    late_job = re.search(r"\d+", late)
    assert late_job is not None
    assert any(job.startswith(f"{late_job.group()}_") for job in site.queue())
    assert "nothing to send" in site.submit()
    assert not any(job.startswith(f"{late_job.group()}_") for job in site.queue())
    assert len(planned_once(site)) == 4


def test_an_array_holds_no_more_than_slurm_allows(site: Site) -> None:
    site.pause()
    said = site.submit("--seeds", 6)
    assert said.count("baseline seed") == 2
    assert len(planned_once(site)) == 12


def test_sbatch_says_no_and_nothing_is_left(site: Site) -> None:
    site.write_profile(partition="nowhere")
    refused = site.start_submit()
    out, err = refused.communicate()
    assert (refused.returncode, out, err.count("\n")) == (2, "", 1)
    assert "nvalid partition" in err
    assert site.plans() == []


def test_the_wrong_request_writes_nothing(site: Site) -> None:
    site.write_study(threads=2)
    site.write_profile(cpus=1)
    refused = site.start_submit()
    assert "profile: cpus: 1 is too few; expected at least 2" in finish(refused, 2)
    assert not site.results.exists()


def test_a_folder_of_another_configuration_is_refused_before_anything_is_sent(site: Site) -> None:
    site.submit("--seeds", 1)
    site.wait_until_idle()
    refused = site.start_submit("--seeds", 1, "--set", "recipe.epochs=3")
    assert "holds a run of another configuration" in finish(refused, 2)
    assert len(site.plans()) == 1


def test_a_silent_controller_is_named(site: Site) -> None:
    conf = site.folder / "slurm.conf"
    port = r"SlurmctldPort=\d+"
    conf.write_text(re.sub(port, "SlurmctldPort=1", site.cluster.conf.read_text()))
    words = ["--profile", str(site.profile_file), "--allow-dirty"]
    site.cluster.environment = lambda: {**os.environ, "SLURM_CONF": str(conf)}
    try:
        assert "squeue" in site.run("submit", *words, code=1)
    finally:
        del site.cluster.environment
    assert site.plans() == []


def test_the_dry_run_shows_the_very_scripts_and_sends_nothing(site: Site) -> None:
    shown = site.submit("--dry-run")
    assert not site.results.exists()
    site.pause()
    site.submit()
    (plan,) = site.plans()
    job = planned_once(site)["baseline", 0].partition("_")[0]
    sent = site.cluster.client("scontrol", "write", "batch_script", f"{job}_0", "-").stdout.rstrip("\0\n")
    expected = re.sub(r"\d{8}-\d{6}-[0-9a-f]{6}", plan["id"], shown)
    assert sent in expected


def test_what_the_shell_holds_for_other_purposes_neither_doubles_nor_hides_a_job(site: Site) -> None:
    site.pause()
    site.submit("--seeds", 1)
    live = site.queue()
    harmful = {"SQUEUE_USERS": "nobody", "SQUEUE_PARTITION": "none", "SCANCEL_USER": "nobody", "SBATCH_TIMELIMIT": "1"}
    inherited = site.cluster.environment()
    site.cluster.environment = lambda: inherited | harmful
    try:
        again, cancelled = site.submit("--seeds", 1), site.run("cancel")
    finally:
        del site.cluster.environment
    assert "nothing to send" in again
    assert cancelled.startswith(f"cancelled {len(live)} jobs: ")
    assert site.queue() == []


def test_a_partition_that_the_site_sets_is_shown_and_used(site: Site) -> None:
    inherited = site.cluster.environment()
    site.cluster.environment = lambda: inherited | {"SBATCH_PARTITION": "main"}
    try:
        assert "#SBATCH --partition=main" in site.submit("--dry-run")
    finally:
        del site.cluster.environment


def test_options_of_sbatch_reach_slurm(site: Site) -> None:
    site.write_profile(sbatch={"nice": 7})
    site.pause()
    site.submit("--seeds", 1)
    shown = site.cluster.client("scontrol", "show", "job", "--oneliner", *site.queue()[:1]).stdout
    assert "Nice=7" in shown
    assert "WCKey" not in shown


def test_a_job_whose_comment_was_changed_is_not_sent_again(site: Site) -> None:
    site.pause()
    site.submit("--seeds", 1)
    live = site.queue()
    for job in live:
        site.cluster.client("scontrol", "update", f"jobid={job}", "comment=changed by the site")
    assert "nothing to send" in site.submit("--seeds", 1)
    assert site.run("cancel").startswith(f"cancelled {len(live)} jobs: ")


def test_a_foreign_comment_stops_no_command(site: Site) -> None:
    """The shell hands sbatch a line break and a byte that isn't UTF-8."""
    site.pause()
    send = "sbatch --hold --wrap=true --output=/dev/null --comment=$'one\\ntwo\\xff|three'"
    sent = subprocess.run(["bash", "-c", send], env=site.cluster.environment(), capture_output=True, check=True).stdout
    try:
        site.submit("--seeds", 1)
        assert "nothing to send" in site.submit("--seeds", 1)
    finally:
        site.cluster.client("scancel", sent.decode().split()[-1])


def test_a_submission_that_slurm_cuts_short_is_reported_and_goes_on(site: Site) -> None:
    site.pause()
    stand_in_for_sbatch(
        site, '[ "$N" != 2 ] || { echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2; exit 1; }\nexec "$REAL" "$@"'
    )
    said = finish(site.start_submit(), 1)
    assert "tiny-report, when all others have ended" in said
    assert "not sent: 2 runs: sbatch: sbatch: error: QOSMaxSubmitJobPerUserLimit (array tiny-skip)" in said
    assert len(report_jobs(site)) == 1
    site.submit()
    assert len(planned_once(site)) == 4
    assert len(report_jobs(site)) == 1
    site.resume()
    site.wait_until_idle()
    assert len(site.finished()) == 4, site.describe()
    assert (site.results / "tiny/report/report.json").exists(), site.describe()
