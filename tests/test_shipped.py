"""Studies and profiles by path or by name."""

from pathlib import Path

import pytest

from alexnet_study.errors import RequestError
from alexnet_study.shipped import PROFILES, STUDIES


def test_names_are_those_of_the_checkout() -> None:
    for shelf, folder in ((STUDIES, "jobs/studies"), (PROFILES, "slurm/profiles")):
        assert shelf.names() == sorted(path.stem for path in Path(folder).glob("*.yaml"))
        assert all(shelf.find(name).samefile(f"{folder}/{name}.yaml") for name in shelf.names())


def test_a_file_wins_over_what_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").write_text("")
    assert STUDIES.find("demo").resolve() == tmp_path / "demo"
    assert STUDIES.find("skip").parent == STUDIES.folder


@pytest.mark.parametrize("asked", ["nothing", "nothing.yaml", "skip.yaml", "jobs/demo", "../studies/demo", "", "."])
def test_nothing_else_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    shipped = ", ".join(sorted(path.stem for path in Path("jobs/studies").glob("*.yaml")))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=f"not found; expected a file, or one of {shipped}"):
        STUDIES.find(asked)
