"""Study files: what is valid resolves fully, and every mistake is one line that names the place."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexnet_study.errors import RequestError
from alexnet_study.study.configs import ModelConfig, RecipeConfig
from alexnet_study.study.identity import identity
from alexnet_study.study.study import load_study, seeds_from_text
from alexnet_study.study.validation import build

VALID = """
name: demo
data: digits
seeds: 2
recipe: {epochs: 3}
variants: {baseline: {}, skip: {model: {skips: [conv2]}, recipe: {epochs: 4}}}
"""

PUBLISHED = """
published:
  {source: s, data: original, runs: one, figures: [{name: n, program: p, metrics: [a.b], values: {skip: [0.5]}}]}
"""


def claim(rest: str) -> str:
    """A study file's list of one claim."""
    return f"claims:\n- {{id: '1', statement: s, definition: d, metric: a.b, variants: {{skip: 1}}, {rest}}}\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text)
    return path


def test_the_published_study_resolves() -> None:
    study = load_study(Path("jobs/studies/skip.yaml"))
    assert len(study.runs()) == 40
    assert dict(study.looks) == {10: 0.2, 20: 0.8}
    assert study.run("baseline", 0).recipe == RecipeConfig()
    assert study.run("skip", 0).model == ModelConfig(skips=("conv2",))


def test_the_published_study_states_seven_claims_and_every_published_figure() -> None:
    study = load_study(Path("jobs/studies/skip.yaml"))
    assert {claim.id.split()[0] for claim in study.claims} == set("1234567")
    assert study.published is not None
    assert study.published.of("evaluations.intact.recall.ship", "skip") == 0.918
    assert study.published.of("evaluations.intact.top1", "skip") == 0.5527  # of training, not of the analysis
    assert study.published.of("gap.proper", "skip") is None
    recalls = next(group for group in study.published.figures if len(group.metrics) == 10)
    assert sum(recalls.values["skip"]) / 10 == pytest.approx(0.2079)
    assert sum(recalls.values["baseline"]) / 10 == pytest.approx(0.4892)


def test_a_variant_overrides_the_recipe_and_the_command_line_overrides_both(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, VALID))
    assert [run.recipe.epochs for run in study.runs()] == [3, 4, 3, 4]
    assert study.run("skip", 7, ["recipe.epochs=1"]).recipe.epochs == 1


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "empty"),
        ("- a", "list"),
        ("{", "not YAML"),
        (VALID + "colour: red", "colour"),
        (VALID.replace("seeds: 2", "seeds: 9") + "looks: {3: 0.5}", "sum to 1"),
        (VALID.replace("seeds: 2", "seeds: 9") + "looks: {9: 0.5, 3: 0.5}", "ascending"),
        (VALID.replace("seeds: 2", "seeds: 9") + "looks: {10: 1}", "from 3 to 9"),
        (VALID.replace("seeds: 2", "seeds: 9") + "looks: 9", "looks"),
        (VALID + "extends: absent.yaml", "cannot read"),
        (VALID + "extends: ../other.yaml", "beside it"),
        (VALID.replace("epochs: 3", "epochs: 0"), "epochs"),
        (VALID.replace("epochs: 3", "epochs: -1"), "epochs"),
        (VALID.replace("epochs: 3", "epochs: three"), "epochs"),
        (VALID.replace("epochs: 3", "learning_rate: .nan"), "learning_rate"),
        (VALID.replace("epochs: 3", "epoch: 3"), "batch_size"),
        (VALID.replace("seeds: 2", "seeds: [1, 1]"), "different"),
        (VALID.replace("baseline: {}", "baseline: {seeds: 0}"), "baseline.*seeds"),
        (VALID.replace("baseline: {}", "baseline: {seeds: some}"), "baseline.*seeds"),
        (VALID.replace("name: demo", "name: ../demo"), "name"),
        (VALID.replace("[conv2]", "[conv1]"), "conv1"),
        (VALID.replace("{skips: [conv2]}", "{skips: [conv2], widths: [8, 16, 16, 16, 16]}"), "projection"),
        (VALID.replace("epochs: 3", "schedule: linear"), "schedule: 'linear' is not valid; expected one of constant"),
        (VALID.replace("epochs: 3", "schedule: one_cycle"), "warmup_epochs: 0.0 .* during which one_cycle rises"),
        (VALID.replace("epochs: 3", "epochs: 3, warmup_epochs: 3"), "warmup_epochs.*below the 3 epochs"),
        (VALID.replace("epochs: 3", "momentum: 0, nesterov: true"), "nesterov"),
        (VALID.replace("epochs: 3", "label_smoothing: 1"), "label_smoothing"),
        (VALID.replace("epochs: 3", "label_smoothing: 0.1, loss: squared_error"), "label_smoothing.*squared_error"),
        (VALID.replace("epochs: 3", "loss: hinge"), "loss"),
        (VALID.replace("[conv2]", "[conv2], activation: sine"), "activation: 'sine'.*gelu"),
        (VALID.replace("[conv2]", "[conv2], pool: mean"), "pool: 'mean'.*overlapping"),
        (VALID.replace("[conv2]", "[conv2], kernel: [3, 3, 3, 3, 2]"), "kernel.*odd"),
        (VALID.replace("[conv2]", "[conv2], kernel: [3]"), "kernel.*five"),
        (VALID.replace("[conv2]", "[conv2], project_equal: true"), "project_equal.*projection: true"),
        (VALID.replace("[conv2]", "[conv2], dropout_before: [conv1]"), "dropout_before: 'conv1'.*conv2"),
        (VALID.replace("[conv2]", "[conv2], head: linear, dropout_before: [hidden1]"), "dropout_before.*head: linear"),
        (VALID.replace("[conv2]", "[conv2], logit_scale: 0"), "logit_scale"),
        (VALID.replace("[conv2]", "[conv2], activation: tanh, initialisation: kaiming"), "initialisation.*tanh"),
        (VALID.replace("[conv2]", "[conv2], norm: layer"), "norm: 'layer'.*group"),
        (VALID.replace("[conv2]", "[conv2], norm: group, groups: 48"), "groups: 48.*divides each of the widths"),
        (VALID.replace("[conv2]", "[conv2], norm: group, batch_norm: true"), "norm: 'group'.*batch_norm: true"),
        (VALID.replace("epochs: 3", "augmentation: {flip: often}"), "augmentation.flip: 'often'.*alternating"),
        (VALID.replace("epochs: 3", "augmentation: {translate: 32}"), "augmentation.translate: 32.*0 to 31"),
        (VALID.replace("epochs: 3", "augmentation: {cutout: -1}"), "augmentation.cutout"),
        (VALID.replace("epochs: 3", "augmentation: {crop: 1}"), "augmentation: unknown key crop; expected.*translate"),
        (VALID.replace("epochs: 3", "augmentation: random"), "augmentation: expected a mapping"),
        (VALID.replace("epochs: 3", "optimizer: lion"), "optimizer: 'lion'.*muon"),
        (VALID.replace("epochs: 3", "optimizer: adamw, nesterov: true"), "nesterov.*sgd or muon"),
        (VALID.replace("epochs: 3", "weight_decay_factors: {biases: -1}"), "weight_decay_factors.biases: -1"),
        (VALID.replace("epochs: 3", "weight_decay_factors: {heads: 0}"), "heads; expected some of convolutions"),
        (VALID.replace("epochs: 3", "average: swa"), "average: 'swa'.*lookahead"),
        (VALID.replace("epochs: 3", "average: ema, average_decay: 1"), "average_decay"),
        (VALID.replace("[conv2]", "[conv2], initialisation: whitening"), "whitening.*at most 54 .* kernel 3"),
        (VALID.replace("baseline: {}", "skip: {}"), "twice"),
        (VALID.replace("name: demo", ""), "missing name"),
        (VALID + "measure: pca", "measure: 'pca'.*a list with metrics"),
        (VALID + "measure: [pca]", "measure.*a list with metrics"),
        (VALID + "measure: [metrics, speed]", "measure.*mirrored"),
        (VALID + "holdout: -1", "holdout: -1.*0 for none"),
        (VALID + "holdout: 0.1", "holdout: 0.1"),
        (VALID + "claims: {}", "claims"),
        (VALID + "claims: [{id: '1'}]", "claim 1: missing statement, definition, metric, variants"),
        (VALID + claim("direction: more"), "greater or less"),
        (VALID + claim("direction: less, below: 1"), "not both"),
        (VALID + claim("direction: less").replace("skip: 1", "wide: 1"), "claim 1: variants: unknown key wide"),
        (VALID + claim("direction: less").replace("skip: 1", "skip: 0"), "weights other than 0"),
        (VALID + claim("direction: less").replace("skip: 1", "skip: x"), "variants.skip"),
        (VALID + claim("direction: less").replace("skip: 1", "skip maimed: 1"), "intact or lesioned"),
        (VALID + claim("direction: less").replace("skip: 1", "skip lesioned: 1"), "since the claim names lesioned"),
        (VALID + claim("direction: less, over_classes: true"), "a class's metric"),
        (VALID + claim("direction: less") + claim("direction: less").removeprefix("claims:\n"), "each id once"),
        (VALID + "published: {source: s}", "published: missing data, runs, figures"),
        (VALID + PUBLISHED.replace("[0.5]", "[0.5, 0.6]"), "a value for each of 1 metrics"),
        (VALID + PUBLISHED.replace("skip: [", "other: ["), "unknown key other"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, names: str) -> None:
    with pytest.raises(RequestError, match=names) as caught:
        load_study(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_all_of_the_error_is_spent_at_the_studys_seeds_unless_it_says_otherwise(tmp_path: Path) -> None:
    assert dict(load_study(write(tmp_path, VALID)).looks) == {2: 1.0}


@pytest.mark.parametrize(("chosen", "seeds"), [("2", [0, 1]), ("[4, 2]", [2, 4]), ("9", [0, 1, 2, 3, 4])])
def test_a_variant_runs_with_those_of_the_studys_seeds_that_it_names(
    tmp_path: Path, chosen: str, seeds: list[int]
) -> None:
    text = VALID.replace("seeds: 2", "seeds: 5").replace("baseline: {}", f"baseline: {{seeds: {chosen}}}")
    study = load_study(write(tmp_path, text))
    assert [run.seed for run in study.runs() if run.variant == "baseline"] == seeds
    assert [run.seed for run in study.runs() if run.variant == "skip"] == [0, 1, 2, 3, 4]
    fewer = dataclasses.replace(study, seeds=(0, 1, 2))
    assert [run.seed for run in fewer.runs() if run.variant == "baseline"] == [seed for seed in seeds if seed < 3]


def test_a_study_that_extends_another_replaces_what_it_names(tmp_path: Path) -> None:
    base = load_study(write(tmp_path, VALID))
    other = tmp_path / "other.yaml"
    other.write_text("extends: study.yaml\nname: other\nseeds: 5\n")
    study = load_study(other)
    assert (study.name, len(study.seeds), study.data) == ("other", 5, base.data)
    assert study.run("skip", 0).model == base.run("skip", 0).model
    third = tmp_path / "third.yaml"
    third.write_text("extends: other.yaml\nname: third\n")
    with pytest.raises(RequestError, match="extends no other"):
        load_study(third)


def test_the_copy_is_judged_by_the_claims_of_the_original() -> None:
    original, copy = (load_study(Path(f"jobs/studies/{name}.yaml")) for name in ("skip", "skip_jpeg"))
    assert (copy.claims, copy.published, dict(copy.variants)) == (
        original.claims,
        original.published,
        dict(original.variants),
    )
    assert dict(copy.looks) == {10: 1.0}


def test_text_that_is_no_value_or_file_is_refused(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, VALID))
    with pytest.raises(RequestError, match="not a YAML value"):
        study.run("skip", 0, ["recipe.epochs={"])
    with pytest.raises(RequestError, match="cannot read"):
        load_study(tmp_path / "absent.yaml")
    with pytest.raises(RequestError, match="seeds"):
        seeds_from_text("a,b")
    assert seeds_from_text("3") == (3,)
    assert seeds_from_text("7,0-2") == (7, 0, 1, 2)
    assert seeds_from_text("0,5") == (0, 5)


def test_a_lone_number_is_a_count_where_it_cannot_be_meant_as_a_seed(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, VALID))
    assert study.with_seeds("3").seeds == (0, 1, 2)
    assert study.with_seeds("7,0-2").seeds == (7, 0, 1, 2)
    with pytest.raises(RequestError, match="seeds"):
        study.with_seeds("0")
    listed = dataclasses.replace(study, seeds=(1000, 1001))
    with pytest.raises(RequestError, match="expected 0-999 for 1000 seeds, or 1000-1000 for seed 1000"):
        listed.with_seeds("1000")
    assert listed.with_seeds("1000-1000").seeds == (1000,)


def test_numbers_without_a_point_are_numbers(tmp_path: Path) -> None:
    assert (
        load_study(write(tmp_path, VALID + "#")).run("skip", 0, ["recipe.learning_rate=5e-4"]).recipe.learning_rate
        == 5e-4
    )


def test_an_unknown_variant_or_field_lists_the_valid_ones(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, VALID))
    with pytest.raises(RequestError, match="baseline, skip"):
        study.run("other", 0)
    with pytest.raises(RequestError, match=r"recipe\.epochs"):
        study.run("skip", 0, ["recipe.epoch=1"])


words = st.text("abz01.-_/ ", max_size=5)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
fields = st.sampled_from([*RecipeConfig.__dataclass_fields__, *ModelConfig.__dataclass_fields__, "other"])


@given(st.dictionaries(fields, anything, max_size=4), st.sampled_from([RecipeConfig, ModelConfig]))
def test_any_mapping_resolves_or_is_refused(values: dict[str, object], cls: type) -> None:
    try:
        built = build(cls, values, "here")
    except RequestError as error:
        message = str(error)
    else:
        message = "here"
        assert all(getattr(built, name) is not None for name in values)
    assert message.startswith("here")
    assert "\n" not in message


def test_a_field_younger_than_the_first_runs_leaves_their_identity_as_it_was() -> None:
    study = load_study(Path("jobs/studies/skip.yaml"))

    def written(*overrides: str) -> object:
        return identity(study.run("baseline", 0, overrides), "data").as_json()["model"]

    names = {"skips", "widths", "projection", "batch_norm", "head", "hidden", "dropout"}
    older, younger = written(), written("model.initialisation=kaiming")
    assert isinstance(older, dict)
    assert isinstance(younger, dict)
    assert set(older) == names
    assert set(younger) == names | {"initialisation"}


def test_the_second_study_crosses_the_skip_with_what_else_eases_training() -> None:
    study = load_study(Path("jobs/studies/why.yaml"))
    assert len(study.runs()) == 6 * 10 + 2 * 5  # the long ones have half the seeds
    interactions = [claim for claim in study.claims if len(claim.variants) == 4]
    assert len(interactions) == 3
    assert all(sum(claim.variants.values()) == 0 for claim in study.claims)


@pytest.mark.parametrize("chosen", [["features"], [], ["predictions", "model"]])
def test_a_study_chooses_what_is_kept_and_no_identity_changes(study_file: Path, chosen: list[str]) -> None:
    before = load_study(study_file)
    study_file.write_text(study_file.read_text() + f"keep: {chosen}\n")
    after = load_study(study_file)
    assert set(after.keep) == set(chosen)
    assert before.keep == ("model", "predictions", "features")
    assert [identity(run, "data").hash for run in before.runs()] == [identity(run, "data").hash for run in after.runs()]


@pytest.mark.parametrize("wrong", ["weights", "[weights]", "{model: true}", "[[model]]"])
def test_what_cannot_be_kept_is_refused(study_file: Path, wrong: str) -> None:
    study_file.write_text(study_file.read_text() + f"keep: {wrong}\n")
    with pytest.raises(RequestError, match="expected a list of some of model, predictions, features"):
        load_study(study_file)


def test_what_a_study_is_set_beside_is_its_own() -> None:
    assert load_study(Path("jobs/studies/skip.yaml")).beside == "skip_jpeg"
    assert load_study(Path("jobs/studies/skip_jpeg.yaml")).beside == ""


@pytest.mark.parametrize("name", ["demo", "../other", 3])
def test_a_study_is_set_beside_another_ones_name(tmp_path: Path, name: object) -> None:
    path = tmp_path / "demo.yaml"
    path.write_text(f"{VALID}beside: {name}\n")
    with pytest.raises(RequestError, match=r"beside: .* is not valid"):
        load_study(path)
