"""SLURM's clients: their environment, and what is read from them; stand-ins on the PATH say what real ones would."""

import dataclasses
from pathlib import Path

import pytest

from alexnet_study.cluster.launchers.slurm import Slurm
from alexnet_study.cluster.launchers.slurm_clients import SlurmClients
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.errors import RequestError


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
    open_, own = Profile(), Profile(account="mine", partition="long", cluster="small")
    completed = dataclasses.replace(open_, account="lab", partition="gpu", cluster="big")
    assert (Slurm().completed(open_), Slurm().completed(own)) == (completed, own)
    assert (Slurm.of(completed), Slurm.of(open_)) == (Slurm(cluster="big"), Slurm())
    monkeypatch.setenv("SLURM_CLUSTERS", "big,small")
    with pytest.raises(RequestError, match="names several; expected one"):
        Slurm().completed(open_)
