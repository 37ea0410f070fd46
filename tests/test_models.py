"""The model against STUDY's table, PyTorch's own counts, and the identity behind the audit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from alexnet_study.models import build_model, feature_count, multiply_adds, parameter_count
from alexnet_study.study.configs import CONV_NAMES, ModelConfig

configs = st.builds(
    ModelConfig,
    skips=st.lists(st.sampled_from(CONV_NAMES[1:]), unique=True).map(tuple),
    widths=st.tuples(*[st.integers(1, 9)] * 5),
    projection=st.just(True),
    batch_norm=st.booleans(),
    head=st.sampled_from(["mlp", "linear"]),
    hidden=st.integers(1, 20),
)


def images(count: int = 4) -> torch.Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@settings(max_examples=30)
@given(configs, st.integers(2, 12))
def test_closed_form_counts_equal_pytorchs(config: ModelConfig, classes: int) -> None:
    model = build_model(config, classes, seed=0).eval()
    assert parameter_count(config, classes) == sum(p.numel() for p in model.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        logits = model(images(1))
    assert logits.shape == (1, classes)
    assert 2 * multiply_adds(config, classes) == counter.get_total_flops()


def test_the_published_sizes() -> None:
    assert feature_count(ModelConfig()) == 1024
    assert round(parameter_count(ModelConfig(), 10) / 1e6, 2) == 2.26


def test_a_skip_adds_the_blocks_input_after_the_relu_and_before_the_pool() -> None:
    model = build_model(ModelConfig(skips=("conv2",)), 10, seed=0).eval()
    outputs = {stage: output for evaluation, stage, output in model.trace(images()) if evaluation == "intact"}
    conv = model.convolutions["conv2"]
    branch = F.relu(conv(outputs["conv1"]))
    torch.testing.assert_close(outputs["conv2.branch"], F.max_pool2d(branch, 2))
    torch.testing.assert_close(outputs["conv2"], F.max_pool2d(branch + outputs["conv1"], 2))
    assert list(outputs)[-1] == "conv5"


def test_lesioned_weights_in_a_baseline_give_the_same_logits() -> None:
    skip = build_model(ModelConfig(skips=("conv2", "conv4")), 10, seed=0).eval()
    baseline = build_model(ModelConfig(), 10, seed=1).eval()
    baseline.load_state_dict(skip.state_dict())
    assert torch.equal(skip(images(), lesioned=True), baseline(images()))
    assert torch.equal(baseline(images(), lesioned=True), baseline(images()))
    assert not torch.allclose(skip(images()), baseline(images()))


@pytest.mark.parametrize("widths", [(64,) * 5, (32, 64, 64, 64, 64)])
def test_variants_of_one_seed_share_their_initial_weights(widths: tuple[int, ...]) -> None:
    baseline = build_model(ModelConfig(widths=widths), 10, seed=3).state_dict()
    skip = build_model(ModelConfig(widths=widths, skips=("conv2",), projection=True), 10, seed=3).state_dict()
    assert all(torch.equal(baseline[name], skip[name]) for name in baseline)


def test_kaiming_initialisation_is_the_papers_and_the_default_keeps_its_weights() -> None:
    plain, kaiming = (build_model(ModelConfig(initialisation=name), 10, seed=0) for name in ("default", "kaiming"))
    untouched = build_model(ModelConfig(), 10, seed=0).state_dict()
    assert all(torch.equal(value, untouched[name]) for name, value in plain.state_dict().items())
    weight = kaiming.convolutions["conv3"].weight
    assert weight.var().item() == pytest.approx(2 / (9 * 64), rel=0.05)
    assert not kaiming.convolutions["conv3"].bias.any()
    last = list(kaiming.classifier)[-1]
    assert torch.equal(last.weight, list(plain.classifier)[-1].weight)  # no ReLU follows it
    convolutions = build_model(ModelConfig(initialisation="kaiming_convolutions"), 10, seed=0).state_dict()
    for name, value in convolutions.items():
        origin = plain if name.startswith("classifier") else kaiming
        assert torch.equal(value, origin.state_dict()[name])
    skip = build_model(ModelConfig(initialisation="kaiming", skips=("conv2",)), 10, seed=0)
    assert all(torch.equal(value, kaiming.state_dict()[name]) for name, value in skip.state_dict().items())
