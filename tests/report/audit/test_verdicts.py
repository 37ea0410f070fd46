"""Claims judged: the primary test, the correction, the outcome, and what is refused."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from alexnet_study.errors import RequestError
from alexnet_study.files import digest
from alexnet_study.report.audit.contrasts import compare
from alexnet_study.report.audit.entries import as_json
from alexnet_study.report.audit.verdicts import Verdict, judge
from alexnet_study.report.collection import Collection, collect
from alexnet_study.report.material import Material
from alexnet_study.report.sections.claims import tabulate, verdict_text
from alexnet_study.report.statistics import estimates
from alexnet_study.report.statistics.resampling import max_t
from alexnet_study.report.values import RunValues, Values
from alexnet_study.report.writing import write_report
from alexnet_study.study.claims import Claim
from alexnet_study.study.study import Study, load_study

TOP1 = "evaluations.intact.top1"


def claim(**changes: Any) -> Claim:
    plain: dict[str, Any] = {
        "id": "1",
        "statement": "s",
        "definition": "d",
        "metric": TOP1,
        "variants": {"skip": 1.0, "baseline": -1.0},
    }
    return Claim(**{**plain, **({} if "below" in changes else {"direction": "greater"}), **changes})


def judged(collection: Collection, *stated: Claim) -> list[Verdict]:
    study = dataclasses.replace(collection.study, claims=stated)
    return judge(dataclasses.replace(collection, study=study))


def top1(collection: Collection, variant: str) -> list[float]:
    return list(collection.values.of(variant, TOP1).values())


def recalls_of(collection: Collection, variant: str) -> list[dict[int, float]]:
    return [collection.values.of(variant, f"evaluations.intact.recall.{name}") for name in collection.classes]


def test_a_difference_is_paired_by_seed_and_its_checks_are_reported(collection: Collection) -> None:
    (verdict,) = judged(collection, claim())
    skip, baseline = top1(collection, "skip"), top1(collection, "baseline")
    paired, welch = stats.ttest_rel(skip, baseline), stats.ttest_ind(skip, baseline, equal_var=False)
    entry = as_json(verdict)
    assert (entry["test"], entry["n"]) == ("seed-paired t", 6)
    assert entry["verdict"].startswith("supported")
    assert entry["verdict"].endswith(", on a re-encoded copy")
    assert entry["p"] == pytest.approx(paired.pvalue)
    assert entry["interval"] == pytest.approx(list(paired.confidence_interval()))
    assert entry["sensitivity"]["unpaired_interval"] == pytest.approx(list(welch.confidence_interval()))
    assert entry["sensitivity"]["sign_flip_p"] == 2 / 2**6
    assert entry["published"] == pytest.approx(0.5527 - 0.4892)


def test_all_tests_of_a_study_are_one_family(material: Material) -> None:
    verdicts = material.verdicts
    assert len(verdicts) == 13
    assert [v.adjusted_p for v in verdicts] == estimates.holm([v.p for v in verdicts])
    assert all(v.adjusted_p is not None and v.p is not None and v.adjusted_p >= v.p for v in verdicts)


def test_the_claimed_sign_decides(collection: Collection) -> None:
    more, less = judged(collection, claim(), claim(id="2", direction="less"))
    assert (more.outcome, less.outcome) == ("supported", "contradicted")
    under, over, unclear = judged(
        collection,
        claim(id="a", metric="gap.proper", variants={"skip": 1.0}, below=0.05),
        claim(id="b", metric=TOP1, variants={"skip": 1.0}, below=0.05),
        claim(id="c", metric="gap.proper", variants={"skip": 1.0}, below=0.001),
    )
    assert (under.outcome, over.outcome, unclear.outcome) == ("supported", "contradicted", "not resolved")
    assert unclear.verdict == "not resolved at n = 6"
    assert under.p == pytest.approx(
        stats.ttest_1samp(list(collection.values.of("skip", "gap.proper").values()), 0.05)[1]
    )


def test_a_claim_over_classes_is_about_what_exceeds_the_mean_gain(collection: Collection) -> None:
    (verdict,) = judged(collection, claim(metric="evaluations.intact.recall.bird", over_classes=True))
    recalls = {v: np.array([list(own.values()) for own in recalls_of(collection, v)]).T for v in ("skip", "baseline")}
    gains = recalls["skip"] - recalls["baseline"]
    beyond = gains - gains.mean(1, keepdims=True)
    assert verdict.p == pytest.approx(max_t(beyond)[2])
    entry = as_json(verdict)
    assert entry["test"] == "joint sign-flip max-T over classes, less the mean gain"
    assert entry["estimate"] == pytest.approx(beyond[:, 2].mean())
    assert entry["interval"] == pytest.approx(list(stats.ttest_1samp(beyond[:, 2], 0).confidence_interval()))
    assert entry["plain_gain"]["estimate"] == pytest.approx(gains[:, 2].mean())
    assert entry["published"] == pytest.approx(0.722 - 0.195)


def test_a_uniform_gain_is_no_gain_of_a_class(study: Study, copy: Path) -> None:
    """Every recall of the skip is the baseline's of the same seed and half a point of the way more."""
    for seed in range(6):
        base = json.loads((copy / f"skip/baseline/seed-{seed}/summary.json").read_text())
        path = copy / f"skip/skip/seed-{seed}/summary.json"
        own = json.loads(path.read_text())
        own.pop("checksum")
        own["evaluations"]["intact"]["recall"] = [value + 0.25 for value in base["evaluations"]["intact"]["recall"]]
        path.write_text(json.dumps({**own, "checksum": digest(own)}))
    (verdict,) = judged(collect(study, copy), claim(metric="evaluations.intact.recall.bird", over_classes=True))
    assert verdict.estimate is not None
    assert verdict.plain is not None
    assert verdict.estimate.value == pytest.approx(0, abs=1e-12)
    assert verdict.plain.estimate.value == pytest.approx(0.25)
    assert verdict.outcome == "not resolved"


def test_direction_and_size_are_two_verdicts(collection: Collection) -> None:
    (verdict,) = judged(collection, claim())
    assert verdict.estimate is not None
    inside = dataclasses.replace(verdict, published=verdict.estimate.value, pixels=True)
    outside = dataclasses.replace(verdict, published=verdict.estimate.value + 1, pixels=True)
    assert (inside.verdict, outside.verdict) == ("supported", "supported in direction; the published size is not")
    assert dataclasses.replace(outside, pixels=False).verdict.endswith("is not, on a re-encoded copy")


def test_a_claim_of_absence_says_its_margin_and_its_sign(collection: Collection) -> None:
    (verdict,) = judged(collection, claim(metric="gap.proper", variants={"skip": 1.0}, below=0.05))
    values = list(collection.values.of("skip", "gap.proper").values())
    low, high = stats.ttest_1samp(values, 0).confidence_interval()
    side = "above 0" if low > 0 else "below 0" if high < 0 else "its sign isn't resolved"
    assert verdict_text(verdict) == f"supported; margin 0.05 nats, {side}"


def test_a_margin_has_the_unit_of_its_figure(collection: Collection) -> None:
    of_share, of_difference = judged(
        collection,
        claim(metric=TOP1, variants={"skip": 1.0}, below=0.995),
        claim(id="2", variants={"baseline": 1.0, "skip": -1.0}, below=-0.005),
    )
    assert "; margin 99.5 %, " in verdict_text(of_share)
    assert "; margin −0.5 points, below 0" in verdict_text(of_difference)


def test_a_claim_without_spread_falls_back_to_sign_flips(collection: Collection) -> None:
    values = Values(
        [
            RunValues(variant=variant, seed=seed, single={("intact", TOP1): value}, vectors={})
            for variant, value in (("skip", 0.75), ("baseline", 0.5))
            for seed in range(6)
        ],
        collection.classes,
    )
    bare = dataclasses.replace(collection.study, published=None)
    (verdict,) = judged(dataclasses.replace(collection, values=values, study=bare), claim())
    assert (verdict.p, verdict.outcome) == (2 / 2**6, "supported")
    assert as_json(verdict)["test"] == "sign flips, for want of spread"


def test_what_is_not_resolved_says_what_would_be(collection: Collection) -> None:
    (verdict,) = judged(collection, claim(metric="gap.proper", variants={"skip": 1.0}, below=0.001))
    values = np.array(list(collection.values.of("skip", "gap.proper").values()))
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = verdict.resolution
    assert found is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high))
    critical, error = stats.t.ppf(0.975, 5), values.std(ddof=1) / 6**0.5
    assert stats.nct.sf(critical, 5, found.difference / error) == pytest.approx(0.8, abs=1e-3)
    ends = f"[{low:.4f}, {high:.4f}]".replace("-", "−")
    assert verdict_text(verdict).startswith(f"not resolved at n = 6: 95 % interval {ends}; resolves ")


def test_each_pair_is_of_its_common_seeds_and_no_estimate_leaves_its_interval(study: Study, copy: Path) -> None:
    for path in (copy / "skip/baseline/seed-0", copy / "skip/skip/seed-5"):
        shutil.rmtree(path)
    found = collect(study, copy)
    values = {variant: found.values.of(variant, TOP1) for variant in ("skip", "baseline")}
    (verdict,) = judged(found, claim())
    pairs = [values["skip"][seed] - values["baseline"][seed] for seed in range(1, 5)]
    assert verdict.estimate is not None
    assert (verdict.estimate.value, verdict.n) == (pytest.approx(np.mean(pairs)), 4)


VALUE = st.floats(-10, 10).map(lambda value: round(value, 2))
OWN = st.dictionaries(st.integers(0, 8), VALUE, min_size=1)


@given(st.fixed_dictionaries({name: OWN for name in "abcd"}), st.sampled_from([2, 4]))
def test_no_estimate_leaves_its_own_interval(values: dict[str, dict[int, float]], count: int) -> None:
    weights = dict(list({"a": 1.0, "b": -1.0, "c": -1.0, "d": 1.0}.items())[:count])
    found = compare(weights, values)
    assert found is not None
    for estimate in (found.estimate, found.unpaired):
        interval = estimate.interval()
        assert interval is None or estimate.value in interval
    common = set.intersection(*(set(values[name]) for name in weights))
    if common:
        assert found.estimate.n == len(common)
        assert found.estimate.value == pytest.approx(found.unpaired.value)


def test_one_seed_resolves_nothing(study: Study, made: Path, tmp_path: Path) -> None:
    for variant in study.variants:
        shutil.copytree(made / f"skip/{variant}/seed-0", tmp_path / f"skip/{variant}/seed-0")
    verdicts = judge(collect(dataclasses.replace(study, seeds=(0,), looks={1: 1.0}), tmp_path))
    assert {verdict.outcome for verdict in verdicts} == {"not resolved"}
    assert verdicts[0].verdict == "not resolved at n = 1"
    assert as_json(verdicts[0])["interval"] is None


def test_a_claim_about_a_variant_without_runs_is_not_judged(study: Study, made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "skip/baseline", tmp_path / "skip/baseline")
    verdicts = judge(collect(study, tmp_path))
    assert (verdicts[0].verdict, verdicts[0].estimate) == ("interim at n = 0", None)
    assert next(v for v in verdicts if v.claim.id == "6 baseline").outcome == "supported"


def test_a_wrong_metric_is_one_line(collection: Collection) -> None:
    with pytest.raises(RequestError, match="top1"):
        judged(collection, claim(metric="evaluations.intact.accuracy"))


FACTORIAL = """
name: factorial
data: digits
seeds: 5
recipe: {epochs: 2}
variants:
  plain: {}
  plain_skip: {model: {skips: [conv2]}}
  wide: {model: {hidden: 64}}
  wide_skip: {model: {hidden: 64, skips: [conv2]}}
claims:
  - id: "1"
    statement: Width takes some of the advantage
    definition: the difference of differences is below 0
    metric: evaluations.intact.top1
    variants: {wide_skip: 1, wide: -1, plain_skip: -1, plain: 1}
    direction: less
"""


def test_an_interaction_pairs_by_seed(tmp_path: Path, write_runs: Callable[..., None]) -> None:
    """Welch's test of the two advantages is a sensitivity check beside it, and their correlation is told."""
    (tmp_path / "factorial.yaml").write_text(FACTORIAL)
    study = load_study(tmp_path / "factorial.yaml")
    write_runs(study, tmp_path, skill={"plain": 1.0, "plain_skip": 3.0, "wide": 3.0, "wide_skip": 3.2})
    found = collect(study, tmp_path)
    (verdict,) = judge(found)
    values = {variant: np.array(top1(found, variant)) for variant in study.variants}
    wide, plain = values["wide_skip"] - values["wide"], values["plain_skip"] - values["plain"]
    oracle, welch = stats.ttest_rel(wide, plain), stats.ttest_ind(wide, plain, equal_var=False)
    assert verdict.estimate is not None
    assert verdict.estimate.value == pytest.approx(
        sum(sign * values[v].mean() for v, sign in study.claims[0].variants.items())
    )
    assert (verdict.p, verdict.estimate.df) == (pytest.approx(oracle.pvalue), pytest.approx(oracle.df))
    assert verdict.outcome == "supported"
    entry = as_json(verdict)
    assert entry["test"] == "seed-paired t"
    assert entry["sensitivity"]["unpaired_interval"] == pytest.approx(list(welch.confidence_interval()))
    assert entry["sensitivity"]["correlation_of_advantages"] == pytest.approx(np.corrcoef(wide, plain)[0, 1])
    assert "published" not in tabulate([verdict]).display


def test_a_longer_run_begins_as_the_shorter_one_and_is_paired_with_it(
    tmp_path: Path, write_runs: Callable[..., None]
) -> None:
    text = FACTORIAL.replace("wide: {model: {hidden: 64}}", "wide: {recipe: {epochs: 3}}")
    text = text.replace("{hidden: 64, skips: [conv2]}}", "{skips: [conv2]}, recipe: {epochs: 3}}")
    (tmp_path / "factorial.yaml").write_text(text)
    study = load_study(tmp_path / "factorial.yaml")
    write_runs(study, tmp_path)
    found = collect(study, tmp_path)
    (verdict,) = judge(found)
    seeds = sum(sign * np.array(top1(found, variant)) for variant, sign in study.claims[0].variants.items())
    assert verdict.p == pytest.approx(stats.ttest_1samp(seeds, 0.0).pvalue)
    assert as_json(verdict)["test"] == "seed-paired t"


def test_what_sign_flips_of_few_seeds_cannot_find_has_no_smallest_difference(
    study: Study, collection: Collection, made: Path, tmp_path: Path
) -> None:
    one_class = claim(metric="evaluations.intact.recall.bird", over_classes=True)
    (six,) = judged(collection, one_class)
    assert six.estimate is not None
    assert six.estimate.error is not None
    assert six.resolution is not None
    shift = six.resolution.difference / six.estimate.error
    critical = stats.t.ppf(1 - 0.05 / 10 / 2, 5)  # Bonferroni over ten classes
    assert stats.nct.sf(critical, 5, shift) == pytest.approx(0.8, abs=1e-4)
    for variant in study.variants:
        for seed in range(5):
            shutil.copytree(made / f"skip/{variant}/seed-{seed}", tmp_path / f"skip/{variant}/seed-{seed}")
    (five,) = judged(collect(dataclasses.replace(study, seeds=tuple(range(5)), looks={5: 1.0}), tmp_path), one_class)
    assert five.resolution is None
    said = "not resolved at n = 5, whatever the difference: the least p is 0.062, judged at 0.05"
    assert verdict_text(five) == said


def test_prediction_of_a_difference_is_for_independent_runs(collection: Collection) -> None:
    (verdict,) = judged(collection, claim())
    samples = [(1.0, top1(collection, "skip")), (-1.0, top1(collection, "baseline"))]
    assert verdict.predicted["intact"] == estimates.prediction(samples)
    lesioned = list(collection.values.of("skip", TOP1, "lesioned").values())
    assert verdict.predicted["lesioned"] == estimates.prediction([(1.0, lesioned), samples[1]])
    (baseline,) = judged(collection, claim(metric=TOP1, variants={"baseline": 1.0}, below=0.9))
    assert baseline.predicted["lesioned"] is None
    assert baseline.predicted["intact"] == estimates.proportion_prediction(top1(collection, "baseline"), 200)


def test_a_share_of_1_that_counts_no_images_predicts_nothing_and_is_reported(study: Study, copy: Path) -> None:
    metrics = copy / "skip/baseline/seed-0/metrics.jsonl"
    *before, last = metrics.read_text().splitlines()
    metrics.write_text("\n".join([*before, json.dumps({**json.loads(last), "train_top1": 1.0})]) + "\n")
    own = claim(id="whole", metric="last_epoch.train_top1", variants={"baseline": 1.0}, below=0.9)
    page = write_report(collect(dataclasses.replace(study, claims=(own,)), copy), copy)
    (entry,) = json.loads((page.parent / "report.json").read_text())["claims"]
    assert entry["prediction_interval"]["intact"] is None
    assert entry["inside_prediction_interval"]["intact"] is None


def test_a_claim_compares_evaluations(collection: Collection) -> None:
    """The lesioned skip model against the intact baseline, and the same model with and without its skip."""
    both = (
        claim(variants={"skip lesioned": 1.0, "baseline": -1.0}),
        claim(id="2", variants={"skip": 1.0, "skip lesioned": -1.0}),
        claim(id="3", variants={"skip lesioned": 1.0}, below=0.5),
    )
    across, within, alone = judged(collection, *both)
    lesioned = list(collection.values.of("skip", TOP1, "lesioned").values())
    for verdict, other in ((across, top1(collection, "baseline")), (within, top1(collection, "skip"))):
        found = stats.ttest_rel(lesioned, other)
        assert verdict.estimate is not None
        assert verdict.p == pytest.approx(found.pvalue)
        assert abs(verdict.estimate.value) == pytest.approx(abs(np.mean(lesioned) - np.mean(other)))
        assert verdict.published is None  # no published figure tells in which evaluation it was taken
        assert verdict.predicted["lesioned"] is None
    assert (within.outcome, alone.estimate and alone.estimate.value) == ("supported", pytest.approx(np.mean(lesioned)))


ODD_CLASSES = ["St. Bernard v1.0", "$E=mc^2$", "x.intact.y", "a/b\\c", "7", '"it\'s"', "고양이"]


@pytest.mark.parametrize("name", ODD_CLASSES)
def test_any_text_is_a_class_name(collection: Collection, name: str) -> None:
    """A claim over classes says the same of a class whatever it is called."""
    runs = [dataclasses.replace(run, single=_renamed(run, name)) for run in collection.values.runs]
    classes = tuple(name if own == "bird" else own for own in collection.classes)
    renamed = dataclasses.replace(
        collection,
        runs=tuple(dataclasses.replace(run, classes=classes) for run in collection.runs),
        values=Values(runs, classes),
    )
    stated = {"over_classes": True, "variants": {"skip": 1.0, "skip lesioned": -1.0}}
    (usual,) = judged(collection, claim(metric="evaluations.intact.recall.bird", **stated))
    (odd,) = judged(renamed, claim(metric=f"evaluations.intact.recall.{name}", **stated))
    assert (odd.p, odd.estimate, odd.plain) == (usual.p, usual.estimate, usual.plain)
    assert odd.measure.label == f"recall of {name}"
    assert odd.measure.of_class == name


def _renamed(run: RunValues, name: str) -> dict[tuple[str, str], float | None]:
    parts = ((evaluation, *path.rpartition(".")) for evaluation, path in run.single)
    keys = [(evaluation, f"{parent}{dot}{name if own == 'bird' else own}") for evaluation, parent, dot, own in parts]
    return dict(zip(keys, run.single.values(), strict=True))
