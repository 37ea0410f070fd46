"""Files that people write in YAML: studies and profiles."""

from collections.abc import Hashable
from pathlib import Path

import yaml

from alexnet_study.errors import RequestError


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML lets a later key overwrite an earlier one in silence; a study must not lose a variant so."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        keys = [key.value for key, _ in node.value]
        doubled = sorted({str(key) for key in keys if keys.count(key) > 1})
        if doubled:
            raise RequestError(f"line {node.start_mark.line + 1}: {', '.join(doubled)} appears twice")
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, what: str) -> object:
    """Return the content of a YAML file.

    Raise RequestError, which calls the file `what`, if it can't be read, isn't YAML, or has a key twice in one place.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"cannot read the {what}: {getattr(error, 'strerror', None) or error}") from None
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)
    except yaml.YAMLError as error:
        raise RequestError(f"not YAML: {' '.join(str(error).split())}") from None
