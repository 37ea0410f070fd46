"""A run's identity: what determines its result, and the hash of that, which config.json holds."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alexnet_study.errors import RequestError
from alexnet_study.files import digest
from alexnet_study.study.configs import ModelConfig, RecipeConfig, RunConfig
from alexnet_study.study.validation import build

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NUMERICS = 2  # raised when a change of code changes the bits of a result


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What determines a run's result, in full values, and its hash: config.json.

    dataset: the data's content hash. holdout: training images that stand for the test set, left out where it is 0. The
    variant's name stands in it for readers but not in the hash. Paths, commit, device and versions are absent.
    """

    variant: str
    model: ModelConfig
    recipe: RecipeConfig
    seed: int
    dataset: str
    numerics: int
    hash: str
    holdout: int = 0

    @property
    def threads(self) -> int:
        """Return the intra-op CPU threads, which stand beside the recipe in config.json."""
        return self.recipe.threads

    @property
    def recipe_fields(self) -> dict[str, object]:
        """Return the recipe as plain values, without its threads."""
        return {name: value for name, value in _identity_fields(self.recipe).items() if name != "threads"}

    def as_json(self) -> dict[str, object]:
        """Return the content of config.json."""
        return {
            "variant": self.variant,
            "model": _identity_fields(self.model),
            "recipe": self.recipe_fields,
            "seed": self.seed,
            "dataset": self.dataset,
            **({"holdout": self.holdout} if self.holdout else {}),
            "threads": self.threads,
            "numerics": self.numerics,
            "hash": self.hash,
        }


def identity(run: RunConfig, dataset: str) -> Identity:
    """Return the identity of a run on the data whose content hash is `dataset`."""
    unnamed = Identity(
        variant=run.variant,
        model=run.model,
        recipe=run.recipe,
        seed=run.seed,
        dataset=dataset,
        numerics=NUMERICS,
        holdout=run.holdout,
        hash="",
    )
    return dataclasses.replace(unnamed, hash=identity_hash(unnamed.as_json()))


def parse_identity(content: Mapping[str, object], where: str) -> Identity:
    """Return the identity that the content of config.json tells; `where` names the file.

    Fields that are younger than the run have their defaults. Raise RequestError if anything else is absent or wrong.
    """
    fields = {name: value for name, value in content.items() if name != "threads"}
    recipe = content.get("recipe")
    if isinstance(recipe, Mapping) and "threads" in content:
        fields["recipe"] = {**recipe, "threads": content["threads"]}
    found = build(Identity, fields, where)
    if json.loads(json.dumps(found.as_json())) != content:
        raise RequestError(f"{where}: not what a run writes; expected all fields of its model and its recipe")
    return found


def differences(found: Identity, own: Identity) -> list[str]:
    """Return what determines both runs' results and differs, a text each: `recipe.epochs: 5 there, 10 here`."""
    pairs = [(name, getattr(found, name), getattr(own, name)) for name in ("seed", "dataset", "holdout", "numerics")]
    for section in ("model", "recipe"):
        there, here = getattr(found, section), getattr(own, section)
        names = [each.name for each in dataclasses.fields(here)]
        pairs += [(f"{section}.{name}", getattr(there, name), getattr(here, name)) for name in names]
    return [f"{name}: {_short(there)} there, {_short(here)} here" for name, there, here in pairs if there != here]


def _short(value: object) -> str:
    """Return a value as a study file writes it; of a long text, such as a hash, the start."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value)[:12] if isinstance(value, str) and len(value) > 24 else str(value)


def identity_hash(content: Mapping[str, object]) -> str:
    """Return the SHA-256 of the content of config.json, its names left out, in hexadecimal."""
    return digest({name: value for name, value in content.items() if name not in ("variant", "hash")})


def _identity_fields(config: "DataclassInstance") -> dict[str, object]:
    """Return a configuration's fields as plain values, without those that are younger than a run can know of.

    A field that joined a configuration after its first runs tells so in its metadata, `{"since": n}`: the identity's
    fields had their first shape in version 1, and each addition counts one up. It is left out while it has its default,
    at any depth, so that what is finished stays finished; its default therefore never changes.
    """
    return {
        own.name: _plain(getattr(config, own.name))
        for own in dataclasses.fields(config)
        if "since" not in own.metadata or getattr(config, own.name) != _default(own, type(config).__name__)
    }


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _identity_fields(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return tuple(_plain(item) for item in value) if isinstance(value, tuple | list) else value


def _default(own: "dataclasses.Field[object]", owner: str) -> object:
    if own.default_factory is not dataclasses.MISSING:
        return own.default_factory()
    if own.default is dataclasses.MISSING:
        raise TypeError(f"{owner}.{own.name} has `since` but no default, so older runs have no value of it")
    return own.default
