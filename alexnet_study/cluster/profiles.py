"""Profiles are YAML files, or the names of those in slurm/profiles; loading one also asks its launcher."""

import os
from pathlib import Path

import yaml

from alexnet_study.cluster.launchers.table import check_launcher
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.errors import RequestError
from alexnet_study.study.validation import build

PROFILES = Path("slurm/profiles")


def load_profile(name: str) -> Profile:
    """Return the profile of a file, or of a name in slurm/profiles; raise RequestError if it is wrong."""
    path = Path(name)
    if os.sep not in name and not path.is_file():
        path = PROFILES / f"{name}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(found.stem for found in PROFILES.glob("*.yaml")))
            raise RequestError(f"profile {name!r}: not found; expected a file, or one of {known} in {PROFILES}")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RequestError(f"profile {path}: cannot be read: {reason}") from None
    except yaml.YAMLError as error:
        raise RequestError(f"profile {path}: not YAML: {' '.join(str(error).split())}") from None
    profile = build(Profile, document or {}, f"profile {path}")
    try:
        check_launcher(profile)
    except RequestError as error:
        raise RequestError(f"profile {path}.{error}") from None
    return profile
