"""The weights file: read by the format's own library, checked, the same bytes each time, and fenced like the rest."""

import json
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import DamagedRunError
from alexnet_study.models import build_model
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import RunConfig
from alexnet_study.weights import read_weights, weights_file
from tests.conftest import execute, pack_context


@pytest.fixture
def folder(run: RunConfig, data: Dataset, tmp_path: Path) -> RunFolder:
    """A finished run's."""
    execute(run, data, tmp_path)
    return RunFolder.of(tmp_path, run)


def test_the_library_reads_it_and_the_metadata_says_whose_it_is(folder: RunFolder, run: RunConfig) -> None:
    with safe_open(folder.model, framework="pt") as opened:
        said = opened.metadata()
    assert said.pop("sha256")
    assert said == {
        "study": "tiny",
        "variant": "skip",
        "seed": "0",
        "hash": json.loads(folder.config.read_text())["hash"],
        "format": "pt",
    }
    state, ours = load_file(folder.model), read_weights(folder)
    expected = build_model(run.model, 4, seed=0).state_dict()
    assert {name: tensor.shape for name, tensor in state.items()} == {n: t.shape for n, t in expected.items()}
    assert all(torch.equal(state[name], ours[name]) for name in state)


def test_the_header_starts_where_readers_expect_the_weights(folder: RunFolder) -> None:
    """The format wants the weights' start at a multiple of 8 bytes."""
    (length,) = struct.unpack_from("<Q", folder.model.read_bytes())
    assert length % 8 == 0


def test_another_process_writes_the_same_bytes(run: RunConfig) -> None:
    """The library alone doesn't: it writes the metadata in a random order."""
    program = (
        "import hashlib; from alexnet_study.models import build_model; from alexnet_study.study.configs import *; "
        "from alexnet_study.weights import weights_file; m = ModelConfig(widths=(4,) * 5, hidden=8, skips=('conv2',)); "
        "r = RunConfig(study='tiny', variant='skip', seed=0, model=m, recipe=RecipeConfig()); "
        "print(hashlib.sha256(weights_file(build_model(m, 4, seed=0), r, 'h')).hexdigest())"
    )
    said = {subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(3)}
    assert len(said) == 1


def test_a_damaged_file_another_runs_and_none_are_told_apart(folder: RunFolder, run: RunConfig) -> None:
    whole = folder.model.read_bytes()
    for content, words in (
        (whole[:-1] + bytes([whole[-1] ^ 1]), "fails its checksum"),
        (whole[: len(whole) // 2], "cannot be read"),
        (b"", "cannot be read"),
        (b"\xff" * 64, "cannot be read"),
        (weights_file(build_model(run.model, 4, seed=0), run, "another"), "holds the weights of another run"),
    ):
        folder.model.write_bytes(content)
        with pytest.raises(DamagedRunError, match=f"model.safetensors {words}"):
            read_weights(folder)
    folder.model.unlink()
    with pytest.raises(DamagedRunError, match="missing"):
        read_weights(folder)


def test_what_the_study_does_not_keep_is_not_there(run: RunConfig, data: Dataset, tmp_path: Path) -> None:
    execute(run, data, tmp_path / "all")
    context = pack_context(data, tmp_path / "some")
    from alexnet_study.training.pack import execute_each

    list(execute_each([run], replace(context, keep=("model",))))
    both = [RunFolder.of(tmp_path / name, run) for name in ("all", "some")]
    assert both[0].model.read_bytes() == both[1].model.read_bytes()
    assert not both[1].predictions.exists()
    assert not both[1].features.exists()
    whole, some = (json.loads(folder.summary.read_text()) for folder in both)
    assert set(whole["files"]) == {"predictions.npz", "features.npz"}
    assert some.get("files", {}) == {}
    assert whole["evaluations"] == some["evaluations"]
    assert both[0].config.read_bytes() == both[1].config.read_bytes()
    assert both[1].is_finished()


def test_an_older_run_without_weights_is_finished(folder: RunFolder, run: RunConfig, data: Dataset) -> None:
    folder.model.unlink()
    before = folder.summary.read_bytes()
    assert folder.is_finished()
    execute(run, data, folder.path.parents[2])
    assert not folder.model.exists()
    assert folder.summary.read_bytes() == before
    shutil.rmtree(folder.path)
