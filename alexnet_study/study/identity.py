"""A run's identity: what determines its result, and the hash of that, which config.json holds."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from alexnet_study.files import digest
from alexnet_study.study.configs import RunConfig

NUMERICS = 2  # raised when a change of code changes the bits of a result


def identity(run: RunConfig, dataset: str) -> dict[str, Any]:
    """Return what determines a run's result, in full values, and its hash; `dataset` is the data's content hash.

    The variant's name stands in it for readers but not in the hash. Paths, commit, device and versions are absent.
    """
    recipe = _identity_fields(run.recipe)
    threads = recipe.pop("threads")
    fields = {
        "model": _identity_fields(run.model),
        "recipe": recipe,
        "seed": run.seed,
        "dataset": dataset,
        "threads": threads,
        "numerics": NUMERICS,
    }
    return {"variant": run.variant, **fields, "hash": identity_hash(fields)}


def identity_hash(fields: dict[str, Any]) -> str:
    """Return the SHA-256 of an identity, its names left out, in hexadecimal."""
    return digest({name: value for name, value in fields.items() if name not in ("variant", "hash")})


def _identity_fields(config: Any) -> dict[str, Any]:
    """Return a configuration's fields as plain values, without those that are younger than a run can know of.

    A field that joined a configuration after its first runs tells so in its metadata, `{"since": n}`: the identity's
    fields had their first shape in version 1, and each addition counts one up. It is left out while it has its default,
    at any depth, so that what is finished stays finished; its default therefore never changes.
    """
    return {
        field.name: _plain(getattr(config, field.name))
        for field in dataclasses.fields(config)
        if "since" not in field.metadata or getattr(config, field.name) != _default(field, type(config).__name__)
    }


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value):
        return _identity_fields(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return tuple(_plain(item) for item in value) if isinstance(value, tuple | list) else value


def _default(field: "dataclasses.Field[Any]", owner: str) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    if field.default is dataclasses.MISSING:
        raise TypeError(f"{owner}.{field.name} has `since` but no default, so older runs have no value of it")
    return field.default
