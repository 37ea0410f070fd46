"""The check of a GPU as a job: the means of a run's job, one command, one log."""

import dataclasses
import sys
from pathlib import Path

import pytest

from alexnet_study.cluster import gpu_check
from alexnet_study.cluster.node import job
from alexnet_study.cluster.plans.job_plan import JobPlan, read_plan
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.cluster.profiles import load_profile
from alexnet_study.errors import RequestError


def draft(profile: Profile, results: Path) -> JobPlan:
    return gpu_check.draft(profile, results=results, cwd=Path("/study"))


def test_the_job_has_the_means_of_a_runs_job_but_little_time(tmp_path: Path) -> None:
    profile = Profile(gres="gpu:h100:1", partition="gpu", minutes=600, setup=("module load cuda",), constraint="new")
    script = gpu_check.script(draft(profile, tmp_path))
    for words in ("--gres=gpu:h100:1", "--partition=gpu", "--constraint=new", "--time=10", "--job-name=gpu-check"):
        assert f"#SBATCH {words}\n" in script
    assert "\nmodule load cuda\n" in script
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["slurm", "apptainer", "pyxis", "docker"])
def test_every_cluster_profile_that_ships_takes_it(name: str, tmp_path: Path) -> None:
    assert "#SBATCH --gres=gpu:1\n" in gpu_check.script(draft(load_profile(name), tmp_path))


@pytest.mark.parametrize(
    ("profile", "names"),
    [(Profile(launcher="local"), "launcher local sends no job"), (Profile(gres=""), 'gres: "" asks for no GPU')],
)
def test_a_profile_that_sends_no_job_with_a_gpu_is_refused(profile: Profile, names: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=names):
        draft(profile, tmp_path)


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_job_runs_the_command_into_a_log_and_ends_with_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    plan = dataclasses.replace(draft(Profile(), tmp_path), cwd=tmp_path)
    plan.write()
    assert read_plan(plan.folder) == plan
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.delenv("SLURM_ARRAY_JOB_ID", raising=False)
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID", raising=False)
    says = f"import sys; print(sys.argv[1:]); sys.exit({code})"
    monkeypatch.setattr(job, "_command", lambda plan, words, **_: [sys.executable, "-c", says, *words])
    if code:
        with pytest.raises(SystemExit) as ended:
            job.carry_out(str(plan.folder), 0, 0)
        assert ended.value.code == code
    else:
        job.carry_out(str(plan.folder), 0, 0)
    assert gpu_check.log(plan, "12").read_text() == "['gpu-check']\n"
