"""The three sentences that answer a study: right when resolved, when not, and when runs are missing."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from alexnet_study.report.audit.published import Joint
from alexnet_study.report.audit.verdicts import Verdict
from alexnet_study.report.collection import collect
from alexnet_study.report.material import Material, gather
from alexnet_study.report.sections.answer import answer, overall
from alexnet_study.report.statistics.estimates import Interval
from alexnet_study.report.statistics.joint import JointRank, LogDensity
from alexnet_study.study.study import Study, load_study

FACTORIAL = """
name: factorial
data: digits
seeds: 6
recipe: {epochs: 2}
variants:
  plain: {}
  plain_skip: {model: {skips: [conv2]}}
  long: {recipe: {epochs: 4}}
  long_skip: {model: {skips: [conv2]}, recipe: {epochs: 4}}
claims:
  - id: "1"
    statement: The skip raises accuracy
    definition: above 0
    metric: evaluations.intact.top1
    variants: {plain_skip: 1, plain: -1}
    direction: greater
  - id: "2"
    statement: It still does after more epochs
    definition: above 0
    metric: evaluations.intact.top1
    variants: {long_skip: 1, long: -1}
    direction: greater
  - id: "3"
    statement: More epochs take some of the advantage
    definition: below 0
    metric: evaluations.intact.top1
    variants: {long_skip: 1, long: -1, plain_skip: -1, plain: 1}
    direction: less
"""


def number(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


@pytest.fixture
def factorial(tmp_path: Path, write_runs: Callable[..., None]) -> Study:
    (tmp_path / "factorial.yaml").write_text(FACTORIAL)
    study = load_study(tmp_path / "factorial.yaml")
    write_runs(study, tmp_path, skill={"plain": 1.0, "plain_skip": 3.0, "long": 3.0, "long_skip": 3.1})
    return study


def test_a_factorial_is_answered_by_its_interaction(factorial: Study, tmp_path: Path) -> None:
    found = gather(collect(factorial, tmp_path), tmp_path / "factorial/report")
    first, claims, why = answer(found)
    interaction = found.verdicts[2]
    assert interaction.estimate is not None
    interval = interaction.estimate.interval()
    assert interval is not None
    shown = [number(100 * value) for value in (interaction.estimate.value, interval.low, interval.high)]
    assert why == (
        f"More epochs take some of the advantage: supported, {shown[0]} [{shown[1]}, {shown[2]}] points (n = 6)."
    )
    assert first.startswith("The skip raises accuracy: supported; test top-1 +")
    assert "3 tests, Holm-adjusted, n = 6 seeds" in claims


def test_without_the_runs_of_a_variant_the_answer_says_so(factorial: Study, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "factorial/long_skip")
    first, claims, why = answer(gather(collect(factorial, tmp_path), tmp_path / "factorial/report"))
    assert "+" in first
    assert "1 supported (1); 2 interim (2, 3)" in claims
    assert "n = 0 to 6 seeds" in claims
    assert why == "More epochs take some of the advantage: interim, – (n = 0)."


def test_of_many_variants_without_claims_the_least_and_the_greatest_are_named(
    study: Study, write_runs: Callable[..., None], tmp_path: Path
) -> None:
    skill = {f"v{place}": 0.5 + place for place in (3, 0, 6, 1, 2, 5, 4)}
    many = dataclasses.replace(study, variants=dict.fromkeys(skill, study.variants["baseline"]), claims=())
    write_runs(many, tmp_path, skill=skill)
    (found,) = answer(gather(collect(many, tmp_path), tmp_path / "skip/report"))
    assert found.startswith("Test top-1, least and greatest of 7 variants: v0 ")
    assert "; v6 " in found
    assert "; v6 less v0 +" in found
    assert "v3" not in found


def test_one_seed_is_answered_without_a_verdict(study: Study, made: Path, tmp_path: Path) -> None:
    for variant in study.variants:
        shutil.copytree(made / f"skip/{variant}/seed-0", tmp_path / f"skip/{variant}/seed-0")
    found = gather(collect(dataclasses.replace(study, seeds=(0,), looks={1: 1.0}), tmp_path), tmp_path / "skip/report")
    first, claims, published = answer(found)
    assert first.startswith("The skip connection raises accuracy: not resolved at n = 1; test top-1 ")
    assert "7 not resolved (1 accuracy, 2 some classes, " in claims
    assert claims.endswith("linear separability); 13 tests, Holm-adjusted, n = 0 to 1 seeds.")
    assert published == "No published figure can be judged yet: that takes two runs of a variant."


@pytest.mark.parametrize(
    ("ranks", "said"),
    [
        (
            (1, 3),
            "evaluated without their skip connection, and lie farther than every run from those with",
        ),
        (
            (3, 1),
            "evaluated with their skip connection, and lie farther than every run from those without",
        ),
        ((3, 2), "don't discriminate"),
        (
            (1, 1),
            "lie farther than every run from our runs both with and without their skip connection",
        ),
    ],
)
def test_the_published_sentence_follows_the_ranks(material: Material, ranks: tuple[int, int], said: str) -> None:
    some = Interval(low=0.5, high=1.5)
    joint = {
        name: Joint(
            rank=JointRank(score=1, scores=(0.8, 1.0, 0.9), p=rank / 4, pairs=some, to_runs=some, figures=3),
            density=LogDensity(vector=density, runs=(), figures=3),
        )
        for name, rank, density in zip(("intact", "lesioned"), ranks, (-9.0, 2.5), strict=True)
    }
    own = [check for check in material.published_vectors if check.variant == "skip"]
    vectors = [dataclasses.replace(check, joint=joint) for check in own]
    sentence = answer(dataclasses.replace(material, published_vectors=vectors))[2]
    assert said in sentence
    assert all(f"{rank}/4" in sentence for rank in ranks)
    assert "to refuse at 5 % takes 20 runs" in sentence
    assert "−9.0" in sentence


def test_a_claim_of_several_parts_stands_where_all_do(material: Material) -> None:
    def part(number: str, name: str, p: float, sign: float = 1.0) -> Verdict:
        first = material.verdicts[0]
        assert first.estimate is not None
        assert first.contrast is not None
        estimate = dataclasses.replace(first.estimate, value=sign * abs(first.estimate.value))
        contrast = dataclasses.replace(first.contrast, estimate=estimate)
        claim = dataclasses.replace(first.claim, id=name, number=number, name="")
        return dataclasses.replace(first, claim=claim, adjusted_p=p, contrast=contrast)

    assert overall([part("1", "1 a", 0.001), part("1", "1 b", 0.01)]) == {"1": "supported"}
    assert overall([part("1", "1 a", 0.001), part("1", "1 b", 0.9), part("2", "2", 0.9)]) == {
        "1": "supported in part",
        "2": "not resolved",
    }
    assert overall([part("1", "1 a", 0.001), part("1", "1 b", 0.001, -1.0)]) == {"1": "mixed"}
    assert overall([part("", "2 bird", 0.001), part("", "2 ship", 0.9)]) == {
        "2 bird": "supported",
        "2 ship": "not resolved",
    }
