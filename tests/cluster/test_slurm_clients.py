"""SLURM's clients: their environment, and what is read from them; stand-ins on the PATH say what real ones would."""

import dataclasses
from pathlib import Path

import pytest

from alexnet_study.cluster.launchers.slurm import Slurm
from alexnet_study.cluster.launchers.slurm_clients import SlurmClients, job_names
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.errors import RequestError, RunError


def stand_in(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program before SLURM's of that name."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_no_variable_of_the_shell_changes_what_a_client_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path / "bin", "scancel", f"env > {tmp_path}/seen", monkeypatch)
    harmful = (
        "SQUEUE_USERS",
        "SCANCEL_USER",
        "SBATCH_PARTITION",
        "SLURM_CLUSTERS",
        "SLURM_JOB_ID",
        "SINFO_FORMAT",
        "RANK",
    )
    for name in (*harmful, "SLURM_CONF", "HOME"):
        monkeypatch.setenv(name, "x")
    SlurmClients().cancel(["12"])
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines() if "=" in line)
    assert set(harmful).isdisjoint(seen)
    assert (seen["SLURM_CONF"], seen["HOME"]) == ("x", "x")
    SlurmClients(cluster="big").cancel(["12"])
    assert "SLURM_CLUSTERS=big" in (tmp_path / "seen").read_text().splitlines()


def test_what_a_site_sets_is_honoured_where_the_profile_leaves_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SBATCH_ACCOUNT", "lab")
    monkeypatch.setenv("SBATCH_PARTITION", "gpu")
    monkeypatch.setenv("SLURM_CLUSTERS", "big")
    open_, own = Profile(device="cpu"), Profile(device="auto", account="mine", partition="long", cluster="small")
    completed = dataclasses.replace(open_, account="lab", partition="gpu", cluster="big")
    assert (Slurm().completed(open_), Slurm().completed(own)) == (completed, own)
    assert (Slurm.of(completed), Slurm.of(open_)) == (Slurm(cluster="big"), Slurm())
    monkeypatch.setenv("SLURM_CLUSTERS", "big,small")
    with pytest.raises(RequestError, match="names several; expected one"):
        Slurm().completed(open_)


def test_nothing_in_the_queue_of_others_stops_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A foreign comment of several lines, one with bytes that aren't UTF-8; and what a multi-cluster client says."""
    shown = (
        b"CLUSTER: big\n7|RUNNING|gpu1|None|0:10|gpu1|others|first\n|second \xff\xc3(|\n\n8_[|x|y|z|a|b|c|d\n"
        b"9_[0-1%2]|PENDING|(Priority)|Priority|0:00||tiny-skip|tiny/a/1\n"
    )
    (tmp_path / "shown").write_bytes(shown)
    stand_in(tmp_path / "bin", "squeue", f"cat {tmp_path}/shown", monkeypatch)
    found = SlurmClients().queue()
    assert [job.id for job in found] == ["7", "9_0", "9_1"]
    assert {job.comment for job in found[1:]} == {"tiny/a/1"}
    stand_in(tmp_path / "bin", "squeue", r"printf 'error: \\xff\\n' >&2; exit 1", monkeypatch)
    with pytest.raises(RunError, match=r"^squeue: error: "):
        SlurmClients().queue()


@pytest.mark.parametrize(("said", "most"), [("0", 1), ("1", 1), ("1001", 1001)])
def test_an_array_has_at_least_one_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, most: int) -> None:
    stand_in(tmp_path / "bin", "scontrol", f"echo 'MaxArraySize            = {said}'", monkeypatch)
    assert SlurmClients().max_array_size() == most


@pytest.mark.parametrize(
    ("shown", "names"),
    [
        ("128", ["128"]),
        ("128_3", ["128_3"]),
        ("128_[0-1%2]", ["128_0", "128_1"]),
        ("128_[0,3-4,6-10:2]", ["128_0", "128_3", "128_4", "128_6", "128_8", "128_10"]),
        ("128_[7]", ["128_7"]),
        ("128_[0,...]", []),
        ("JOBID", []),
    ],
)
def test_an_array_that_waits_is_expanded(shown: str, names: list[str]) -> None:
    assert job_names(shown) == names


FATAL = (
    "sbatch: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\n"
    "sbatch: fatal: Could not establish a configuration source"
)


def test_a_missing_configuration_is_named_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path / "bin", "scancel", f"echo '{FATAL}' >&2; exit 1", monkeypatch)
    monkeypatch.delenv("SLURM_CONF", raising=False)
    with pytest.raises(RunError, match=r"^scancel: no slurm.conf on this machine; expected export SLURM_CONF="):
        SlurmClients().cancel(["12"])
    monkeypatch.setenv("SLURM_CONF", "/nowhere/slurm.conf")
    with pytest.raises(RunError, match=r"^scancel: SLURM_CONF=/nowhere/slurm.conf: no such file; expected "):
        SlurmClients().cancel(["12"])
