"""A study file becomes validated, frozen configurations: one `RunConfig` for each variant and seed.

Every mistake in a study file raises `RequestError` with one line that names the place and what would be right.
"""

import dataclasses
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from alexnet_study.errors import RequestError
from alexnet_study.study.claims import Claim, Published
from alexnet_study.study.configs import KEEPABLE, MEASURABLE, MEASURED, ModelConfig, RecipeConfig, RunConfig
from alexnet_study.study.validation import build, check, check_keys
from alexnet_study.study.yaml_files import read_yaml

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What one variant changes: fields of the model, and of the recipe.

    seeds: with which of the study's seeds it runs, a count or a list as the study's own; by default with all of them.
    """

    model: Mapping[str, object] = field(default_factory=dict)
    recipe: Mapping[str, object] = field(default_factory=dict)
    seeds: object = None

    def __post_init__(self) -> None:
        """Raise RequestError if the seeds are neither a count nor a list."""
        if self.seeds is not None:
            parse_seeds(self.seeds)


@dataclass(frozen=True, kw_only=True)
class Study:
    """A validated study file.

    looks: at which numbers of seeds its claims are judged, and the share of the error that each look spends; they sum
    to 1. By default all is spent at the study's number of seeds.
    keep: which of model, predictions and features stay in a finished run's folder; no part of its identity.
    measure: what is measured of each trained model: `metrics` always, `pca` and `regressors` by default; `mirrored` is
    an evaluation whose logits are averaged with those of the mirrored image.
    holdout: so many training images, evenly over classes, are kept from training and used in place of the test set.
    beside: the name of another study of these variants, whose figures the report sets beside this one's.
    """

    name: str
    question: str
    data: str
    seeds: tuple[int, ...]
    recipe: Mapping[str, object]
    variants: Mapping[str, Variant]
    looks: Mapping[int, float]
    claims: tuple[Claim, ...] = ()
    published: Published | None = None
    keep: tuple[str, ...] = KEEPABLE
    measure: tuple[str, ...] = MEASURED
    holdout: int = 0
    beside: str = ""

    def run(self, variant: str, seed: int, overrides: Iterable[str] = ()) -> RunConfig:
        """Return the run of `variant` and `seed`; `overrides`, `recipe.FIELD=VALUE` or `model.FIELD=VALUE`, win."""
        if variant not in self.variants:
            valid = ", ".join(self.variants)
            raise RequestError(f"variant {variant!r} is not in study {self.name}: expected one of {valid}")
        chosen = self.variants[variant]
        sections = {"model": dict(chosen.model), "recipe": {**self.recipe, **chosen.recipe}}
        for override in overrides:
            section, name, value = _parse_override(override)
            sections[section][name] = value
        where = f"variant {variant}"
        return RunConfig(
            study=self.name,
            variant=variant,
            seed=seed,
            model=build(ModelConfig, sections["model"], f"{where}: model"),
            recipe=build(RecipeConfig, sections["recipe"], f"{where}: recipe"),
            measure=self.measure,
            holdout=self.holdout,
            normalised_by_data="normalisation" not in sections["recipe"],
        )

    def runs(self, overrides: Iterable[str] = ()) -> list[RunConfig]:
        """Return every run of the study, seed by seed, so that a study cut short is balanced."""
        overrides = tuple(overrides)
        variants = {name: self.run(name, 0, overrides) for name in self.variants}  # validated once, not for each seed
        chosen = {name: frozenset(self.seeds_of(name)) for name in self.variants}
        return [
            replace(variants[name], seed=seed) for seed in self.seeds for name in self.variants if seed in chosen[name]
        ]

    def seeds_of(self, variant: str) -> tuple[int, ...]:
        """Return the seeds of the study with which a variant runs, in the study's order."""
        chosen = self.variants[variant].seeds
        if chosen is None:
            return self.seeds
        wanted = frozenset(parse_seeds(chosen))
        return tuple(seed for seed in self.seeds if seed in wanted)

    def with_seeds(self, text: str) -> "Study":
        """Return the study with seeds as a command line gives them, where a lone n means n seeds: 0 … n−1.

        Raise RequestError for a lone n if the study's own seeds aren't such a row: n could be meant as one of them.
        """
        if not text.strip().isdecimal():
            return replace(self, seeds=seeds_from_text(text))
        n, counted = int(text), parse_seeds(int(text))
        if sorted(self.seeds) != list(range(len(self.seeds))):
            raise RequestError(
                f"--seeds {n}: study {self.name} lists its seeds, so that may be a count or a seed; "
                f"expected 0-{n - 1} for {n} seeds, or {n}-{n} for seed {n}"
            )
        return replace(self, seeds=counted)


def load_study(path: Path) -> Study:
    """Read and validate a study file; RequestError names the file and the mistake."""
    try:
        return _study_from(study_document(path))
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from None


def study_document(path: Path) -> typing.Any:
    """Return a study file's content as plain values, with that of the file that it extends; not yet validated."""
    return _extended(read_yaml(path, "study file"), path.parent)


def parse_seeds(value: object) -> tuple[int, ...]:
    """Return seeds from a count (n means 0 … n−1) or a list of different integers of at least 0."""
    expected = "a positive count or a list of different integers of at least 0"
    if isinstance(value, int) and not isinstance(value, bool):
        check(value >= 1, "seeds", value, expected)
        return tuple(range(value))
    check(isinstance(value, list) and len(value) > 0, "seeds", value, expected)
    seeds = typing.cast(list[int], value)
    for seed in seeds:
        check(isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0, "seeds", seed, expected)
    check(len(set(seeds)) == len(seeds), "seeds", seeds, expected)
    return tuple(seeds)


def parse_looks(value: object, seeds: int) -> Mapping[int, float]:
    """Return looks such as `{10: 0.2, 20: 0.8}`: ascending numbers of seeds up to `seeds`, and shares of sum 1."""
    expected = f"numbers of seeds from 3 to {seeds}, ascending, with shares of the error that sum to 1"
    if value is None:
        return types.MappingProxyType({seeds: 1.0})
    check(isinstance(value, dict) and len(value) > 0, "looks", value, expected)
    looks = typing.cast(dict[int, float], value)
    counts = all(isinstance(n, int) and not isinstance(n, bool) and 3 <= n <= seeds for n in looks)
    shares = all(isinstance(s, int | float) and not isinstance(s, bool) and 0 < s <= 1 for s in looks.values())
    check(counts and shares and list(looks) == sorted(looks), "looks", looks, expected)
    check(math.isclose(sum(looks.values()), 1), "looks", looks, expected)
    return types.MappingProxyType({n: float(share) for n, share in looks.items()})


def parse_keep(value: object) -> tuple[str, ...]:
    """Return what a finished run's folder keeps, from a list of names; none of them is a choice, too."""
    expected = f"a list of some of {', '.join(KEEPABLE)}"
    check(isinstance(value, list) and all(name in KEEPABLE for name in value), "keep", value, expected)
    return tuple(name for name in KEEPABLE if name in typing.cast(list[str], value))


def parse_measure(value: object) -> tuple[str, ...]:
    """Return what is measured, in the order of MEASURABLE."""
    expected = f"a list with metrics, of {', '.join(MEASURABLE)}"
    check(isinstance(value, list) and "metrics" in value, "measure", value, expected)
    names = typing.cast(list[object], value)
    check(all(name in MEASURABLE and names.count(name) == 1 for name in names), "measure", names, expected)
    return tuple(name for name in MEASURABLE if name in names)


def parse_holdout(value: object) -> int:
    """Return how many training images are held out."""
    right = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    check(right, "holdout", value, "a number of training images, 0 for none")
    return typing.cast(int, value)


def seeds_from_text(text: str) -> tuple[int, ...]:
    """Return seeds as a command line gives them: `3`, `0,2,5`, `0-9`, mixed."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        check(match is not None, "seeds", text, "integers of at least 0 and ranges, as in 0,2,5 or 0-9")
        low, high = typing.cast(re.Match[str], match).groups()
        seeds += range(int(low), int(high or low) + 1)
    return parse_seeds(seeds)


def check_name(value: object, where: str) -> str:
    """Return a study's or variant's name; raise RequestError if it could leave the results folder as a folder's."""
    expected = "letters, digits, - and _, at most 64, starting with a letter or digit"
    check(isinstance(value, str) and NAME.fullmatch(value) is not None, where, value, expected)
    return typing.cast(str, value)


def _extended(document: object, folder: Path) -> object:
    """The document, on top of the study file that it `extends`: its keys replace those of the same name.

    What the other is set `beside` is that study's own, and isn't taken over.
    """
    if not isinstance(document, dict) or "extends" not in document:
        return document
    name = document.pop("extends")
    check(isinstance(name, str) and Path(name).name == name, "extends", name, "the name of a study file beside it")
    base = read_yaml(folder / name, "study file")
    right = isinstance(base, dict) and "extends" not in base
    check(right, "extends", name, "a study file that extends no other")
    taken = {key: value for key, value in typing.cast(dict[str, object], base).items() if key != "beside"}
    return {**taken, **document}


def _study_from(document: object) -> Study:
    if document is None:
        raise RequestError("the file is empty: expected a mapping with name, data, seeds and variants")
    if not isinstance(document, dict):
        raise RequestError(f"expected a mapping at the top, got a {type(document).__name__}")
    check_keys(document, [f.name for f in dataclasses.fields(Study)], "study")
    missing = [name for name in ("name", "data", "seeds", "variants") if name not in document]
    if missing:
        raise RequestError(f"missing {', '.join(missing)}")
    variants = document["variants"]
    check(isinstance(variants, dict) and len(variants) > 0, "variants", variants, "a mapping from name to changes")
    check(isinstance(document["data"], str), "data", document["data"], "a source's name or a folder, as text")
    seeds = parse_seeds(document["seeds"])
    study = Study(
        name=check_name(document["name"], "name"),
        question=str(document.get("question", "")),
        data=document["data"],
        seeds=seeds,
        looks=parse_looks(document.get("looks"), len(seeds)),
        recipe=document.get("recipe") or {},
        variants={
            check_name(name, "variants"): build(Variant, body or {}, f"variant {name}")
            for name, body in variants.items()
        },
        claims=_claims(document.get("claims", []), variants),
        published=_published(document.get("published"), variants),
        keep=parse_keep(document.get("keep", list(KEEPABLE))),
        measure=parse_measure(document.get("measure", list(MEASURED))),
        holdout=parse_holdout(document.get("holdout", 0)),
        beside=_beside(document.get("beside", ""), document["name"]),
    )
    build(RecipeConfig, study.recipe, "recipe")
    study.runs()  # each variant resolves, or says why not
    return study


def _claims(entries: object, variants: Mapping[str, object]) -> tuple[Claim, ...]:
    check(isinstance(entries, list), "claims", entries, "a list")
    claims = [build(Claim, entry, f"claim {n}") for n, entry in enumerate(typing.cast(list[object], entries), 1)]
    for claim in claims:
        _check_variants(claim.own_variants, variants, f"claim {claim.id}: variants")
    ids = [claim.id for claim in claims]
    doubled = sorted({name for name in ids if ids.count(name) > 1})
    check(not doubled, "claims: id", ", ".join(doubled), "each id once")
    return tuple(claims)


def _beside(value: object, own: str) -> str:
    if value == "":
        return ""
    check(value != own, "beside", value, "another study's name")
    return check_name(value, "beside")


def _published(entry: object, variants: Mapping[str, object]) -> Published | None:
    if entry is None:
        return None
    published = build(Published, entry, "published")
    for group in published.figures:
        _check_variants(group.values, variants, f"published figures {group.name!r}: values")
    return published


def _check_variants(named: Iterable[str], variants: Mapping[str, object], where: str) -> None:
    check_keys(dict.fromkeys(named), variants, where)


def _parse_override(override: str) -> tuple[str, str, object]:
    key, equals, text = override.partition("=")
    section, _, name = key.partition(".")
    sections = {"recipe": RecipeConfig, "model": ModelConfig}
    valid = [f"{s}.{f.name}" for s, cls in sections.items() for f in dataclasses.fields(cls)]
    if not equals or f"{section}.{name}" not in valid:
        raise RequestError(f"--set {override}: expected FIELD=VALUE with FIELD one of {', '.join(valid)}")
    try:
        return section, name, yaml.safe_load(text)
    except yaml.YAMLError:
        raise RequestError(f"--set {override}: {text!r} is not a YAML value") from None
