"""Profiles: what is read, what is refused, and that no value can break out of a batch script."""

import dataclasses
from pathlib import Path

import pytest
import yaml

from alexnet_study.cluster.launchers.table import completed
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.cluster.profiles import load_profile
from alexnet_study.errors import RequestError
from alexnet_study.shipped import PROFILES
from alexnet_study.study.study import Study, load_study


def profile_file(tmp_path: Path, **values: object) -> str:
    path = tmp_path / "profile.yaml"
    path.write_text(yaml.safe_dump(values))
    return str(path)


@pytest.mark.parametrize("path", sorted(PROFILES.folder.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_profile_is_valid_and_explains_itself(path: Path) -> None:
    assert load_profile(path.stem) == load_profile(str(path))
    assert path.read_text().startswith("# ")


def test_a_key_that_appears_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text("partition: gpu\npartition: cpu\n")
    with pytest.raises(RequestError, match=rf"^profile {path}: line 1: partition appears twice$"):
        load_profile(str(path))


def test_the_commented_profile_shows_every_key() -> None:
    shown = set(yaml.safe_load((PROFILES.folder / "slurm.yaml").read_text())) | {
        "container"
    }  # for which there are two more
    assert shown == {each.name for each in dataclasses.fields(Profile)}


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({"partitions": "gpu"}, "unknown key partitions; expected some of launcher, partition"),
        ({"container": {"runtime": "shifter", "image": "x"}}, "container.runtime: 'shifter'"),
        ({"container": {"runtime": "apptainer"}}, "container.image: missing"),
        ({"container": {"image": "x.sif"}}, "container.runtime: missing"),
        ({"report": {"gres": "gpu:1"}}, "unknown key gres"),
        ({"launcher": "pbs"}, "expected slurm or local"),
        ({"device": "gpu"}, "device: 'gpu' is not valid; expected one of auto, cuda, cpu"),
        ({"minutes": 0}, "minutes: 0"),
        ({"minutes": "1:00:00"}, "minutes"),
        ({"minutes": 1, "warning_seconds": 60}, "warning_seconds: 60"),
        ({"runs_per_job": 0}, "runs_per_job: 0"),
        ({"partition": "gpu\n#SBATCH --uid=0"}, "partition"),
        ({"account": "a b"}, "account"),
        ({"gres": "gpu:1;reboot"}, "gres"),
        ({"constraint": "$(reboot)"}, "constraint"),
        ({"exclude": "node1'"}, "exclude"),
        ({"report": {"partition": "x y"}}, "report.partition"),
        ({"sbatch": {"array": "0-9"}}, "sbatch.array: is the product's own"),
        ({"sbatch": {"partition": "gpu"}}, "sbatch.partition: has a key of its own"),
        ({"sbatch": {"mem-per-cpu": "2G"}, "memory_gb": 4}, "sbatch.mem-per-cpu: means the same as memory_gb"),
        ({"sbatch": {"gpus": 1}}, "sbatch.gpus: means the same as gres"),
        ({"sbatch": {"nice": False}}, "sbatch.nice: False is not valid"),
        ({"sbatch": {"mail-user": "a\nb"}}, "sbatch.mail-user"),
        ({"sbatch": {"no such": "a"}}, "sbatch.no such: is no option of sbatch"),
        ({"wckey": "a b"}, "wckey"),
        ({"setup": ["module load cuda\nreboot"]}, "setup"),
        ({"container": {"runtime": "apptainer", "image": "a\nb"}}, "container.image"),
        ({"launcher": "local", "partition": "gpu"}, "partition: means nothing to launcher local"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, values: dict[str, object], names: str) -> None:
    with pytest.raises(RequestError) as refused:
        load_profile(profile_file(tmp_path, **values))
    assert names in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(RequestError, match=r"apptainer, .*local, .*slurm"):
        load_profile("nothing")


@pytest.mark.parametrize(("gres", "gpus"), [("", 0), ("gpu", 1), ("gpu:1", 1), ("gpu:h100:2", 2), ("gpu:1g.10gb", 1)])
def test_gpus_are_counted(gres: str, gpus: int) -> None:
    assert Profile(gres=gres).gpus == gpus


@pytest.mark.parametrize(
    ("profile", "device"),
    [
        (Profile(), "cuda"),
        (Profile(gres="", sbatch={"gpus": 1}), "cuda"),
        (Profile(gres=""), ""),
        (Profile(device="cpu"), "cpu"),
        (Profile(device="auto"), "auto"),
        (Profile(gres="", device="cuda"), "cuda"),
        (Profile(launcher="local"), ""),  # where gres means nothing
    ],
)
def test_runs_of_a_job_with_a_gpu_are_told_to_use_it_unless_the_profile_says_otherwise(
    profile: Profile, device: str
) -> None:
    assert completed(profile).device == device


@pytest.mark.parametrize("name", ["slurm", "apptainer", "pyxis", "docker", "podman", "charliecloud"])
def test_a_cluster_profile_that_ships_leaves_no_run_on_the_cpu_unnoticed(name: str) -> None:
    assert completed(load_profile(name)).device == "cuda"


@pytest.mark.parametrize("name", ["testcluster", "testcluster-docker"])
def test_the_test_clusters_profiles_ask_for_pretended_gpus_and_compute_on_the_cpu(name: str) -> None:
    profile = load_profile(name)
    assert (profile.gpus, completed(profile).device) == (1, "cpu")


def test_a_job_gets_the_cpus_that_its_runs_use_and_no_fewer(study_file: Path) -> None:
    study: Study = load_study(study_file)
    runs = study.runs(["recipe.threads=3"])
    assert Profile().cpus_for(runs) == 3
    assert Profile(cpus=8).cpus_for(runs) == 8
    assert Profile(runs_per_job=4, side_by_side=2).cpus_for(runs) == 6
    assert Profile(runs_per_job=4).cpus_for(runs) == 3
    with pytest.raises(RequestError, match="expected at least 6"):
        Profile(cpus=5, runs_per_job=4, side_by_side=2).cpus_for(runs)
