"""A retry avoids nodes whose GPU was lost."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from alexnet_study.cluster.control import retry_requests
from alexnet_study.cluster.launchers import batch_script
from alexnet_study.cluster.plans.job_plan import JobPlan
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.cluster.status.study_status import RunStatus
from alexnet_study.cluster.submission import Request
from alexnet_study.errors import LostGpuError
from alexnet_study.study.study import load_study
from alexnet_study.training.device import lost_gpu
from tests.cluster.plans import plan_for


def submitted(study_file: Path, results: Path, profile: Profile) -> JobPlan:
    plan = plan_for(study_file, profile, results=results)
    plan.write()
    shutil.copyfile(study_file, plan.study_file)
    return plan


def failed(variant: str, seed: int, cause: str) -> RunStatus:
    return RunStatus(variant=variant, seed=seed, state="failed", detail=cause, cause=cause)


def retried(study_file: Path, results: Path, runs: list[RunStatus], profile: Profile | None = None) -> Request:
    study = load_study(study_file)
    (request,), lost = retry_requests(study, results, runs, profile=profile, minutes=None, allow_dirty=False)
    assert lost == []
    return request


def cause_of(node: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a run says whose GPU was lost on the node."""
    monkeypatch.setenv("SLURMD_NODENAME", node)
    error = lost_gpu(RuntimeError("CUDA error: unspecified launch failure\nCompile with TORCH_USE_CUDA_DSA"))
    assert isinstance(error, LostGpuError)
    return str(error)


def test_a_run_whose_gpu_was_lost_is_sent_to_other_nodes(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = submitted(study_file, tmp_path, Profile(exclude="node[3-4]"))
    runs = [failed("skip", seed, cause_of(node, monkeypatch)) for seed, node in enumerate(["gpu-7", "gpu2", "gpu-7"])]
    request = retried(study_file, tmp_path, [*runs, failed("skip", 3, "time limit")])
    assert request.profile == dataclasses.replace(plan.profile, exclude="node[3-4],gpu-7,gpu2")
    script = batch_script.script(dataclasses.replace(plan, profile=request.profile), 0)
    assert "#SBATCH --exclude='node[3-4],gpu-7,gpu2'\n" in script
    again = retried(study_file, tmp_path, runs, request.profile)
    assert again.profile == request.profile


@pytest.mark.parametrize(
    "cause", ["time limit", "node failure", "RunError: training diverged", "GPU lost on $(reboot): "]
)
def test_any_other_cause_avoids_no_node(study_file: Path, tmp_path: Path, cause: str) -> None:
    plan = submitted(study_file, tmp_path, Profile())
    runs = [failed("skip", 0, cause)]
    ((request,), _) = retry_requests(
        load_study(study_file), tmp_path, runs, profile=None, minutes=None, allow_dirty=False
    )
    assert request.profile == plan.profile


def test_this_machine_has_no_other_nodes(study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = submitted(study_file, tmp_path, Profile(launcher="local"))
    runs = [failed("skip", 0, cause_of("gpu2", monkeypatch))]
    ((request,), _) = retry_requests(
        load_study(study_file), tmp_path, runs, profile=None, minutes=None, allow_dirty=False
    )
    assert request.profile == plan.profile
