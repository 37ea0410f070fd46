"""Folders as people have them: each is read rightly, what is left out counted, or refused by one clear line."""

import errno
import json
import os
import shutil
import socket
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image

from alexnet_study.data.cache import load_dataset
from alexnet_study.errors import RequestError
from alexnet_study.runs.records import DataSource, as_json, parse
from tests.conftest import write_images

Change = Callable[[Path], object]
IN_EACH = 3  # images of each class in each split; there are two classes, class0 and class1
NOT_UTF8 = os.fsdecode(b"caf\xe9")


class Right(NamedTuple):
    """What is done to a folder that is read, its images then, what is left out, and words of the notes."""

    change: Change
    train: int = 2 * IN_EACH
    test: int = 2 * IN_EACH
    left_out: dict[str, int] = {}  # noqa: RUF012
    said: str = ""


class Refused(NamedTuple):
    """What is done to a folder that is refused, and words of the line."""

    change: Change
    line: str


def another(path: Path, colour: int = 7) -> Path:
    """One more image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), (colour, 1, 2)).save(path, "PNG")
    return path


def text(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("text")
    return path


def link(path: Path, target: str | Path) -> None:
    path.symlink_to(target)


def rename(folder: Path, old: str, new: str) -> None:
    for split in ("train", "test"):
        (folder / split / old).rename(folder / split / new)


def move_class_and_link(folder: Path) -> None:
    shutil.move(folder / "train/class1", folder.parent / "elsewhere")
    link(folder / "train/class1", folder.parent / "elsewhere")


def linked_twice(folder: Path) -> None:
    another(folder.parent / "more/a.png")
    link(folder / "train/class0/one", folder.parent / "more")
    link(folder / "train/class0/two", folder.parent / "more")


def linked_in_a_ring(folder: Path) -> None:
    another(folder.parent / "a/a.png")
    another(folder.parent / "b/b.png", 8)
    link(folder.parent / "a/b", folder.parent / "b")
    link(folder.parent / "b/a", folder.parent / "a")
    link(folder / "train/class0/ring", folder.parent / "a")


def same_name_in_two_forms(folder: Path) -> None:
    for split, form in (("train", "NFC"), ("test", "NFD")):
        (folder / split / "class1").rename(folder / split / unicodedata.normalize(form, "café"))


def bind_socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder / "train/class0")  # a socket's path may have 107 bytes
    try:
        socket.socket(socket.AF_UNIX).bind("s.png")
    finally:
        os.chdir(here)


def only(folder: Path, *, classes: int = 2, train: int = IN_EACH, test: int = IN_EACH) -> None:
    """Leave the first classes, and of each the first images in each split."""
    for split, count in (("train", train), ("test", test)):
        for label in range(2):
            for path in sorted((folder / split / f"class{label}").iterdir())[count if label < classes else 0 :]:
                path.unlink()
        for label in range(classes, 2):
            (folder / split / f"class{label}").rmdir()


def copied(folder: Path, source: str, target: str) -> None:
    shutil.copy(folder / source, folder / target)


RIGHT = {
    "nothing odd": Right(lambda f: None),
    "Jupyter's checkpoints in a class": Right(
        lambda f: another(f / "train/class0/.ipynb_checkpoints/000-checkpoint.png"),
        left_out={"hidden": 1},
        said="left out, hidden: 1",
    ),
    "Jupyter's checkpoints as a class": Right(
        lambda f: another(f / "train/.ipynb_checkpoints/a.png"), left_out={"hidden": 1}
    ),
    "macOS's doubles": Right(
        lambda f: [text(f / "train/class0" / name) for name in ("._000.png", "._001.png", ".DS_Store")],
        left_out={"hidden": 3},
        said="left out, hidden: 3",
    ),
    "macOS's archive folder beside the splits": Right(
        lambda f: text(f / "__MACOSX/train/class0/._0.png"), left_out={"hidden": 1}
    ),
    "macOS's archive folder as a class": Right(lambda f: text(f / "test/__MACOSX/._0.png"), left_out={"hidden": 1}),
    "a hidden link that leads nowhere": Right(
        lambda f: link(f / "train/class0/.#000.png", "user@host"), left_out={"hidden": 1}
    ),
    "an image directly under train/": Right(
        lambda f: another(f / "train/lost.png"), left_out={"in_no_class": 1}, said="train/lost.png"
    ),
    "labels directly under test/": Right(
        lambda f: text(f / "test/labels.csv"), left_out={"in_no_class": 1}, said="test/labels.csv"
    ),
    "types that are not read": Right(
        lambda f: [text(f / "train/class0" / name) for name in ("a.gif", "b.GIF", "c.heic", "README")],
        left_out={"of_other_types": 4},
        said="2 .gif, 1 .heic, 1 without an ending; read are .jpg",
    ),
    "more of them than a line names": Right(
        lambda f: [text(f / f"train/class0/{n:02}.txt") for n in range(33)],
        left_out={"of_other_types": 33},
        said="train/class0/19.txt; and 13 more",
    ),
    "a validation split": Right(lambda f: another(f / "val/class0/a.png"), left_out={"beside": 1}, said="val"),
    "a README beside the splits": Right(lambda f: text(f / "README.md")),
    "folders in a class": Right(lambda f: another(f / "train/class0/more/still/a.png"), train=7),
    "an empty folder in a class": Right(lambda f: (f / "train/class0/empty").mkdir()),
    "a class that is a link": Right(move_class_and_link),
    "a linked folder in a class": Right(
        lambda f: link(f / "train/class0/more", another(f.parent / "more/a.png").parent), train=7
    ),
    "a folder linked twice": Right(linked_twice, train=7, left_out={"linked_again": 1}, said="train/class0/two"),
    "a link to the folder that holds it": Right(
        lambda f: link(f / "train/class0/loop", "."), left_out={"linked_again": 1}, said="train/class0/loop"
    ),
    "a link to the folder above": Right(lambda f: link(f / "train/class0/loop", ".."), left_out={"linked_again": 1}),
    "a link to the whole": Right(lambda f: link(f / "train/class0/loop", f), left_out={"linked_again": 1}),
    "folders linked in a ring": Right(linked_in_a_ring, train=8, left_out={"linked_again": 1}),
    "a linked image": Right(lambda f: link(f / "train/class0/a.png", another(f.parent / "a.png")), train=7),
    "a hard link": Right(lambda f: os.link(another(f.parent / "a.png"), f / "train/class0/a.png"), train=7),
    "a file's name that is not UTF-8": Right(lambda f: another(f / f"train/class0/{NOT_UTF8}.png"), train=7),
    "a file's name with a line break": Right(lambda f: another(f / "train/class0/a\nb.png"), train=7),
    "a folder called like an image": Right(lambda f: another(f / "train/class0/all.png/a.png"), train=7),
    "class names with signs": Right(lambda f: rename(f, "class0", "a.b $x$ 'y' \\ \"z\"")),
    "class names in other scripts": Right(lambda f: rename(f, "class0", "고양이")),
    "one class far larger": Right(lambda f: [another(f / f"train/class0/x{n}.png", n) for n in range(94)], train=100),
    "a test image that is a training image": Right(
        lambda f: copied(f, "train/class0/000.png", "test/class0/000.png"),
        said="test images that are training images too, to the pixel: 1 of 6",
    ),
    "an image twice": Right(
        lambda f: copied(f, "train/class0/000.png", "train/class1/again.png"),
        train=7,
        said="images that repeat another of their own split, to the pixel: 1",
    ),
    "the least that can be analysed": Right(lambda f: only(f, train=1, test=2), train=2, test=4),
    "train/ and test/ are the same": Right(
        lambda f: (shutil.rmtree(f / "test"), link(f / "test", "train")), said="to the pixel: 6 of 6"
    ),
}

REFUSED = {
    "no train/": Refused(lambda f: shutil.rmtree(f / "train"), "train/ is missing; expected .*; there is test/$"),
    "neither": Refused(lambda f: (f / "train").rename(f / "val") and shutil.rmtree(f / "test"), "there is val/"),
    "nothing at all": Refused(lambda f: [shutil.rmtree(f / s) for s in ("train", "test")], "the folder is empty"),
    "one folder too high": Refused(
        lambda f: shutil.move(shutil.move(f, f.parent / "inner"), another(f / "x").parent / "inner"),
        "did you mean .*/images/inner\\?",
    ),
    "train/ is a file": Refused(lambda f: (shutil.rmtree(f / "train"), text(f / "train")), "train/ is missing"),
    "train/ is a pipe": Refused(lambda f: (shutil.rmtree(f / "train"), os.mkfifo(f / "train")), "train/ is missing"),
    "no classes": Refused(
        lambda f: [
            shutil.move(f / "train/class0/000.png", f),
            *[shutil.rmtree(f / "train" / c) for c in os.listdir(f / "train")],
        ],
        "train/ has no images in it",
    ),
    "images without classes": Refused(
        lambda f: [another(f / "train/a.png"), *[shutil.rmtree(f / f"train/class{n}") for n in range(2)]],
        "train/ has no images in it.*in no class's folder: 1 \\(train/a.png\\)",
    ),
    "an empty class": Refused(lambda f: (f / "train/class2").mkdir(), "train/ has no images in class class2;"),
    "a class of other types": Refused(
        lambda f: text(f / "test/class2/a.gif"), "test/ has no images in class class2;.*1 .gif; read are .jpg"
    ),
    "a class in train/ alone": Refused(
        lambda f: another(f / "train/class2/a.png"), r"differ in class2 \(only in train\)"
    ),
    "a class in test/ alone": Refused(lambda f: another(f / "test/class2/a.png"), r"differ in class2 \(only in test\)"),
    "another spelling": Refused(
        lambda f: (f / "test/class1").rename(f / "test/Class1"),
        r"differ in Class1 \(only in test\), class1 \(only in train\)",
    ),
    "the same name in two Unicode forms": Refused(same_name_in_two_forms, "the same names in different Unicode forms"),
    "a class's name that is not UTF-8": Refused(
        lambda f: rename(f, "class0", NOT_UTF8), r"train/caf\\xe9 \(its name, a class's, is not UTF-8\)"
    ),
    "a bad file whose name is not UTF-8": Refused(
        lambda f: text(f / f"train/class0/{NOT_UTF8}.png"), r"train/class0/caf\\xe9.png \(no image of a known kind\)"
    ),
    "a bad file whose name has a line break": Refused(
        lambda f: text(f / "train/class0/a\nb.png"), r"train/class0/a\\nb.png \(no image"
    ),
    "many bad files": Refused(
        lambda f: [text(f / f"train/class0/x{n:02}.png") for n in range(25)],
        r"cannot read 25 files or folders.*x00.png \(.*x19.png \([^;]*; and 5 more$",
    ),
    "a pipe": Refused(lambda f: os.mkfifo(f / "train/class0/p.png"), r"class0/p.png \(no file but a pipe"),
    "a linked device": Refused(lambda f: link(f / "train/class0/z.png", "/dev/zero"), r"class0/z.png \(no file but a"),
    "a socket": Refused(bind_socket, r"class0/s.png \(no file but a pipe, a socket"),
    "a link that leads nowhere": Refused(
        lambda f: link(f / "train/class0/a.png", "/nowhere/a.png"), r"class0/a.png \(a link that leads nowhere: No such"
    ),
    "a class that leads nowhere": Refused(
        lambda f: link(f / "train/class2", "/nowhere"), r"train/class2 \(a link that leads nowhere: No such"
    ),
    "a link to itself": Refused(
        lambda f: link(f / "train/class0/a.png", "a.png"), r"class0/a.png \(a link that leads nowhere: Too many levels"
    ),
    "one class": Refused(lambda f: only(f, classes=1), "too little to analyse: classes: 1, training images: 3"),
    "one training image": Refused(
        lambda f: only(f, classes=1, train=1),
        "training images: 1, test images: 3; expected at least classes: 2, training",
    ),
    "one test image": Refused(lambda f: only(f, classes=1, test=1), "test images: 1; expected .* test images: 4"),
    "three test images": Refused(lambda f: [only(f, test=2), (f / "test/class0/000.png").unlink()], "test images: 3;"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_images(tmp_path / "images", classes=2, train=IN_EACH, test=IN_EACH)


@pytest.mark.parametrize("name", RIGHT)
def test_an_odd_folder_is_read_and_what_is_left_out_counted(
    name: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    case = RIGHT[name]
    case.change(folder)
    data = load_dataset(str(folder))
    assert (len(data.train), len(data.test)) == (case.train, case.test)
    assert data.source.left_out == case.left_out
    notes = capfd.readouterr().err.splitlines()
    assert all(note.startswith(f"note: --data {folder}: ") for note in notes)
    assert any(case.said in note for note in notes) if case.said or case.left_out else notes == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_folder_that_cannot_be_used_is_one_line(name: str, folder: Path) -> None:
    case = REFUSED[name]
    case.change(folder)
    with pytest.raises(RequestError, match=rf"^--data \S*/images: [^\n]*{case.line}") as caught:
        load_dataset(str(folder))
    assert "\n" not in str(caught.value)
    str(caught.value).encode()
    assert not folder.with_name("images.cache").exists()


@pytest.mark.parametrize("place", ["train", "train/class0", "train/class0/000.png"])
def test_what_may_not_be_read_is_one_line(place: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = {str(folder / place)}
    scan, read = os.scandir, Path.read_bytes

    def check(path: str | Path) -> None:
        if str(path) in refuse:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "scandir", lambda path: (check(path), scan(path))[1])  # root may read everything
    monkeypatch.setattr(Path, "read_bytes", lambda path: (check(path), read(path))[1])
    with pytest.raises(RequestError, match=rf"cannot read 1 file or folder.*: {place} \(.*Permission denied\)$"):
        load_dataset(str(folder))


def test_counts_go_into_the_record_of_the_source(folder: Path) -> None:
    another(folder / "train/class0/.ipynb_checkpoints/a.png")
    copied(folder, "train/class0/000.png", "test/class0/000.png")
    copied(folder, "train/class0/000.png", "train/class1/again.png")
    Image.new("RGBA", (32, 32)).save(folder / "train/class1/clear.png")
    for _ in range(2):  # decoded, then from the cache
        record = load_dataset(str(folder)).source
        assert parse(DataSource, json.loads(json.dumps(as_json(record))), "source") == record
        assert (record.left_out, record.treated) == ({"hidden": 1}, {"transparent": 1})
        assert (record.in_both, record.repeated, record.images) == (1, 1, 14)


def test_a_record_from_before_the_counts_has_none() -> None:
    record = parse(DataSource, {"kind": "folder", "name": "images", "resized": 0}, "source")
    assert (record.left_out, record.treated, record.in_both, record.channel_mean) == ({}, {}, 0, ())
    assert as_json(record) == {"kind": "folder", "name": "images", "resized": 0}


def test_a_folder_goes_by_any_path_to_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load_dataset(str(folder)).content_hash
    monkeypatch.chdir(folder)
    for path in (".", "../images/", "train/.."):
        data = load_dataset(path, cache=folder.parent / "cache")
        assert (data.content_hash, data.source.name) == (expected, "images")


def test_a_folders_name_that_is_not_utf8_is_one_line(folder: Path) -> None:
    with pytest.raises(RequestError, match=r"caf\\xe9: the folder's name is not UTF-8"):
        load_dataset(str(folder.rename(folder.with_name(NOT_UTF8))))
