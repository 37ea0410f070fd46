"""What a report says first where its runs are not those that the study file asks for."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from alexnet_study.report.collection import Collection, collect
from alexnet_study.report.flags import departures, few, majority, of_data
from alexnet_study.study.study import Study, load_study


def test_runs_of_other_data_recipe_and_structure_are_told(study: Study, collection: Collection) -> None:
    """The runs were made of skip.yaml; the file that the report reads says otherwise."""
    firsts = [collection.of(variant)[0].identity for variant in collection.variants]
    source = dataclasses.replace(collection.runs[0].provenance.source, kind="folder", name="photos", resized=1234)
    edited = dataclasses.replace(study, recipe={**study.recipe, "epochs": 7, "batch_size": 32})
    other, resized, epochs, batch = departures(edited, firsts, source)
    assert other == "The runs' data is photos; the study file asks for cifar10."
    assert resized == "1,234 of the images were not 32×32 and were resized."
    assert epochs.startswith("The runs of baseline, skip have recipe.epochs 5 where the study file has 7 (overridden")
    assert batch.startswith("The runs of baseline, skip have recipe.batch_size 256 where the study file has 32 (over")


def test_runs_as_asked_need_no_word(collection: Collection) -> None:
    study = load_study(Path("jobs/studies/skip.yaml"))
    source = dataclasses.replace(collection.runs[0].provenance.source, kind="cifar10", resized=0)
    firsts = [collection.of(variant)[0].identity for variant in collection.variants]
    assert departures(study, firsts, source) == []
    wider = dataclasses.replace(firsts[1], model=dataclasses.replace(firsts[1].model, hidden=8))
    (line,) = departures(study, [firsts[0], wider], source)
    assert line.startswith("The runs of skip have model.hidden 8 where the study file has 1024")


def test_what_was_done_to_images_left_out_or_doubled_is_told_where_a_run_knows_of_it(collection: Collection) -> None:
    older = dataclasses.replace(collection.runs[0].provenance.source, left_out={}, treated={}, in_both=0, repeated=0)
    assert of_data([older]) == []
    zeros = dataclasses.replace(older, left_out={"hidden": 0}, treated={"turned": 0})
    assert of_data([older, zeros]) == []
    counted: Any = {
        "in_both": 1200,
        "repeated": 7,
        "treated": {"turned": 3},
        "left_out": {"of_other_types": 2, "hidden": 1},
    }
    assert of_data([older, dataclasses.replace(older, **counted)]) == [
        "Images turned as their EXIF orientation says: 3.",
        "Left out of the folder of images: files of types that are not read (2), hidden (1).",
        "1,200 of the data's test images are training images too, to the pixel.",
        "7 of the images repeat another of their own split, to the pixel.",
    ]


def test_doubled_images_are_among_the_flags_of_a_report(study: Study, copy: Path) -> None:
    path = copy / "skip/skip/seed-2/provenance.json"
    recorded = json.loads(path.read_text())
    recorded["source"] |= {"in_both": 5, "repeated": 0}
    path.write_text(json.dumps(recorded))
    told = [flag for flag in collect(study, copy).flags if "to the pixel" in flag]
    assert told == ["5 of the data's test images are training images too, to the pixel."]


def test_the_majority_is_told_of_unbalanced_classes_alone() -> None:
    assert majority(("cat", "dog"), np.array([35.0, 38.0])) == []
    (line,) = majority(("cat", "dog", "bird"), np.array([20.0, 70.0, 10.0]))
    assert line.startswith("The classes are unbalanced: dog is 70.00 % of the test images")


def test_too_few_runs_for_an_interval_are_told() -> None:
    assert few({"baseline": 3, "skip": 3}) == []
    assert few({"baseline": 2, "skip": 3}) == [
        "Two seeds can't tell: an interval takes 3 (baseline has 2), and none is given."
    ]
