"""The rooms of alexnet_study.cluster: imports make no circle, and a table's names are compared nowhere."""

import ast
import graphlib
from pathlib import Path

from alexnet_study.cluster.containers.table import RUNTIMES
from alexnet_study.cluster.launchers.table import LAUNCHERS

PACKAGE = Path("alexnet_study/cluster")
PREFIX = "alexnet_study.cluster."


def files() -> list[Path]:
    found = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    assert len(found) > 20
    return found


def imported(path: Path) -> set[str]:
    """The modules of the package that a file imports."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PREFIX):
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            own = {name for name in below if Path(name.replace(".", "/") + ".py").exists()}
            modules |= own or {node.module}
    return modules


def test_imports_make_no_circle_among_files_or_rooms() -> None:
    graph = {str(path.with_suffix("")).replace("/", "."): imported(path) for path in files()}
    list(graphlib.TopologicalSorter(graph).static_order())
    rooms: dict[str, set[str]] = {}
    for module, modules in graph.items():
        room = module.split(".")[2]
        rooms.setdefault(room, set()).update({name.split(".")[2] for name in modules} - {room})
    list(graphlib.TopologicalSorter(rooms).static_order())


def test_no_file_compares_the_name_of_a_launcher_or_a_runtime() -> None:
    names = {name for name in (*LAUNCHERS, *RUNTIMES) if name}
    for path in files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                constants = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
                assert constants.isdisjoint(names), (path, node.lineno)
