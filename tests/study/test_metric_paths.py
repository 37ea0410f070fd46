"""The parts of a metric's path, and where a class's name begins and ends."""

from hypothesis import given
from hypothesis import strategies as st

from alexnet_study.study.metrics import EVALUATIONS, SHARES, class_metric, evaluation_of, in_evaluation, parse_group


@given(st.text(min_size=1), st.sampled_from(EVALUATIONS), st.sampled_from(SHARES))
def test_all_behind_the_share_is_the_class(name: str, evaluation: str, share: str) -> None:
    path = f"evaluations.{evaluation}.{share}.{name}"
    assert class_metric(path) == (f"evaluations.{evaluation}.{share}", name)
    assert evaluation_of(path) == evaluation
    assert in_evaluation(path, "lesioned") == f"evaluations.lesioned.{share}.{name}"


def test_a_figure_of_the_run_is_in_no_evaluation() -> None:
    assert evaluation_of("gap.proper") is None
    assert in_evaluation("last_epoch.train_loss", "lesioned") is None
    assert in_evaluation("derived.intact.components_90", "lesioned") == "derived.lesioned.components_90"
    assert class_metric("evaluations.intact.top1") is None


def test_a_group_is_a_variant_and_perhaps_an_evaluation() -> None:
    top1 = "evaluations.intact.top1"
    assert parse_group("skip").metric(top1) == top1
    assert parse_group("skip lesioned").metric(top1) == "evaluations.lesioned.top1"
    assert parse_group("skip lesioned").metric("gap.proper") is None
