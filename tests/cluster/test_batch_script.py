"""Batch scripts: compared whole with golden files, and run by a shell with hostile names.

ALEXNET_STUDY_GOLDEN=write rewrites the golden files.
"""

import dataclasses
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from submitit.core.utils import DelayedSubmission, JobPaths

from alexnet_study.cluster.containers.runtime import Container
from alexnet_study.cluster.launchers import batch_script
from alexnet_study.cluster.plans.job_plan import PlannedRun, arrays_of
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.cluster.profiles import load_profile
from alexnet_study.errors import RequestError
from alexnet_study.study.study import load_study
from tests.cluster.plans import EVERYTHING, plan_for

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["slurm", "apptainer", "pyxis", "everything"])
def test_scripts_are_as_in_the_golden_files(study_file: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/study/.venv/bin/python")
    plan = plan_for(study_file, EVERYTHING if name == "everything" else load_profile(name))
    texts = [batch_script.script(plan, 0), batch_script.script(plan, 2, "afterany:12:13")]
    golden = GOLDEN / f"{name}.sh"
    text = "\n".join(texts)
    if os.environ.get("ALEXNET_STUDY_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()


def test_a_job_of_one_array_is_a_plain_job(study_file: Path) -> None:
    plan = plan_for(study_file, Profile(), seeds=1)
    assert "--array" not in batch_script.script(plan, 0)
    assert [plan.arrays[0].job_id("12", 0), plan_for(study_file, Profile()).arrays[0].job_id("12", 3)] == ["12", "12_3"]


@pytest.mark.parametrize("runtime", ["", "apptainer"])
def test_a_hostile_path_stays_a_path(study_file: Path, tmp_path: Path, runtime: str) -> None:
    """The script, run by bash with stand-ins for SLURM, hands the very path on and carries out nothing else."""
    trap = tmp_path / "carried-out"
    results = tmp_path / f"""re su'lts" $(touch {trap.name}) `touch {trap.name}`;touch {trap.name}&"""
    container = Container(runtime=runtime, image="an image'.sif") if runtime else Container()
    plan = plan_for(study_file, Profile(container=container), results=results)
    batch_script.check_paths(plan)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, body in (("srun", 'printf "%s\\n" "$@" > words'), ("scontrol", ":")):
        (programs / name).write_text(f"#!/bin/bash\n{body}\n")
        (programs / name).chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    script = batch_script.script(plan, 0)
    subprocess.run(["bash", "-c", script], cwd=tmp_path, env={**os.environ, "PATH": path}, check=True)
    words = (tmp_path / "words").read_text().splitlines()
    assert words[-1] == str(plan.jobs_folder)
    assert not trap.exists()
    comments = [line.removeprefix("#SBATCH ") for line in script.splitlines() if line.startswith("#SBATCH")]
    output = next(word for line in comments for word in shlex.split(line) if word.startswith("--output="))
    assert output == f"--output={plan.jobs_folder}/%A_%a_0_log.out"


@pytest.mark.parametrize("name", ["a%j", "a\nb", "a\\b"])
def test_a_path_that_sbatch_would_read_as_more_is_refused(study_file: Path, name: str) -> None:
    plan = plan_for(study_file, Profile(), results=Path("/study") / name)
    with pytest.raises(RequestError, match="expected a path without"):
        batch_script.check_paths(plan)


def test_a_container_refuses_what_would_part_its_list_of_mounts(study_file: Path) -> None:
    plan = plan_for(study_file, load_profile("pyxis"), results=Path("/study/a,b"))
    with pytest.raises(RequestError, match="expected a path without"):
        batch_script.check_paths(plan)


def test_runs_are_packed_and_split_over_arrays(study_file: Path) -> None:
    study = dataclasses.replace(load_study(study_file), seeds=tuple(range(7)))
    arrays = list(arrays_of("tiny", "id", study.runs(), runs_per_job=2, most_jobs=3))
    assert [array.name for array in arrays] == ["tiny-baseline"] * 2 + ["tiny-skip"] * 2 + ["tiny-report"]
    assert [len(array.jobs) for array in arrays] == [3, 1, 3, 1, 0]
    runs: list[PlannedRun] = [run for array in arrays for job in array.jobs for run in job]
    assert sorted(run.key for run in runs) == sorted((run.variant, run.seed) for run in study.runs())
    assert len({array.token for array in arrays}) == 5


@pytest.mark.parametrize(
    ("environment", "requeued"),
    [
        ({"SLURM_JOB_ID": "12"}, "12"),
        ({"SLURM_JOB_ID": "12", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3"}, "12_3"),  # the array's own id
        ({"SLURM_JOB_ID": "15", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "0"}, "12_0"),
    ],
)
def test_an_unfinished_task_returns_to_the_queue_by_its_own_id(
    tmp_path: Path, environment: dict[str, str], requeued: str
) -> None:
    """The teardown, run by bash with a stand-in for scontrol: a sibling's id or state plays no part."""
    scontrol = tmp_path / "scontrol"
    scontrol.write_text('#!/bin/bash\necho "$@" >> calls\n[ "$1" = requeue ] || echo JobState=COMPLETING\n')
    scontrol.chmod(0o755)
    script = "(exit 75)\n" + batch_script.TEARDOWN.format(killed=batch_script.KILLED_BY_WARNING, most=1)
    environment |= {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, check=False).returncode == 75
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [f"show job --oneliner {requeued}", f"requeue {requeued}"]


def test_every_job_knows_its_own_time_limit(study_file: Path, tmp_path: Path) -> None:
    """By it submitit tells the time limit's warning from a preemption."""
    plan = plan_for(study_file, dataclasses.replace(EVERYTHING, minutes=60), results=tmp_path)
    plan.jobs_folder.mkdir(parents=True)
    limits = []
    for array, job in ((0, "12"), (2, "13")):
        batch_script.complete(plan, array, job)
        first = JobPaths(plan.jobs_folder, job_id=plan.arrays[array].job_id(job, 0)).submitted_pickle
        limits.append(DelayedSubmission.load(first)._timeout_min)
    assert limits == [60, 5]


def parameters(script: str) -> list[str]:
    """What a script asks sbatch for."""
    return [shlex.split(line)[1] for line in script.splitlines() if line.startswith("#SBATCH")]


def test_a_profiles_own_options_of_sbatch_reach_the_script(study_file: Path) -> None:
    options = {"reservation": "spring", "nice": 100, "mail-type": "END,FAIL", "exclusive": True, "mem-per-cpu": "2G"}
    plan = plan_for(study_file, Profile(sbatch={**options, "gpus": 1}, gres=""))
    asked = parameters(batch_script.script(plan, 0))
    expected = {"--reservation=spring", "--nice=100", "--mail-type=END,FAIL", "--exclusive", "--mem-per-cpu=2G"}
    assert expected | {"--gpus=1"} <= set(asked)
    assert plan.profile.gpus == 1
    report = parameters(batch_script.script(plan, 2))
    assert {"--reservation=spring", "--mail-type=END,FAIL"} <= set(report)
    assert not any(each.startswith(("--gpus", "--mem-per-cpu", "--exclusive")) for each in report)


@pytest.mark.parametrize(("wckey", "asked"), [("", []), ("thesis", ["--wckey=thesis"])])
def test_a_wckey_is_sent_where_the_profile_names_one(study_file: Path, wckey: str, asked: list[str]) -> None:
    script = batch_script.script(plan_for(study_file, Profile(wckey=wckey)), 0)
    assert [each for each in parameters(script) if each.startswith("--wckey")] == asked


@pytest.mark.parametrize(
    ("setup", "code", "said"),
    [
        (("export A=1", "true"), 0, ""),
        (("false", "echo not reached"), 1, "error: setup ended the job with exit code 1 in: false\n"),
        (("exit 3",), 3, "error: setup ended the job with exit code 3 in: exit 3\n"),
        (("no-such-program --x",), 127, "error: setup ended the job with exit code 127 in: no-such-program --x\n"),
    ],
)
def test_a_line_of_setup_that_fails_ends_the_job_and_is_named(
    study_file: Path, tmp_path: Path, setup: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "srun").write_text("#!/bin/bash\necho started >> started; false\n")
    (tmp_path / "srun").chmod(0o755)
    script = batch_script.script(plan_for(study_file, Profile(setup=setup)), 0)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_JOB_ID": "12"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    started = (tmp_path / "started").exists()
    assert (done.returncode, started) == (
        (1, True) if code == 0 else (code, False)
    )  # srun fails: its code is the job's
    assert done.stderr.endswith(said)
    assert "not reached" not in done.stdout


@pytest.mark.parametrize("name", ["apptainer", "pyxis"])
@pytest.mark.parametrize("gres", ["gpu:1", ""])
def test_a_job_without_a_gpu_tells_its_container_so(study_file: Path, name: str, gres: str) -> None:
    """NVIDIA_VISIBLE_DEVICES, which images set to `all`, is read by the hooks of Enroot and Docker."""
    plan = plan_for(study_file, dataclasses.replace(load_profile(name), gres=gres))
    void = [said_void(batch_script.script(plan, array)) for array in (0, 2)]  # runs, and the report
    assert void == [gres == "", True]
    pyxis = "--container-env=NVIDIA_VISIBLE_DEVICES"  # else the image's own value wins
    assert (pyxis in batch_script.script(plan, 2)) == (name == "pyxis")


def said_void(script: str) -> bool:
    """Whether a script tells the container that it has no GPU."""
    return "export NVIDIA_VISIBLE_DEVICES=void" in script.splitlines()


def test_pyxis_names_the_images_python_by_its_path(study_file: Path) -> None:
    """Enroot starts a login shell, whose /etc/profile resets the PATH that the image sets."""
    script = batch_script.script(plan_for(study_file, load_profile("pyxis")), 0)
    assert "/opt/venv/bin/python -u -m submitit" in script
