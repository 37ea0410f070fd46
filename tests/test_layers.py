"""Imports point down: jobs, then the wings, then data, models and features, then the ground."""

import ast
from pathlib import Path

GROUND = {"errors", "files", "validation", "claims", "config", "interruption", "fencing", "records", "runs", "attempts"}
MIDDLE = {"data", "models", "features"}
WINGS = {
    "cluster": {"cluster"},
    "training": {"origin", "optimizer", "training", "graphs", "evaluation", "one_run", "execution"},
    "report": {"report"},
}


def imported(path: Path) -> set[str]:
    """The rooms of alexnet_study, and `jobs`, that a file imports."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    own = [module.split(".") for module in modules]
    return {
        parts[1] if parts[0] == "alexnet_study" else parts[0] for parts in own if parts[0] in ("alexnet_study", "jobs")
    }


def allowed(room: str) -> set[str]:
    if room in GROUND:
        return GROUND
    if room in MIDDLE:
        return GROUND | MIDDLE
    wing = next(rooms for rooms in WINGS.values() if room in rooms)
    return GROUND | MIDDLE | wing


def test_imports_point_down() -> None:
    package = Path("alexnet_study")
    files = [path for path in package.rglob("*.py") if path != package / "__init__.py"]
    assert len(files) > 10
    for path in files:
        room = path.relative_to(package).parts[0].removesuffix(".py")
        assert imported(path) <= allowed(room), path
