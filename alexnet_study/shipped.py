"""Studies and profiles that ship with the package; each may be asked for by its name or by a path.

They lie in the package where it is installed, and in a checkout or an image where people look for them.
"""

import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from alexnet_study.errors import RequestError
from alexnet_study.provenance import ROOT


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """YAML files of one kind. installed: their folder in the package; checkout: the one in a checkout."""

    kind: str
    installed: str
    checkout: Path

    @property
    def folder(self) -> Path:
        """Return the folder that holds them."""
        inside = Path(str(resources.files("alexnet_study"))) / self.installed
        return inside if inside.is_dir() else self.checkout

    def names(self) -> list[str]:
        """Return the names of what ships, in order."""
        return sorted(path.stem for path in self.folder.glob("*.yaml"))

    def find(self, asked: str) -> Path:
        """Return the path of a file, or of what ships under a name; RequestError lists what ships."""
        if Path(asked).is_file():
            return Path(asked)
        path = self.folder / f"{asked}.yaml"
        if os.sep in asked or not path.is_file():
            raise RequestError(
                f"{self.kind} {asked!r}: not found; expected a file, or one of {', '.join(self.names())}"
            )
        return path


STUDIES = Shelf(kind="study", installed="studies", checkout=ROOT / "jobs/studies")
PROFILES = Shelf(kind="profile", installed="profiles", checkout=ROOT / "slurm/profiles")
