"""What readers should know of a report's runs before its numbers: where they differ from the study file, or mix."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from alexnet_study.data.image_file import TREATMENTS
from alexnet_study.data.image_listing import REASONS
from alexnet_study.data.sources import is_source
from alexnet_study.report.statistics.estimates import LEAST_RUNS, Array, can_not_tell
from alexnet_study.runs.records import UNBALANCED, DataSource, Provenance
from alexnet_study.study.identity import Identity
from alexnet_study.study.study import Study
from alexnet_study.wording import count

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def departures(study: Study, identities: Sequence[Identity], source: DataSource) -> list[str]:
    """Return how runs differ from what the study file asks for: in their data, recipe or structure, a line each.

    identities: of one run of each variant, whose runs are alike. A file that was edited since looks like an override.
    """
    lines = []
    if is_on_other_data(study, source):
        lines.append(f"The runs' data is {source.name}; the study file asks for {study.data}.")
    if source.resized:
        lines.append(f"{source.resized:,} of the images were not 32×32 and were resized.")
    return lines + overridden(study, identities)


def is_on_other_data(study: Study, source: DataSource) -> bool:
    """Return whether runs on `source` aren't on the data that the study file asks for; a folder is like another."""
    return (study.data if is_source(study.data) else "folder") != (source.kind if is_source(source.kind) else "folder")


def overridden(study: Study, identities: Sequence[Identity]) -> list[str]:
    """Return a line for each field of recipe or structure in which runs, one of each variant, differ from the file."""
    changed: dict[str, list[str]] = {}
    for own in identities:
        wanted = study.run(own.variant, own.seed).on_data(own.recipe.normalisation)
        found = [*_differences("recipe", own.recipe, wanted.recipe), *_differences("model", own.model, wanted.model)]
        for difference in found:
            changed.setdefault(difference, []).append(own.variant)
    return [
        f"The runs of {', '.join(variants)} have {difference} (overridden, or the file was edited since)."
        for difference, variants in changed.items()
    ]


def of_data(sources: Sequence[DataSource]) -> list[str]:
    """Return what was done to the images, what was left out, and how many occur twice, a line each.

    sources: of all runs, whose images are the same; runs that are older than a count don't have it.
    """
    treated = _most([own.treated for own in sources])
    lines = [f"Images {TREATMENTS.get(way, way)}: {number:,}." for way, number in treated.items()]
    left_out = _most([own.left_out for own in sources])
    if left_out:
        told = ", ".join(f"{REASONS.get(reason, reason)} ({number:,})" for reason, number in left_out.items())
        lines.append(f"Left out of the folder of images: {told}.")
    if in_both := max(own.in_both for own in sources):
        lines.append(f"{in_both:,} of the data's test images are training images too, to the pixel.")
    if repeated := max(own.repeated for own in sources):
        lines.append(f"{repeated:,} of the images repeat another of their own split, to the pixel.")
    return lines


def _most(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return the greatest count of each key, without those that are 0."""
    keys = dict.fromkeys(key for own in counts for key in own)
    return {key: most for key in keys if (most := max(own.get(key, 0) for own in counts))}


def held_out(identities: Sequence[Identity]) -> list[str]:
    """Return a line where the runs' test images are training images that their study held out."""
    counts = {own.holdout for own in identities} - {0}
    return [
        f"What is called test images here are {count} images held out of the training images: these figures are for "
        "making choices, and say nothing of the test set."
        for count in counts
    ]


def is_unbalanced(sizes: Array) -> bool:
    """Return whether the largest class has so many more images (C,) than the smallest that top-1 misleads."""
    return bool(sizes.max() >= UNBALANCED * max(sizes.min(), 1))


def majority(classes: Sequence[str], sizes: Array) -> list[str]:
    """Return a line where the classes are unbalanced: what naming the largest one always would score."""
    if not is_unbalanced(sizes):
        return []
    share = 100 * sizes.max() / sizes.sum()
    return [
        f"The classes are unbalanced: {classes[int(sizes.argmax())]} is {share:.2f} % of the test images, the top-1 of "
        "always answering so; balanced accuracy (the mean recall of the classes) stands beside top-1."
    ]


def few(counts: Mapping[str, int]) -> list[str]:
    """Return a line where variants have fewer runs than an interval takes; counts: of runs, by variant."""
    found = [f"{variant} has {n}" for variant, n in counts.items() if n < LEAST_RUNS]
    if not found:
        return []
    told = can_not_tell(min(counts.values()))
    return [f"{told[0].upper()}{told[1:]}: an interval takes {LEAST_RUNS} ({', '.join(found)}), and none is given."]


def undrawn(characters: str) -> list[str]:
    """Return a line where no installed font has some characters of what the figures say."""
    if not characters:
        return []
    return [
        f"No installed font has {' '.join(characters)}, so that figures show boxes in their place; install one that "
        "has, such as Noto Sans CJK, and make the report again."
    ]


def _differences(section: str, own: "DataclassInstance", wanted: "DataclassInstance") -> list[str]:
    """Return the fields that differ, as `recipe.epochs 2 where the study file has 5`."""
    pairs = ((f.name, getattr(own, f.name), getattr(wanted, f.name)) for f in dataclasses.fields(own))
    return [f"{section}.{name} {a} where the study file has {b}" for name, a, b in pairs if a != b]


def mixtures(provenances: Sequence[Provenance]) -> list[str]:
    """Return differences between runs that do not keep them apart but that a reader should know."""
    flags = []
    for label, values in (
        ("devices", {own.device for own in provenances}),
        ("commits", {own.commit[:12] for own in provenances}),
        ("versions of torch", {own.versions.get("torch") for own in provenances}),
    ):
        if len(values) > 1:
            flags.append(f"The runs mix {label}: {', '.join(sorted(str(value) for value in values))}.")
    all_runs = count(len(provenances), "run")
    dirty = sum(bool(own.dirty) for own in provenances)
    if dirty:
        flags.append(f"{dirty} of {all_runs} came from code with uncommitted changes.")
    inexact = sum(own.bit_exact is False for own in provenances)
    if inexact:
        where = "on another device model or other versions than they began with: their bits are not reproducible"
        flags.append(f"{inexact} of {all_runs} went on {where}.")
    return flags
