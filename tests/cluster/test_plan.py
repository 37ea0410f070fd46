"""Plans: read back as written; an array belongs to one claimant; what is frozen runs as the study does."""

import dataclasses
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from alexnet_study.cluster.node import job
from alexnet_study.cluster.plans import freeze
from alexnet_study.cluster.plans.job_plan import ABANDONED, JobPlan, create_once, read_plan, read_plans
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.cluster.profiles import load_profile
from alexnet_study.data.cache import load_dataset
from alexnet_study.errors import RequestError
from alexnet_study.provenance import CodeState
from alexnet_study.study.study import load_study
from tests.cluster.plans import EVERYTHING, plan_for


@pytest.mark.parametrize("profile", [Profile(), EVERYTHING])
def test_a_plan_reads_back_as_written(study_file: Path, tmp_path: Path, profile: Profile) -> None:
    plan = dataclasses.replace(plan_for(study_file, profile, results=tmp_path), cache=tmp_path / "cache")
    plan.write()
    assert read_plan(plan.folder) == plan
    assert read_plans(tmp_path, "tiny") == [plan]
    assert plan.profile == profile


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (lambda text: text[: len(text) // 2], "not JSON: "),
        (lambda text: "[]", "expected a mapping"),
        (lambda text: text.replace('"cwd"', '"pwd"'), "unknown key pwd"),
        (lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "cache"}), "missing cache"),
        (lambda text: json.dumps({**json.loads(text), "results": 1}), "results: 1 is not valid"),
    ],
)
def test_a_plan_that_cant_be_read_is_a_mistake_that_names_the_file(
    study_file: Path, tmp_path: Path, changed: Callable[[str], str], says: str
) -> None:
    plan = plan_for(study_file, Profile(), results=tmp_path)
    plan.write()
    path = plan.folder / "plan.json"
    path.write_text(changed(path.read_text()))
    with pytest.raises(RequestError) as refused:
        read_plans(tmp_path, "tiny")
    assert str(path) in str(refused.value)
    assert says in str(refused.value)


def test_of_many_claimants_at_once_one_wins_and_all_know(tmp_path: Path) -> None:
    told: list[str] = []
    start = threading.Barrier(20)

    def contend(name: str) -> None:
        start.wait()
        told.append(create_once(tmp_path / "0.claim", name))

    threads = [threading.Thread(target=contend, args=(f"job {i}",)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 20
    assert set(told) == {(tmp_path / "0.claim").read_text()}
    assert [path.name for path in tmp_path.iterdir()] == ["0.claim"]


def test_a_job_whose_array_was_given_up_does_nothing(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_for(study_file, Profile(), results=tmp_path)
    plan.write()
    plan.own(0, ABANDONED)
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "12")
    started: list[object] = []
    monkeypatch.setattr(job, "train", lambda _, runs: started.append(runs) or 0)
    job.carry_out(str(plan.folder), 0, 1)
    assert started == []
    assert "was given up by its submitter" in capsys.readouterr().err
    job.carry_out(str(plan.folder), 1, 1)
    job.carry_out(str(plan.folder), 1, 0)  # another task of the array that has the claim
    assert started == [plan.arrays[1].jobs[1], plan.arrays[1].jobs[0]]
    assert plan.own(1, ABANDONED) == "12"


def test_a_job_ends_with_its_runs_exit_code(study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan: JobPlan = plan_for(study_file, Profile(), results=tmp_path)
    plan.write()
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setattr(job, "train", lambda *_: 75)
    with pytest.raises(SystemExit) as left:
        job.carry_out(str(plan.folder), 0, 0)
    assert left.value.code == 75


def test_a_run_gets_the_threads_of_its_configuration(study_file: Path) -> None:
    environment = job.environment(plan_for(study_file, Profile()), 3)
    assert {environment[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")} == {"3"}


def test_with_docker_each_run_gets_a_container_of_its_own(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "12")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    monkeypatch.setenv("SLURM_JOB_ID", "15")
    plan = plan_for(study_file, load_profile("docker"), results=tmp_path)
    words = job.train_command(plan, plan.arrays[0].jobs[0], tmp_path / "cache")
    launcher, run = words[: words.index("--")], words[words.index("--") + 1 :]
    assert run[:7] == ["-m", "alexnet_study", "train", "--study", str(plan.study_file), "--variant", "baseline"]
    assert "--image=alexnet-study" in launcher
    assert any("12_3-baseline-seed-0" in word for word in launcher)
    assert f"--mount={tmp_path}:{tmp_path}" in launcher
    assert f"--mount={tmp_path / 'cache'}:{tmp_path / 'cache'}" in launcher


@pytest.mark.parametrize("device", ["cuda", "cpu", "auto"])
def test_a_run_is_told_the_profiles_device(study_file: Path, tmp_path: Path, device: str) -> None:
    plan = plan_for(study_file, Profile(device=device), results=tmp_path)
    words = job.train_command(plan, plan.arrays[0].jobs[0], None)
    assert words[words.index("--device") + 1] == device


def test_a_container_sees_the_decoded_data_that_lies_beside_its_source(study_file: Path, images: Path) -> None:
    plan = dataclasses.replace(plan_for(study_file, load_profile("docker")), source=str(images), cache=None)
    cache = images.with_name("images.cache")
    assert cache not in plan.paths()
    load_dataset(str(images))
    assert plan.paths()[-2:] == [images, cache]


def test_a_frozen_study_holds_everything_that_was_asked_for(study_file: Path, tmp_path: Path) -> None:
    document = yaml.safe_load(study_file.read_text()) | {"data": "images"}
    study_file.write_text(yaml.safe_dump(document))
    study = dataclasses.replace(load_study(study_file), seeds=(3, 5))
    overrides = ["recipe.epochs=7", "model.hidden=16"]
    frozen = tmp_path / "frozen/study.yaml"
    freeze.freeze_study(study_file, study, overrides, frozen)
    again = load_study(frozen)
    assert again.runs() == study.runs(overrides)
    assert again.data == str(Path("images").absolute())
    assert again.seeds == (3, 5)


def test_a_study_that_extends_another_is_frozen_whole(study_file: Path, tmp_path: Path) -> None:
    other = study_file.with_name("other.yaml")
    other.write_text(f"extends: {study_file.name}\nname: other\nseeds: 3\n")
    study, frozen = load_study(other), tmp_path / "frozen/study.yaml"
    freeze.freeze_study(other, study, ["recipe.epochs=7"], frozen)
    again = load_study(frozen)
    assert (again.name, again.seeds) == ("other", (0, 1, 2))
    assert again.runs() == study.runs(["recipe.epochs=7"])


def test_the_frozen_code_is_what_stands_on_disk(tmp_path: Path) -> None:
    freeze.freeze_code(tmp_path)
    frozen = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {"alexnet_study/training/step.py", "alexnet_study/__main__.py", "constraints.txt"} <= frozen
    assert all(Path(name).read_bytes() == (tmp_path / name).read_bytes() for name in frozen)
    assert not any("__pycache__" in name for name in frozen)


def test_changed_tracked_files_are_named() -> None:
    freeze.refuse_changes(CodeState(commit="abc", dirty=False))
    with pytest.raises(RequestError, match=r"a.py, b.py, c.py and more; commit them, or give ALLOW_DIRTY=1"):
        freeze.refuse_changes(CodeState(commit="abc", dirty=True, changed=("a.py", "b.py", "c.py", "d.py")))
