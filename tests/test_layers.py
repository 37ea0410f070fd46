"""Imports point down: the rooms are the folders and files on disk, and no two of them import each other."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path("alexnet_study")
FLOORS = (  # from the ground up; a room may import those below it, and its own floor where no circle follows
    {"errors", "files", "gpu", "provenance", "shipped", "wording"},
    {"study", "runs"},
    {"data", "models", "weights", "evaluation"},
    {"cluster", "training", "report"},
    {"api"},
    {"exporting"},
    {"commands"},
)
WINGS = FLOORS[3]  # these don't import each other at all
WITHOUT_TORCH = ("study", "runs", "cluster", "commands", "report", "api", "exporting")

Graph = dict[str, set[str]]


def files() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE or path.name[0] != "_"]


def room_of(module: str) -> str:
    """`runs` of `alexnet_study.runs.folder`."""
    return module.split(".")[1]


def module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path, *, at_import: bool = False) -> set[str]:
    """The modules that a file names in its imports; `at_import`: only those outside functions."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if at_import else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def within_package(path: Path) -> set[str]:
    known = {module_of(other) for other in files()}
    return imported(path) & known


def rooms() -> Graph:
    graph: Graph = {}
    for path in files():
        room = room_of(module_of(path))
        graph.setdefault(room, set()).update(room_of(module) for module in within_package(path))
    return {room: needed - {room} for room, needed in graph.items()}


def test_every_room_has_a_floor_and_every_floor_its_rooms() -> None:
    assert set(rooms()) == set.union(*FLOORS)


def test_imports_point_down() -> None:
    floor = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    for room, needed in rooms().items():
        assert all(floor[other] <= floor[room] for other in needed), room
        assert room not in WINGS or not needed & WINGS, room


def test_no_circle_of_rooms_and_none_of_files() -> None:
    assert list(TopologicalSorter(rooms()).static_order())
    graph = {module_of(path): within_package(path) - {module_of(path)} for path in files()}
    assert list(TopologicalSorter(graph).static_order())


def test_nothing_imports_the_doors_or_the_benchmarks() -> None:
    for path in files():
        assert not {module.split(".")[0] for module in imported(path)} & {"jobs", "benchmarks", "tests"}, path


def test_what_submits_and_reports_does_not_import_torch() -> None:
    for path in files():
        if room_of(module_of(path)) in WITHOUT_TORCH:
            assert not {module.split(".")[0] for module in imported(path, at_import=True)} & {"torch"}, path
