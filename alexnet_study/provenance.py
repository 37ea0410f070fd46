"""Which code runs: its version, its commit, and whether tracked files differ from that.

Needs Python's own library alone, so that an image can be built without the packages that it will hold:
python -m alexnet_study.provenance prints the state of the code as the build's arguments, one a line.
"""

import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from alexnet_study.files import file_digest

NAME = "alexnet-study"
PACKAGE = Path(__file__).parent
ROOT = PACKAGE.parent  # a checkout, an earlier submission's frozen code, an image's folder, or where packages lie
UNKNOWN = "unknown"
INSTALLED_FROM = "installed_from.txt"  # beside this file, in an installation: commit, and whether it was changed


@dataclass(frozen=True, kw_only=True)
class CodeState:
    """The state of the code that runs.

    commit: UNKNOWN where nobody says it. dirty: whether tracked files differ from it, None where that is not known.
    changed: these files, where git names them. unseen: why git could not look at the checkout that holds the code.
    image: the digest of the image that holds it. constraints: the SHA-256 of the pinned versions.
    """

    commit: str = UNKNOWN
    dirty: bool | None = None
    changed: tuple[str, ...] = ()
    unseen: str | None = None
    image: str | None = None
    constraints: str | None = None

    def record(self) -> dict[str, str | bool | None]:
        """Return what a run's provenance holds of it."""
        return {"commit": self.commit, "dirty": self.dirty, "image": self.image, "constraints": self.constraints}

    def environment(self) -> dict[str, str]:
        """Return what the processes of a run are told, since frozen code has no git of its own."""
        dirty = "" if self.dirty is None else str(int(self.dirty))
        state = {"ALEXNET_STUDY_COMMIT": self.commit, "ALEXNET_STUDY_DIRTY": dirty}
        return state if self.constraints is None else {**state, "ALEXNET_STUDY_CONSTRAINTS": self.constraints}


def code_state() -> CodeState:
    """Return the state of the code as the launcher or the image says (ALEXNET_STUDY_*), git, or the installation."""
    environ, pinned = os.environ, _pinned()
    said, unseen = _said(), None
    if said is None:
        said, unseen = _of_checkout()
    commit, dirty, changed = said or _of_installation() or (UNKNOWN, None, ())
    return CodeState(
        commit=commit,
        dirty=dirty,
        changed=changed,
        unseen=unseen,
        image=environ.get("ALEXNET_STUDY_IMAGE") or None,
        constraints=environ.get("ALEXNET_STUDY_CONSTRAINTS") or (file_digest(pinned) if pinned.is_file() else None),
    )


def _pinned() -> Path:
    """The pinned versions that this environment was made with: those of its CUDA, where it holds another than usual."""
    chosen = Path(sys.prefix, ".cuda")
    cuda = chosen.read_text().strip() if chosen.is_file() else ""
    own = ROOT / f"constraints-{cuda}.txt"
    return own if own.is_file() else ROOT / "constraints.txt"


def version() -> str:
    """Return the version of the code that runs, which an older installation beside a checkout does not tell."""
    project = ROOT / "pyproject.toml"
    if project.is_file():
        stated = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {})
        if stated.get("name") == NAME:
            return str(stated["version"])
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return UNKNOWN


def git(*words: str) -> str:
    """Return git's answer about the checkout that holds this code.

    Raise OSError where there is no git, or the code lies in no checkout of its own, as that of an environment inside
    another repository; CalledProcessError where git fails.
    """
    top = _git("rev-parse", "--show-toplevel").strip()
    if Path(top) != ROOT.resolve():
        raise OSError(f"{ROOT} is no checkout of its own")
    return _git(*words)


State = tuple[str, bool | None, tuple[str, ...]]  # commit, dirty, changed


def _said() -> State | None:
    commit, dirty = os.environ.get("ALEXNET_STUDY_COMMIT"), os.environ.get("ALEXNET_STUDY_DIRTY")
    return (commit, dirty not in ("0", "false") if dirty else None, ()) if commit else None


def _of_checkout() -> tuple[State | None, str | None]:
    """Return what git says of the checkout; where it says nothing of one that is there, why."""
    try:
        commit = git("rev-parse", "HEAD").strip()
        lines = git("status", "--porcelain", "--untracked-files=no", "--no-renames", "-z").split("\0")
    except (OSError, subprocess.CalledProcessError) as error:
        return None, _why_unseen(error) if (ROOT / ".git").exists() else None
    changed = tuple(line[3:] for line in lines if line)
    return (commit, bool(changed), changed), None


def _why_unseen(error: OSError | subprocess.CalledProcessError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no git on this machine's PATH"
    said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
    if "dubious ownership" in said:
        return f"the checkout belongs to another user; expected: git config --global --add safe.directory {ROOT}"
    return " ".join(said.split())


def _of_installation() -> State | None:
    """What the installation recorded of the checkout that it was built from."""
    try:
        commit, _, dirty = (PACKAGE / INSTALLED_FROM).read_text().strip().partition(" ")
    except OSError:
        return None
    return commit, dirty == "1" if dirty else None, ()


def _git(*words: str) -> str:
    environment = {**os.environ, "LC_ALL": "C"}  # its complaints in English
    words = ("git", "-C", str(ROOT), *words)
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Print the arguments of an image's build."""
    state = code_state()
    told = {"VERSION": version(), **{key.removeprefix("ALEXNET_STUDY_"): v for key, v in state.environment().items()}}
    print("\n".join(f"{name}={value}" for name, value in told.items()))


if __name__ == "__main__":
    main()
