"""The fence, as it is or with a fault put into it, on a model of a file system."""

import types
from collections.abc import Callable
from pathlib import Path

import pytest

from alexnet_study.runs import fencing
from tests.runs.exploration import Bounds, Explorer, Fault, Program, Start
from tests.runs.modelled_files import FileSystem


class Exploration:
    """What the tests of this folder use of the explorer."""

    Fault = Fault

    def __init__(self, patch: Callable[[object, str, object], None]) -> None:
        self._patch = patch

    def __call__(
        self,
        *jobs: tuple[str, int],
        nfs: bool,
        kills: int = 0,
        losses: int = 0,
        switches: int | None = None,
        fault: tuple[str, str] | None = None,
    ) -> Explorer:
        """Walk all states of attempts of these jobs and restart counts; `fault` replaces a text of the fence's."""
        module = fencing if fault is None else _changed(*fault)
        program = Program(module, one_machine=not nfs, patch=self._patch)
        starts = [Start(job=job, restart=restart) for job, restart in jobs]
        explorer = Explorer(program, FileSystem(nfs=nfs), starts, Bounds(kills=kills, losses=losses, switches=switches))
        explorer.explore()
        return explorer


def _changed(old: str, new: str) -> types.ModuleType:
    text = Path(fencing.__file__).read_text()
    assert text.count(old) == 1, f"the fence has no single {old!r}"
    module = types.ModuleType(fencing.__name__)
    exec(compile(text.replace(old, new), fencing.__file__, "exec"), module.__dict__)
    return module


@pytest.fixture
def explore(monkeypatch: pytest.MonkeyPatch) -> Exploration:
    """Walks all states of some attempts at one run; raises Fault, with the schedule, where a property fails."""
    return Exploration(monkeypatch.setattr)
