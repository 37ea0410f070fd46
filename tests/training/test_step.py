"""What a step minimises and what it counts, against PyTorch's losses."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from alexnet_study.data.dataset import Dataset, normalise
from alexnet_study.study.configs import RecipeConfig, RunConfig
from alexnet_study.training.state import TrainingState
from alexnet_study.training.step import objective, train_step

LOGITS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 3, 3, 0])


def test_smoothed_targets_give_the_wrong_classes_their_share() -> None:
    smoothed = 0.2 / 4 + 0.8 * F.one_hot(LABELS, 4)
    expected = -(smoothed * LOGITS.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(objective(LOGITS, LABELS, RecipeConfig(label_smoothing=0.2)), expected)


def test_the_squared_error_is_pytorchs_of_one_hot_targets() -> None:
    expected = torch.nn.MSELoss()(LOGITS, F.one_hot(LABELS, 4).float())
    torch.testing.assert_close(objective(LOGITS, LABELS, RecipeConfig(loss="squared_error")), expected)


@pytest.mark.parametrize("change", [{"label_smoothing": 0.2}, {"loss": "squared_error"}, {}])
def test_what_is_recorded_is_the_cross_entropy_of_every_recipe(
    run: RunConfig, data: Dataset, change: dict[str, object]
) -> None:
    recipe = dataclasses.replace(run.recipe, **change)  # type: ignore[arg-type]
    plain = dataclasses.replace(run, model=dataclasses.replace(run.model, dropout=0.0), recipe=recipe)
    state = TrainingState(plain, 4, torch.device("cpu"))
    images, labels = data.train.images[:16], data.train.labels[:16]
    with torch.no_grad():
        logits = state.model(normalise(images))
    loss, correct, count = train_step(state.model, state.optimizer, images, labels, recipe).tolist()
    assert loss / 16 == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    assert (correct, count) == ((logits.argmax(1) == labels).sum().item(), 16)
