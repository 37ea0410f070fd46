"""The model against STUDY's table, PyTorch's own counts, and the identity behind the audit."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from alexnet_study.models import (
    Dropout,
    build_model,
    feature_count,
    layer_table,
    multiply_adds,
    parameter_count,
    response_norm,
)
from alexnet_study.models.response_norm import local_response
from alexnet_study.study.configs import CONV_NAMES, ModelConfig

configs = st.builds(
    ModelConfig,
    skips=st.lists(st.sampled_from(CONV_NAMES[1:]), unique=True).map(tuple),
    widths=st.tuples(*[st.integers(1, 9)] * 5),
    projection=st.just(True),
    norm=st.sampled_from(["none", "batch", "group", "local_response"]),
    groups=st.just(1),
    head=st.sampled_from(["mlp", "linear", "pooled", "max_pooled"]),
    project_equal=st.booleans(),
    kernel=st.tuples(*[st.sampled_from([1, 3, 5, 7])] * 5),
    activation=st.sampled_from(["relu", "tanh", "gelu", "silu"]),
    pool=st.sampled_from(["plain", "overlapping"]),
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
    responding = [block for block in layer_table(config) if block.name in response_norm.RESPONSE_NORMALISED]
    # the sums over neighbouring channels are matrix products, but no layer's, and are not counted
    sums = sum(block.side**2 * block.outputs**2 for block in responding) if config.norm == "local_response" else 0
    assert 2 * (multiply_adds(config, classes) + sums) == counter.get_total_flops()


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


def in_turn(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers).eval()


@pytest.mark.parametrize("pool", ["plain", "overlapping"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "silu"])
def test_activations_and_pools_are_pytorchs_layers(activation: str, pool: str) -> None:
    model = build_model(ModelConfig(activation=activation, pool=pool, hidden=16), 10, seed=0).eval()
    layer = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "silu": nn.SiLU}[activation]
    pools = {"plain": nn.MaxPool2d(2), "overlapping": nn.MaxPool2d(3, stride=2, padding=1)}
    conv = model.convolutions
    features = in_turn(
        *[conv["conv1"], layer(), pools[pool], conv["conv2"], layer(), pools[pool]],
        *[conv["conv3"], layer(), conv["conv4"], layer(), conv["conv5"], layer(), pools[pool], nn.Flatten()],
    )
    first, second, last = (module for module in model.classifier if isinstance(module, nn.Linear))
    oracle = in_turn(features, first, layer(), second, layer(), last)
    torch.testing.assert_close(model(images()), oracle(images()))


@pytest.mark.parametrize("skips", [s for n in range(5) for s in itertools.combinations(CONV_NAMES[1:], n)])
def test_any_subset_of_skips_adds_what_it_says(skips: tuple[str, ...]) -> None:
    config = ModelConfig(widths=(4, 6, 6, 6, 4), skips=skips, projection=True, project_equal=True, hidden=8)
    model = build_model(config, 10, seed=0).eval()
    x = images()
    for name in CONV_NAMES:
        branch = F.relu(model.convolutions[name](x))
        x = branch + model.projections[name](x) if name in skips else branch
        x = F.max_pool2d(x, 2) if name in ("conv1", "conv2", "conv5") else x
    torch.testing.assert_close(model.features(images()), x.flatten(1))
    assert set(model.projections) == set(skips)


def test_a_pooled_head_is_one_layer_on_each_channels_mean_or_largest_value() -> None:
    for head, pool in (("pooled", nn.AdaptiveAvgPool2d(1)), ("max_pooled", nn.AdaptiveMaxPool2d(1))):
        model = build_model(ModelConfig(head=head, logit_scale=0.25), 10, seed=0).eval()
        (last,) = (module for module in model.classifier if isinstance(module, nn.Linear))
        features = model.features(images())
        expected = last(pool(features.view(4, 64, 4, 4)).flatten(1)) / 4
        torch.testing.assert_close(model.classify(features), expected)


def test_dropout_stands_before_the_layers_that_are_named() -> None:
    def places(**structure: object) -> list[str]:
        model = build_model(ModelConfig(**structure), 10, seed=0)  # type: ignore[arg-type]
        return [name for name, module in model.named_modules() if isinstance(module, Dropout)]

    assert places() == ["classifier.0", "classifier.3"]
    assert places(head="linear") == []
    assert places(head="pooled", dropout_before=("output",)) == ["classifier.1"]
    assert places(dropout_before=("hidden2", "conv3", "output")) == ["classifier.2", "classifier.5", "dropouts.conv3"]
    model = build_model(ModelConfig(dropout_before=("conv2",), dropout=0.75, skips=("conv2",)), 10, seed=0).train()
    seen: list[torch.Tensor] = []
    model.convolutions["conv2"].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    model.features(images())
    assert (seen[0] == 0).float().mean().item() > 0.75  # half of a ReLU's outputs are 0 as it is
    assert torch.equal(
        model.eval().features(images()), build_model(ModelConfig(skips=("conv2",)), 10, seed=0).features(images())
    )


def test_alexnets_own_widths_have_the_size_of_its_plan() -> None:
    config = ModelConfig(widths=(64, 192, 384, 256, 256), skips=("conv2", "conv5"), projection=True)
    model = build_model(config, 10, seed=0)
    assert sum(p.numel() for p in model.parameters()) == parameter_count(config, 10)
    assert set(model.projections) == {"conv2"}
    assert feature_count(config) == 4096


def test_local_response_normalisation_is_the_papers_and_pytorchs() -> None:
    x = 20 * torch.randn(2, 9, 3, 3, generator=torch.Generator().manual_seed(0))
    expected = torch.empty_like(x)
    for i in range(9):  # section 3.3: k = 2, n = 5, α = 1e-4, β = 0.75; the sum ends at the first and last channel
        squares = sum(x[:, j] ** 2 for j in range(max(0, i - 2), min(8, i + 2) + 1))
        expected[:, i] = x[:, i] / (2 + 1e-4 * squares) ** 0.75
    torch.testing.assert_close(local_response(x), expected)
    torch.testing.assert_close(local_response(x), nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2)(x))
    assert local_response(x.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("channels", [1, 3, 9, 64])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("numbers", [1, 100, 2**17])
def test_the_gradient_of_local_response_is_pytorchs_in_double_precision(
    channels: int, memory_format: torch.memory_format, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_norm, "CACHE_NUMBERS", numbers)  # parts of a pixel, of some, of all
    generator = torch.Generator().manual_seed(channels)
    x = (20 * torch.randn(2, channels, 3, 4, generator=generator)).to(memory_format=memory_format).requires_grad_()
    gradient = torch.randn(x.shape, generator=generator)
    exact = x.detach().double().requires_grad_()
    nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)(exact).backward(gradient.double())
    with torch.autocast("cpu", dtype=torch.bfloat16):  # which the sums must not follow
        y = local_response(x)
    y.backward(gradient)
    assert x.grad is not None
    assert exact.grad is not None
    torch.testing.assert_close(x.grad.double(), exact.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("skips", [(), ("conv2",)])
@pytest.mark.parametrize("norm", ["batch", "group", "local_response"])
def test_normalisations_stand_where_they_are_said_to(norm: str, skips: tuple[str, ...]) -> None:
    config = ModelConfig(norm=norm, groups=4, skips=skips, hidden=8)
    model = build_model(config, 10, seed=0).eval()
    before: dict[str, nn.Module] = {"batch": nn.BatchNorm2d(64).eval(), "group": nn.GroupNorm(4, 64)}
    after = nn.LocalResponseNorm(5, alpha=5e-4, k=2)
    x = images()
    for name in CONV_NAMES:
        branch = F.relu(before.get(norm, nn.Identity())(model.convolutions[name](x)))
        branch = after(branch) if norm == "local_response" and name in ("conv1", "conv2") else branch
        x = branch + x if name in skips else branch
        x = F.max_pool2d(x, 2) if name in ("conv1", "conv2", "conv5") else x
    torch.testing.assert_close(model.features(images()), x.flatten(1))
    assert set(model.norms) == (set() if norm == "local_response" else set(CONV_NAMES))
