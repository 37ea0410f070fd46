"""Three people's tasks, by the documents alone: what is run here is what the pages print."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import write_images


def printed(page: str, language: str) -> list[str]:
    """The blocks of code that a page prints in a language."""
    return re.findall(rf"```{language}\n(.*?)```", Path(f"docs/{page}.md").read_text(), re.DOTALL)


def carry_out(words: Sequence[str], folder: Path) -> str:
    """Run this Python with the words in the folder; return what it printed."""
    environ = os.environ | {"PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def carry_out_command(line: str, folder: Path) -> str:
    """Run a page's line, which begins with python, by this Python."""
    python, *words = line.split()
    assert python == "python"
    return carry_out(words, folder)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first page's study of images of one's own, looked at, trained and reported."""
    folder = tmp_path_factory.mktemp("home")
    write_images(folder / "photos", classes=2, train=20, test=8)
    for split in ("train", "test"):
        for made, name in (("class0", "cat"), ("class1", "dog")):
            (folder / "photos" / split / made).rename(folder / "photos" / split / name)
    (study,) = printed("first-study", "yaml")
    (folder / "mine.yaml").write_text(study)
    look, train = printed("first-study", "sh")
    said = carry_out_command(look, folder)
    assert re.search(r"cat +20 +8", said), said
    assert "1 to be judged: 1 accuracy" in said
    assert not (folder / "results").exists()
    assert "10 of 10 runs finished; report in results/mine/report/index.html" in carry_out_command(train, folder)
    return folder


def test_a_study_of_ones_own_images(home: Path) -> None:
    """A skip at conv3 and a cosine schedule."""
    own = json.loads((home / "results/mine/skip/seed-4/config.json").read_text())
    assert own["model"]["skips"] == ["conv3"]
    assert own["recipe"]["schedule"] == "cosine"
    report = json.loads((home / "results/mine/report/report.json").read_text())
    (claim,) = report["claims"]
    tops = [
        [
            json.loads(path.read_text())["evaluations"]["intact"]["top1"]
            for path in sorted((home / "results/mine" / variant).glob("seed-*/summary.json"))
        ]
        for variant in ("skip", "baseline")
    ]
    assert claim["n"] == 5
    assert claim["estimate"] == pytest.approx((sum(tops[0]) - sum(tops[1])) / 5)
    assert "resized" not in (home / "results/mine/report/report.md").read_text().splitlines()[2]


def test_the_best_run_in_a_notebook(home: Path) -> None:
    """The page's blocks one after another, as a notebook's cells."""
    cells = printed("python", "python")
    assert len(cells) == 3
    show = "\nprint(model.training, arrays['labels'].shape, scores.shape, len(figures) > 0, len(curves))"
    first, second = carry_out(["-c", "\n".join(cells) + show], home).splitlines()[-3:-1]
    summaries = sorted((home / "results/mine").glob("*/seed-*/summary.json"))
    top1 = {path.parent: json.loads(path.read_text())["evaluations"]["intact"]["top1"] for path in summaries}
    best = [
        f"{folder.parent.name} {folder.name.replace('-', ' ')}"
        for folder, value in top1.items()
        if value == max(top1.values())
    ]
    assert first == "['baseline', 'skip'] 10 {}"
    assert second.removesuffix(" ('cat', 'dog')") in best


def test_a_report_of_somebody_elses_runs_as_a_web_page(home: Path) -> None:
    shutil.copytree(home / "results/mine", home / "theirs/mine")
    before = digests(home / "theirs")
    (line,) = printed("reading-a-report", "sh")
    carry_out_command(line, home)
    assert digests(home / "theirs") == before
    page = (home / "public/mine/report/index.html").read_text()
    assert "Does a skip at conv3 help on my images?" in page
    assert not re.search(r"(?:src|href)=[\"']?https?://[^\"']*\.(?:js|css|png|svg|woff2?)", page)


def digests(folder: Path) -> dict[str, str]:
    """The content of every file."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
