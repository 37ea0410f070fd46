"""Profiles are YAML files, or the names of those that ship; loading one also asks its launcher."""

import yaml

from alexnet_study.cluster.launchers.table import check_launcher
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.errors import RequestError
from alexnet_study.shipped import PROFILES
from alexnet_study.study.validation import build


def load_profile(name: str) -> Profile:
    """Return the profile of a file, or of one that ships; raise RequestError if it is wrong."""
    path = PROFILES.find(name)
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
