"""What runs on a GPU stays there: tensors that only pretend to be CUDA's go through model and evaluation on a CPU."""

from collections.abc import Iterator

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from alexnet_study.data import dataset
from alexnet_study.data.dataset import normalise
from alexnet_study.evaluation.evaluation import GPU_BATCH, evaluation_batch, extract, predict
from alexnet_study.evaluation.linear_regressor import _decompose_together, _Ridge
from alexnet_study.evaluation.pca import _right_singular
from alexnet_study.models import AlexNet
from alexnet_study.study.configs import ModelConfig

CUDA = torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def pretended() -> Iterator[None]:
    """Inside, tensors have shapes and devices but no content."""
    dataset._scale_and_shift.cache_clear()
    with FakeTensorMode():
        yield
    dataset._scale_and_shift.cache_clear()  # what it keeps would be no tensors elsewhere


STRUCTURES: dict[str, dict[str, object]] = {
    "plain": {},
    "skip": {"skips": ("conv2",)},
    "batch norm": {"batch_norm": True, "skips": ("conv2",)},
    "group norm": {"norm": "group", "activation": "silu"},
    "local response": {"norm": "local_response"},
    "pooled": {"head": "pooled", "pool": "overlapping", "dropout_before": ("conv2", "output"), "logit_scale": 0.5},
}


@pytest.fixture(params=STRUCTURES)
def model(request: pytest.FixtureRequest) -> AlexNet:
    config = ModelConfig(**STRUCTURES[request.param])  # type: ignore[arg-type]
    with CUDA:
        return AlexNet(config, 10)


def images(count: int) -> torch.Tensor:
    return torch.zeros(count, 3, 32, 32, dtype=torch.uint8, device=CUDA)


def test_forward_and_loss_stay_on_the_gpu(model: AlexNet) -> None:
    logits = model.train()(normalise(images(8)))
    labels = torch.zeros(8, dtype=torch.int64, device=CUDA)
    assert torch.nn.functional.cross_entropy(logits, labels).device == CUDA


def test_evaluation_stays_on_the_gpu_in_large_batches(model: AlexNet) -> None:
    assert evaluation_batch(images(1)) == GPU_BATCH
    assert predict(model, images(2100)).device == CUDA
    for outputs in extract(model, images(2100)).values():
        assert outputs.logits.device == CUDA
        assert {rows.device for rows in outputs.stages.values()} == {CUDA}


def test_the_analysis_stays_on_the_gpu_as_far_as_its_content_does_not_matter() -> None:
    features = torch.zeros(3000, 64, device=CUDA)
    assert {part.device for part in _right_singular(features.double())} == {CUDA}
    problem = _Ridge(features, torch.zeros(3000, 10, dtype=torch.float64, device=CUDA))
    _decompose_together([problem])
    strengths = torch.ones(4, dtype=torch.float64, device=CUDA)
    assert problem.leave_one_out_error(strengths).device == CUDA
    assert problem.coefficients(strengths).device == CUDA


def test_a_tensor_left_on_the_cpu_is_caught(model: AlexNet) -> None:
    with pytest.raises(RuntimeError, match="device"):
        predict(model, images(4).cpu())
    model.convolutions["conv3"] = torch.nn.Conv2d(64, 64, 3, padding=1)
    with pytest.raises(RuntimeError, match="device"):
        predict(model, images(4))
