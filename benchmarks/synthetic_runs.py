"""Run folders as training writes them, made of random numbers: what a report of as many runs as asked for costs.

python -m benchmarks.synthetic_runs 100 /tmp/results

Each of these runs has 10,000 predictions. Tests make smaller ones.
"""

import dataclasses
import io
import sys
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from alexnet_study.runs.folder import RunFolder
from alexnet_study.runs.records import (
    Attempt,
    DataSource,
    EpochRecord,
    Evaluation,
    Gap,
    LinearRegressors,
    Origin,
    Progress,
    Provenance,
    RidgeScore,
    Spectrum,
    Summary,
    TrainedScore,
)
from alexnet_study.study.configs import CONV_NAMES
from alexnet_study.study.identity import identity
from alexnet_study.study.study import Study, load_study

Array: TypeAlias = NDArray[Any]

FEATURES = 24  # as many as the arrays need; a real run has 1,024
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DEVICE = "CPU, 2 threads"
LESIONED_BIAS = 6.0  # a lesioned model answers with two classes


def write_runs(
    study: Study, results: Path, *, images: int = 200, skill: dict[str, float] | None = None, kept: int = 60
) -> None:
    """Write every run of `study`, with `images` predictions and the features of `kept` images.

    `skill` raises the logit of the right class, by variant.
    """
    for run in study.runs():
        rng = np.random.default_rng([run.seed, list(study.variants).index(run.variant)])
        folder = RunFolder.of(results, run)
        truth = np.arange(images) % 10
        images_rng = np.random.default_rng(0)  # the same test images for all runs
        hardness = images_rng.normal(0, 1.0, size=(images, 10))
        level = (skill or {}).get(run.variant, 1.0) + rng.normal(0, 0.05)
        logits = hardness + rng.normal(0, 1.0, size=(images, 10)) + level * np.eye(10)[truth]
        arrays: dict[str, Any] = {"labels": truth, "intact": logits.astype(np.float32)}
        if run.model.skips:
            arrays["lesioned"] = (logits + LESIONED_BIAS * np.eye(10)[[2, 8]].sum(0)).astype(np.float32)
        evaluations = {name: _evaluation(arrays[name], truth, rng) for name in arrays if name != "labels"}
        features = _features(evaluations, truth, kept, rng)
        epochs = run.recipe.epochs
        with folder.held(job="synthetic", restart=0):
            folder.claim(identity(run, "synthetic"))
            folder.write(folder.predictions, _npz(arrays))
            folder.write(folder.features, _npz(features))
            folder.write_metrics([_record(epoch, epochs, evaluations["intact"], rng) for epoch in range(epochs)])
            folder.write_provenance(_provenance())
            folder.write_summary(_summary(evaluations, rng))


def _summary(evaluations: dict[str, Evaluation], rng: np.random.Generator) -> Summary:
    return Summary(
        classes=CLASSES,
        evaluations=evaluations,
        linear_regressor={name: _regressors(own.top1, rng) for name, own in evaluations.items()},
        gap=Gap(published=0.1 + rng.normal(0, 0.01), proper=rng.normal(0, 0.01)),
    )


def _evaluation(logits: Array, truth: Array, rng: np.random.Generator) -> Evaluation:
    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (truth, logits.argmax(1)), 1)
    top3 = (np.argsort(logits, axis=1)[:, -3:] == truth[:, None]).any(1).mean()
    variance = np.sort(rng.exponential(size=FEATURES) * np.exp(-np.arange(FEATURES) / 4))[::-1]
    ratio = variance / variance.sum()
    hits, answers = confusion.diagonal(), confusion.sum(0)
    return Evaluation(
        top1=float(np.trace(confusion) / len(truth)),
        top3=float(top3),
        loss=1.0 + float(rng.normal(0, 0.02)),
        confusion=tuple(map(tuple, confusion.tolist())),
        recall=tuple((hits / confusion.sum(1)).tolist()),
        precision=tuple(float(d / s) if s else None for d, s in zip(hits, answers, strict=True)),
        ece=0.05,
        pca=Spectrum(explained_variance_ratio=tuple(ratio.tolist()), participation_ratio=float(1 / (ratio**2).sum())),
    )


def _features(
    evaluations: dict[str, Evaluation], truth: Array, kept: int, rng: np.random.Generator
) -> dict[str, Array]:
    arrays = {"images": np.arange(kept)}
    centres = np.random.default_rng(1).normal(size=(10, FEATURES))
    turn = np.linalg.qr(rng.normal(size=(FEATURES, FEATURES)))[0]
    for name in evaluations:
        cloud = (centres[truth] + rng.normal(0, 0.5, size=(len(truth), FEATURES))) @ turn
        arrays[f"{name}_features"] = cloud[:kept].astype(np.float16)
        arrays[f"{name}_scores"] = cloud[:, :2]
    return arrays


def _record(epoch: int, epochs: int, final: Evaluation, rng: np.random.Generator) -> EpochRecord:
    done = (epoch + 1) / epochs
    on_the_way = 0.1 + (final.top1 - 0.1) * done
    return EpochRecord(
        epoch=epoch,
        train_loss=2.3 - 1.1 * done,
        train_top1=0.1 + (final.top1 - 0.15) * done,
        train_eval_loss=2.3 - 1.3 * done,
        train_eval_top1=on_the_way,
        train_eval_n=100,
        test_loss=2.3 + (final.loss - 2.3) * done,
        test_top1=final.top1 if epoch == epochs - 1 else on_the_way + rng.normal(0, 0.01),
        test_top3=final.top3,
        seconds=2.0,
        images_per_second=500.0,
    )


def _regressors(top1: float, rng: np.random.Generator) -> LinearRegressors:
    by_stage = {
        stage: RidgeScore(top1=top1 * (depth + 3) / 7 + float(rng.normal(0, 0.005)), alpha=1.0)
        for depth, stage in enumerate(CONV_NAMES)
    }
    return LinearRegressors(published=TrainedScore(top1=top1), closed_form=by_stage["conv5"], by_stage=by_stage)


def _provenance() -> Provenance:
    progress = Progress(epoch=0, epochs=1, step=1, steps=1, images_per_second=500.0)
    attempt = Attempt(
        restart=0,
        device=DEVICE,
        start=0.0,
        last_heartbeat=12.0,
        end=12.0,
        cause="finished",
        progress=progress,
        first_epoch=0,
        host="a-host",
    )
    return Provenance(
        commit="0" * 40,
        dirty=False,
        image=None,
        constraints=None,
        versions={"torch": "0"},
        device=DEVICE,
        source=DataSource(kind="folder", name="synthetic", resized=0, encodings=("jpeg",)),
        bit_exact=True,
        origins=(Origin(device=DEVICE, torch="0", cuda=None, cudnn=None, numpy="0"),),
        attempts=(attempt,),
        device_seconds=12.0,
        slurm={"SLURM_JOB_ID": "1"},
    )


def _npz(arrays: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def main() -> None:
    count, results = int(sys.argv[1]), Path(sys.argv[2])
    study = load_study(Path("jobs/studies/skip.yaml"))
    seeds = tuple(range(count // len(study.variants)))
    write_runs(dataclasses.replace(study, seeds=seeds), results, images=10_000, kept=1000)


if __name__ == "__main__":
    main()
