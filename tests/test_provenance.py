"""Which code runs, as the launcher, git or pip says; and which of them is believed."""

import os
import subprocess
from pathlib import Path

import pytest

from alexnet_study import provenance
from alexnet_study.cluster.plans.freeze import refuse_changes
from alexnet_study.errors import RequestError
from alexnet_study.provenance import INSTALLED_FROM, CodeState, code_state, version

STATE = ("COMMIT", "DIRTY", "IMAGE", "CONSTRAINTS")


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ALEXNET_STUDY_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of code that lies outside any checkout."""
    root = tmp_path / "around/checkout"
    (root / "alexnet_study").mkdir(parents=True)
    monkeypatch.setattr(provenance, "ROOT", root)
    monkeypatch.setattr(provenance, "PACKAGE", root / "alexnet_study")
    monkeypatch.syspath_prepend(root)
    return root


def git(root: Path, *words: str) -> str:
    settings = ("-c", "user.name=a", "-c", "user.email=a@b")
    return subprocess.run(["git", "-C", root, *settings, *words], capture_output=True, text=True, check=True).stdout


def test_the_code_is_named_by_the_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(STATE, ("abc", "0", "sha256:1", "f" * 64), strict=True):
        monkeypatch.setenv(f"ALEXNET_STUDY_{name}", value)
    assert code_state() == CodeState(commit="abc", dirty=False, image="sha256:1", constraints="f" * 64)
    for value, dirty in (("1", True), ("", None)):
        monkeypatch.setenv("ALEXNET_STUDY_DIRTY", value)
        assert code_state().dirty is dirty


def test_the_code_is_named_by_git(elsewhere: Path) -> None:
    for name in ("a.py", "constraints.txt"):
        (elsewhere / name).write_text("")
    git(elsewhere, "init", "-q")
    git(elsewhere, "add", ".")
    git(elsewhere, "commit", "-qm", "first")
    (elsewhere / "untracked.py").write_text("")
    head = git(elsewhere, "rev-parse", "HEAD").strip()
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # the SHA-256 of no bytes
    assert code_state() == CodeState(commit=head, dirty=False, constraints=nothing)
    (elsewhere / "a.py").write_text("changed = 1")
    assert (code_state().dirty, code_state().changed) == (True, ("a.py",))


def test_a_renamed_file_is_named_as_before_and_after(elsewhere: Path) -> None:
    (elsewhere / "before.py").write_text("the same\n")
    git(elsewhere, "init", "-q")
    git(elsewhere, "add", ".")
    git(elsewhere, "commit", "-qm", "first")
    git(elsewhere, "mv", "before.py", "after.py")
    assert code_state().changed == ("after.py", "before.py")


def test_the_code_is_named_by_its_installation(elsewhere: Path) -> None:
    recorded = elsewhere / "alexnet_study" / INSTALLED_FROM
    recorded.parent.mkdir(exist_ok=True)
    for text, dirty in (("abc 0", False), ("abc 1", True), ("abc ", None)):
        recorded.write_text(f"{text}\n")
        assert code_state() == CodeState(commit="abc", dirty=dirty)
    metadata = elsewhere / "alexnet_study-9.8.7.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: alexnet-study\nVersion: 9.8.7\n")
    assert version() == "9.8.7"


def test_code_of_no_repository_is_unknown(elsewhere: Path) -> None:
    assert code_state() == CodeState(commit="unknown", dirty=None)
    git(elsewhere.parent, "init", "-q")  # the repository around a venv is another's
    assert code_state().commit == "unknown"


def test_a_checkout_knows_its_own_version(elsewhere: Path) -> None:
    (elsewhere / "pyproject.toml").write_text('[project]\nname = "alexnet-study"\nversion = "1.2.3"\n')
    assert version() == "1.2.3"


def test_the_state_of_the_code_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    state = CodeState(commit="abc", dirty=True, changed=("a.py",), constraints="f" * 64)
    for name, value in state.environment().items():
        monkeypatch.setenv(name, value)
    assert code_state().record() == state.record()
    assert CodeState().environment() == {"ALEXNET_STUDY_COMMIT": "unknown", "ALEXNET_STUDY_DIRTY": ""}


def test_a_checkout_that_git_did_not_look_at_is_called_neither_clean_nor_changed(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(elsewhere, "init", "-q")
    git(elsewhere, "commit", "-q", "--allow-empty", "-m", "first")
    refuse_changes(code_state())
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    foreign = code_state()
    assert (foreign.commit, foreign.dirty) == ("unknown", None)
    with pytest.raises(RequestError, match=r"belongs to another user.*git config --global --add safe\.directory"):
        refuse_changes(foreign)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RequestError, match="not known whether tracked files changed: no git on this machine's PATH"):
        refuse_changes(code_state())


def test_code_outside_any_checkout_needs_no_git(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert code_state().unseen is None
    refuse_changes(code_state())
