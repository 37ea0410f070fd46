"""A trained model becomes its evaluation: intact; with a skip, lesioned; where that is asked for, mirrored."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from alexnet_study.data.dataset import Dataset, Split, evenly_over_classes, normalise
from alexnet_study.evaluation.geometry import participation_ratio
from alexnet_study.evaluation.linear_regressor import LinearRegressor, fit_each
from alexnet_study.evaluation.metrics import evaluate, loss_and_top1, share, top_k
from alexnet_study.evaluation.pca import PCA
from alexnet_study.evaluation.published_regressor import fit_published
from alexnet_study.models import AlexNet
from alexnet_study.runs.records import (
    KEPT_FEATURES,
    STAGE_SIDE,
    EpochRecord,
    Evaluation,
    Gap,
    LinearRegressors,
    RidgeScore,
    Spectrum,
    Summary,
    TrainedScore,
)
from alexnet_study.study.configs import MEASURED
from alexnet_study.study.normalisation import CIFAR10, ChannelStatistics

CPU_BATCH = 125  # its largest activations fit the caches
GPU_BATCH = 2000  # smaller ones leave a GPU waiting for the host
CLASSIFIER_BATCH = 2000


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a model computes of a split: logits (N, C) and each stage, averaged down to 4×4, (N, D), all float32."""

    logits: Tensor
    stages: dict[str, Tensor]

    @property
    def features(self) -> Tensor:
        """Return the flattened output of conv5."""
        return self.stages["conv5"]


def evaluation_batch(images: Tensor) -> int:
    """Return how many of the images are evaluated at once, by their device."""
    return GPU_BATCH if images.is_cuda else CPU_BATCH


@torch.no_grad()
def predict(
    model: AlexNet, images: Tensor, *, lesioned: bool = False, normalisation: ChannelStatistics = CIFAR10
) -> Tensor:
    """Return the logits (N, C) of uint8 images (N, 3, 32, 32), in fp32 and evaluation mode."""
    model.eval()
    batches = images.split(evaluation_batch(images))
    return torch.cat([model(normalise(batch, statistics=normalisation), lesioned=lesioned) for batch in batches])


@torch.no_grad()
def extract(model: AlexNet, images: Tensor, *, normalisation: ChannelStatistics = CIFAR10) -> dict[str, Outputs]:
    """Return what the model computes of uint8 images (N, 3, 32, 32), in fp32 and evaluation mode, by evaluation.

    Evaluations are `intact` and, of a model with skips, `lesioned`. A stage that both evaluations share is one tensor.
    """
    model.eval()
    rows: dict[tuple[str, str], Tensor] = {}
    size = evaluation_batch(images)
    for start in range(0, len(images), size):
        written: dict[int, Tensor] = {}  # by the output's identity; the list below keeps every output alive
        pixels = normalise(images[start : start + size], statistics=normalisation)
        for evaluation, stage, output in list(model.trace(pixels)):
            place = evaluation, stage
            if place not in rows:
                fresh = written.get(id(output))
                rows[place] = output.new_empty(len(images), output.shape[1] * STAGE_SIDE**2) if fresh is None else fresh
            if id(output) not in written:
                rows[place][start : start + size] = F.avg_pool2d(output, output.shape[2] // STAGE_SIDE).flatten(1)
                written[id(output)] = rows[place]
    evaluations = dict.fromkeys(evaluation for evaluation, _ in rows)
    return {
        name: _outputs(model, {stage: r for (owner, stage), r in rows.items() if owner == name}) for name in evaluations
    }


def _outputs(model: AlexNet, stages: dict[str, Tensor]) -> Outputs:
    logits = [model.classify(part) for part in stages["conv5"].split(CLASSIFIER_BATCH)]
    return Outputs(logits=torch.cat(logits), stages=stages)


@dataclass(frozen=True, kw_only=True)
class Regressors:
    """The linear regressors of one evaluation: in closed form at every stage, and by the published protocol."""

    by_stage: dict[str, LinearRegressor]
    published: torch.nn.Linear

    @torch.no_grad()
    def scores(self, test: Outputs, labels: Tensor) -> LinearRegressors:
        """Return their test top-1, and the strengths that leave-one-out chose."""
        by_stage = {
            stage: RidgeScore(top1=share(regressor.predict(test.stages[stage]) == labels), alpha=regressor.alpha_)
            for stage, regressor in self.by_stage.items()
        }
        published = TrainedScore(top1=share(self.published(test.features).argmax(1) == labels))
        return LinearRegressors(published=published, closed_form=by_stage["conv5"], by_stage=by_stage)


class Measurements:
    """What is measured of a trained model, by evaluation; the arrays are those of the two npz files.

    measure: some of MEASURABLE. What is left out changes nothing of what is there. normalisation: of its recipe.
    `tell` is told what comes next, in words.
    """

    def __init__(
        self,
        model: AlexNet,
        data: Dataset,
        *,
        seed: int,
        measure: Sequence[str] = MEASURED,
        normalisation: ChannelStatistics = CIFAR10,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.data, self.seed, self.measure, self.tell = data, seed, measure, tell
        self.normalisation = normalisation
        self.kept = evenly_over_classes(data.test.labels, KEPT_FEATURES)
        self.evaluations: dict[str, Evaluation] = {}
        self.regressors: dict[str, LinearRegressors] = {}
        self.predictions: dict[str, NDArray[np.generic]] = {"labels": data.test.labels.cpu().numpy()}
        self.features: dict[str, NDArray[np.generic]] = {"images": self.kept.cpu().numpy()}
        fitted = self._trained_on(model)
        tell(f"evaluation of {len(data.test)} test images")
        tests = extract(model, data.test.images, normalisation=normalisation)
        for name, test in tests.items():
            self._evaluate(name, test, fitted.get(name))
        if "mirrored" in measure:
            self._evaluate_mirrored(model, tests["intact"].logits)

    def summary(self, last: EpochRecord) -> Summary:
        """Return the final figures; `last` is the record of the last epoch. The two gaps have opposite signs."""
        test_loss = self.evaluations["intact"].loss
        return Summary(
            classes=self.data.classes,
            evaluations=self.evaluations,
            linear_regressor=self.regressors,
            gap=Gap(published=last.train_loss - test_loss, proper=test_loss - self.train_loss),
        )

    def arrays(self) -> dict[str, memoryview]:
        """Return the content of predictions.npz and features.npz, by their names' stems."""
        files = {}
        for name, own in (("predictions", self.predictions), ("features", self.features)):
            arrays: dict[str, Any] = {**own}  # as savez's type asks, which takes them for its one named option
            buffer = io.BytesIO()
            np.savez(buffer, **arrays)
            files[name] = buffer.getbuffer()
        return files

    def _trained_on(self, model: AlexNet) -> dict[str, Regressors]:
        """The figures of the training images, and the linear regressors that are fitted to them, by evaluation."""
        train = self.data.train
        if "regressors" not in self.measure:
            self.tell(f"evaluation of {len(train)} training images")
            logits = predict(model, train.images, normalisation=self.normalisation)
            self.train_loss, self.train_top1 = loss_and_top1(logits, train.labels)
            return {}
        self.tell(f"features of {len(train)} training images")
        # gigabytes, whose memory the test images' stages take over
        outputs = extract(model, train.images, normalisation=self.normalisation)
        self.train_loss, self.train_top1 = loss_and_top1(outputs["intact"].logits, train.labels)
        self.tell("linear regressors")
        return self._fit(outputs)

    def _fit(self, train: dict[str, Outputs]) -> dict[str, Regressors]:
        """The linear regressors of each evaluation; a stage that both share is fitted once."""
        labels, classes = self.data.train.labels, len(self.data.classes)
        different = {id(features): features for outputs in train.values() for features in outputs.stages.values()}
        fitted = dict(zip(different, fit_each(list(different.values()), labels), strict=True))
        regressors = {}
        for name, outputs in train.items():
            by_stage = {stage: fitted[id(features)] for stage, features in outputs.stages.items()}
            published = fit_published(outputs.features, labels, classes, seed=self.seed)
            regressors[name] = Regressors(by_stage=by_stage, published=published)
        return regressors

    def _evaluate(self, name: str, test: Outputs, regressors: Regressors | None) -> None:
        spectrum = self._spectrum(name, test.features) if "pca" in self.measure else None
        self.evaluations[name] = evaluate(test.logits, self.data.test.labels, pca=spectrum)
        if regressors is not None:
            self.regressors[name] = regressors.scores(test, self.data.test.labels)
        self.predictions[name] = test.logits.cpu().numpy()
        self.features[f"{name}_features"] = test.features[self.kept].half().cpu().numpy()

    def _spectrum(self, name: str, features: Tensor) -> Spectrum:
        pca = PCA().fit(features)
        ratio = pca.explained_variance_ratio_
        self.features[f"{name}_scores"] = pca.transform(features)[:, :2].cpu().numpy()
        self.features[f"{name}_explained_variance_ratio"] = ratio.cpu().numpy()
        return Spectrum(explained_variance_ratio=tuple(ratio.tolist()), participation_ratio=participation_ratio(ratio))

    def _evaluate_mirrored(self, model: AlexNet, logits: Tensor) -> None:
        """Average the intact logits with those of the mirrored images."""
        test = self.data.test
        averaged = (logits + predict(model, test.images.flip(-1), normalisation=self.normalisation)) / 2
        self.evaluations["mirrored"] = evaluate(averaged, test.labels, pca=None)
        self.predictions["mirrored"] = averaged.cpu().numpy()


@dataclass(frozen=True, kw_only=True)
class EpochEvaluation:
    """What an epoch's record says of evaluation mode, in the units and by the names of `EpochRecord`."""

    train_eval_loss: float
    train_eval_top1: float
    train_eval_n: int
    test_loss: float
    test_top1: float
    test_top3: float


def evaluate_epoch(
    model: AlexNet, test: Split, train: Split, *, normalisation: ChannelStatistics = CIFAR10
) -> EpochEvaluation:
    """Return the figures of an epoch in evaluation mode, `train` being the part of the training images that is used."""
    logits, own = (predict(model, split.images, normalisation=normalisation) for split in (test, train))
    train_loss, train_top1 = loss_and_top1(own, train.labels)
    return epoch_evaluation(logits, test.labels, train_loss, train_top1, len(train))


def epoch_evaluation(
    logits: Tensor, labels: Tensor, train_loss: float, train_top1: float, train_count: int
) -> EpochEvaluation:
    """Return the figures of an epoch from the test logits (N, C) and those of `train_count` training images."""
    test_loss, test_top1 = loss_and_top1(logits, labels)
    return EpochEvaluation(
        train_eval_loss=train_loss,
        train_eval_top1=train_top1,
        train_eval_n=train_count,
        test_loss=test_loss,
        test_top1=test_top1,
        test_top3=top_k(logits, labels, 3),
    )
