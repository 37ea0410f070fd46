"""From YAML values to frozen dataclasses; every mistake is a `RequestError` of one line that names the place."""

import contextlib
import dataclasses
import functools
import math
import types
import typing
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from alexnet_study.errors import RequestError

T = TypeVar("T")


def build(cls: type[T], values: object, where: str) -> T:
    """Return a frozen dataclass from a mapping; raise RequestError for wrong or missing keys, wrong types or values."""
    if not isinstance(values, Mapping):
        raise RequestError(f"{where}: expected a mapping, got {values!r}")
    hints = _hints(typing.cast(Hashable, cls))
    check_keys(values, hints, where)
    missing = [f.name for f in dataclasses.fields(typing.cast(Any, cls)) if _required(f) and f.name not in values]
    if missing:
        raise RequestError(f"{where}: missing {', '.join(missing)}")
    try:
        return cls(**{name: _convert(value, hints[name], name) for name, value in values.items()})
    except RequestError as error:
        raise RequestError(f"{where}.{error}") from None


def without_unknown(hint: Any, value: object) -> Any:
    """Return a value that is to be built as hinted without the keys, at any depth, that the dataclasses don't know."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return without_unknown(inner[0], value)
    if origin is tuple and dataclasses.is_dataclass(inner[0]) and isinstance(value, list | tuple):
        return [without_unknown(inner[0], item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(hint):
        hints = _hints(typing.cast(Hashable, hint))
        return {name: without_unknown(hints[name], item) for name, item in value.items() if name in hints}
    if origin is not None and issubclass(origin, Mapping):
        return {name: without_unknown(inner[1], item) for name, item in value.items()}
    return value


def check_keys(values: Mapping[str, object], valid: Iterable[str], where: str) -> None:
    """Raise RequestError if a mapping has keys that are not valid."""
    unknown = [str(key) for key in values if key not in set(valid)]
    if unknown:
        raise RequestError(f"{where}: unknown key {', '.join(unknown)}; expected some of {', '.join(valid)}")


def check(right: bool, name: str, value: object, expected: str) -> None:
    """Raise RequestError if a value is not `right`."""
    if not right:
        raise RequestError(f"{name}: {value!r} is not valid; expected {expected}")


def check_choice(name: str, value: object, choices: Collection[str]) -> None:
    """Raise RequestError if a value is none of the choices."""
    check(value in choices, name, value, "one of " + ", ".join(choices))


@functools.cache
def _hints(cls: Hashable) -> dict[str, object]:
    return typing.get_type_hints(cls)


def _required(field: "dataclasses.Field[object]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _convert(value: object, hint: Any, name: str) -> Any:
    """`value` as hinted: a dataclass, bool, int, float, str, one of these or None, a tuple or mapping of these."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return None if value is None else _convert(value, inner[0], name)
    if origin is tuple:
        check(isinstance(value, list | tuple), name, value, "a list")
        if inner[0] is float and all(type(item) is float and math.isfinite(item) for item in typing.cast(Any, value)):
            return tuple(typing.cast(Any, value))  # a thousand ratios at once
        return tuple(
            _convert(item, inner[0], f"{name} {number}")
            if dataclasses.is_dataclass(inner[0])
            else _convert(item, inner[0], name)
            for number, item in enumerate(typing.cast(list[object], value), 1)
        )
    if dataclasses.is_dataclass(hint):
        return build(typing.cast(type[Any], hint), value, name)
    if origin is not None and issubclass(origin, Mapping):
        check(isinstance(value, Mapping), name, value, "a mapping")
        items = typing.cast(Mapping[str, object], value).items()
        return types.MappingProxyType({str(key): _convert(item, inner[1], f"{name}.{key}") for key, item in items})
    if hint is float:
        return _finite_number(value, name)
    right = isinstance(value, hint) and not (isinstance(value, bool) and hint is int)
    check(right, name, value, f"a value of type {hint.__name__}")
    return value


def _finite_number(value: object, name: str) -> float:
    if isinstance(value, str):  # YAML 1.1 reads 5e-4, without a point, as text
        with contextlib.suppress(ValueError):
            value = float(value)
    right = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    check(right, name, value, "a finite number")
    return float(typing.cast(float, value))
