"""The report's rooms import each other in one direction, statistics know of no run, and every topic is shown."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

from alexnet_study.report.sections.contents import CONTENTS

REPORT = Path("alexnet_study/report")


def needed() -> dict[str, set[str]]:
    """Return the rooms that each room of the report imports."""
    graph: dict[str, set[str]] = {}
    for path in sorted(REPORT.rglob("*.py")):
        room = path.relative_to(REPORT).parts[0].removesuffix(".py")
        imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        modules = {f"{node.module}.{alias.name}" for node in imports for alias in node.names}
        own = {name.split(".")[2] for name in modules if name.startswith("alexnet_study.report.")}
        graph.setdefault(room, set()).update(own - {room})
    return graph


def test_no_circle_of_rooms() -> None:
    assert list(TopologicalSorter(needed()).static_order())


def test_statistics_import_nothing_else_of_the_report() -> None:
    assert needed()["statistics"] == set()


def test_only_the_collection_and_its_runs_read_run_folders() -> None:
    importing = {path.name for path in REPORT.rglob("*.py") if "runs.folder" in path.read_text()}
    assert importing == {"collection.py", "run.py"}


def test_every_topic_is_in_the_contents() -> None:
    topics = {path.stem for path in (REPORT / "sections").glob("*.py") if "\ndef section(" in path.read_text()}
    assert {build.__module__.rpartition(".")[2] for build in CONTENTS} == topics
