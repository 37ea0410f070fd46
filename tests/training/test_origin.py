"""Going on elsewhere: refused where the bits would differ, recorded where that is allowed."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from alexnet_study.data.dataset import Dataset
from alexnet_study.errors import RequestError, RunError
from alexnet_study.report.collection import collect
from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import Origin
from alexnet_study.study.configs import RunConfig
from alexnet_study.study.study import load_study
from alexnet_study.training import epoch
from alexnet_study.training import pack as execution
from alexnet_study.training.origin import origin_of, refuse_other_origin, starts_over_on_gpu
from tests.conftest import bits, execute, pack_context


def half_done(
    run: RunConfig, data: Dataset, results: Path, monkeypatch: pytest.MonkeyPatch, **origin: str
) -> RunFolder:
    """A run that died in its second epoch, on another machine if `origin` says so."""
    here = origin_of(torch.device("cpu"), run.recipe.threads)
    folder = RunFolder.of(results, run)
    with monkeypatch.context() as patch:
        patch.setattr(execution, "origin_of", lambda *_: replace(here, **origin))
        patch.setattr(epoch, "CHECKPOINT_SECONDS", 0.0)  # however fast the machine is
        patch.setattr(epoch, "epoch_order", lambda seed, epoch, count: torch.arange(count)[: count // (1 - epoch)])
        with pytest.raises(ZeroDivisionError):
            execute(run, data, results)
    assert folder.checkpoint.exists()
    return folder


@pytest.mark.parametrize("origin", [{"device": "NVIDIA H100"}, {"torch": "2.11.0"}, {"numpy": "2.0.0"}])
def test_going_on_elsewhere_is_refused_unless_allowed_and_then_recorded(
    run: RunConfig,
    data: Dataset,
    tmp_path: Path,
    study_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    origin: dict[str, str],
) -> None:
    folder = half_done(run, data, tmp_path, monkeypatch, **origin)
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    with pytest.raises(RequestError, match=rf"{next(iter(origin.values()))}.*--allow-inexact-resume"):
        execute(run, data, tmp_path)
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before
    execute(run, data, tmp_path, inexact_resume=True)
    provenance = folder.read_provenance()
    assert provenance.bit_exact is False
    assert [elsewhere == provenance.origins[-1] for elsewhere in provenance.origins] == [False, True]
    flags = collect(load_study(study_file), tmp_path).flags
    assert any(flag.startswith("1 of 1 run went on") for flag in flags), flags


def test_going_on_at_the_same_place_is_exact(
    run: RunConfig, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = half_done(run, data, tmp_path, monkeypatch)
    execute(run, data, tmp_path)
    provenance = folder.read_provenance()
    assert provenance.bit_exact is True
    assert len(provenance.origins) == 1


def test_a_run_that_was_allowed_once_is_asked_about_again() -> None:
    here = origin_of(torch.device("cpu"), 1)
    with pytest.raises(RequestError, match="device elsewhere, here CPU"):
        refuse_other_origin([replace(here, device="elsewhere"), here], here, allowed=False)


CPU = Origin(device="CPU AMD EPYC (AVX512), 2 threads", torch="2.14.1", cuda=None, cudnn=None, numpy="2.4.6")
GPU = Origin(device="NVIDIA H100", torch="2.14.1", cuda="13.0", cudnn=92400, numpy="2.4.6")


def test_a_run_that_a_cpu_began_starts_over_where_a_gpu_was_asked_for() -> None:
    line = starts_over_on_gpu([CPU], GPU, asked="cuda")
    assert line is not None
    assert CPU.device in line
    assert GPU.device in line
    assert "starting anew" in line
    with pytest.raises(RequestError):  # what would have happened, for ever
        refuse_other_origin([CPU], GPU, allowed=False)


def test_a_checkpoint_that_a_cpu_made_by_mistake_does_not_block_the_gpu(
    run: RunConfig, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(run, data, tmp_path / "undisturbed")
    folder = half_done(run, data, tmp_path, monkeypatch)
    monkeypatch.setattr(execution, "origin_of", lambda *_: GPU)
    with pytest.raises(RequestError, match="--allow-inexact-resume"):  # nobody asked for a GPU by name
        execute(run, data, tmp_path, asked="auto")
    execute(run, data, tmp_path, asked="cuda")
    assert "starting anew" in capsys.readouterr().err
    assert bits(folder) == bits(RunFolder.of(tmp_path / "undisturbed", run))
    provenance = folder.read_provenance()
    assert provenance.origins == (GPU,)
    assert provenance.attempts[-1].first_epoch == 0


def test_in_a_pack_a_checkpoint_that_cannot_go_on_here_stops_its_own_run_only(
    run: RunConfig, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_done(run, data, tmp_path, monkeypatch, device="NVIDIA A100")
    monkeypatch.setattr(execution, "pack_size", lambda device: 2)
    other = replace(run, seed=1)
    outcomes = dict(execution.execute_each([run, other], pack_context(data, tmp_path)))
    assert "NVIDIA A100" in str(outcomes[run])
    assert isinstance(outcomes[run], RunError)
    assert RunFolder.of(tmp_path, other).is_finished()
    assert RunFolder.of(tmp_path, run).checkpoint.exists()


def test_who_allows_an_inexact_resume_keeps_what_the_cpu_has_done(
    run: RunConfig, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = half_done(run, data, tmp_path, monkeypatch)
    monkeypatch.setattr(execution, "origin_of", lambda *_: GPU)
    execute(run, data, tmp_path, asked="cuda", inexact_resume=True)
    provenance = folder.read_provenance()
    assert provenance.attempts[-1].first_epoch == 1
    assert provenance.origins[-1] == GPU


@pytest.mark.parametrize(
    ("origins", "here", "asked"),
    [
        ([CPU], GPU, "auto"),  # the CPU may have been meant
        ([CPU], CPU, "cpu"),
        ([], GPU, "cuda"),
        ([GPU], GPU, "cuda"),
        ([CPU, GPU], GPU, "cuda"),  # gone on inexactly once, by request: a GPU's work is in it
        ([replace(GPU, device="NVIDIA A100")], GPU, "cuda"),
    ],
)
def test_any_other_checkpoint_stays(origins: list[Origin], here: Origin, asked: str) -> None:
    assert starts_over_on_gpu(origins, here, asked=asked) is None
