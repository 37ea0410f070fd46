"""Profiles are YAML files, or the names of those that ship; loading one also asks its launcher."""

from alexnet_study.cluster.launchers.table import check_launcher
from alexnet_study.cluster.plans.profile import Profile
from alexnet_study.errors import RequestError
from alexnet_study.shipped import PROFILES
from alexnet_study.study.validation import build
from alexnet_study.study.yaml_files import read_yaml


def load_profile(name: str) -> Profile:
    """Return the profile of a file, or of one that ships; raise RequestError if it is wrong."""
    path = PROFILES.find(name)
    try:
        document = read_yaml(path, "profile")
    except RequestError as error:
        raise RequestError(f"profile {path}: {error}") from None
    profile = build(Profile, document or {}, f"profile {path}")
    try:
        check_launcher(profile)
    except RequestError as error:
        raise RequestError(f"profile {path}.{error}") from None
    return profile
