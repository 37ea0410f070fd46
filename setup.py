"""What pyproject.toml can't say: the packages, found in the folders, and the commit that is installed."""

import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).parent))  # which a build doesn't look into by itself
from alexnet_study.provenance import INSTALLED_FROM, code_state


class BuildWithCommit(build_py):
    """Copy the modules, and write beside them which code they are."""

    def run(self) -> None:
        """Build, then record the state of the checkout; an editable installation has the checkout itself."""
        super().run()
        if not self.editable_mode:
            state = code_state()
            text = f"{state.commit} {'' if state.dirty is None else int(state.dirty)}\n"
            Path(self.build_lib, "alexnet_study", INSTALLED_FROM).write_text(text)


setup(
    packages=[*find_packages(include=["alexnet_study*"]), "alexnet_study.studies", "alexnet_study.profiles"],
    cmdclass={"build_py": BuildWithCommit},
)
