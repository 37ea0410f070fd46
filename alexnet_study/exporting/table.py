"""The tools that runs are exported to, by the name that `--to` takes."""

import importlib
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alexnet_study.errors import RequestError

if TYPE_CHECKING:
    from alexnet_study.api import Runs


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """module: has `export(runs, target) -> what was written`. package: that it needs, an extra of the same name."""

    module: str
    package: str | None = None


EXPORTERS = {
    "tensorboard": Exporter(module="tensorboard_events", package="tensorboard"),
    "mlflow": Exporter(module="mlflow_server", package="mlflow"),
    "csv": Exporter(module="csv_files"),
    "hub": Exporter(module="hub_folder"),
}


def export_runs(runs: "Runs", to: str, target: str) -> str:
    """Export the runs; return what was written, in words. Raise RequestError where the tool's package is missing."""
    exporter = EXPORTERS[to]
    if exporter.package is not None and importlib.util.find_spec(exporter.package) is None:
        extra = f"pip install 'alexnet-study[{exporter.package}]'"
        raise RequestError(f"--to {to}: the package {exporter.package} is not installed; expected: {extra}")
    done: str = importlib.import_module(f"alexnet_study.exporting.{exporter.module}").export(runs, target)
    return done
