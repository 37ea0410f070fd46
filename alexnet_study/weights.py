"""A run's trained weights, `model.safetensors`: for any library of the format, checked, the same bits each time.

The file's metadata says which run they are of (hash, study, variant, seed) and holds the SHA-256 of all weights' bytes.
"""

import hashlib
import json
import struct
from collections.abc import Mapping

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from alexnet_study.errors import DamagedRunError
from alexnet_study.models import AlexNet
from alexnet_study.runs.folder import RunFolder
from alexnet_study.study.configs import RunConfig

LENGTH = struct.Struct("<Q")  # of the header, which is JSON, padded with spaces to a multiple of 8 bytes
METADATA, DIGEST = "__metadata__", "sha256"


def weights_file(model: AlexNet, run: RunConfig, identity_hash: str) -> bytes:
    """Return the content of `model.safetensors`: the state of a run's trained model, in contiguous layout."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    header, body = _parted(save(state))
    said = {"study": run.study, "variant": run.variant, "seed": str(run.seed), "hash": identity_hash, "format": "pt"}
    return _joined({METADATA: said | {DIGEST: hashlib.sha256(body).hexdigest()}, **header}, body)


def read_weights(folder: RunFolder) -> dict[str, Tensor]:
    """Return the weights by name, on the CPU; raise DamagedRunError if they are absent, damaged or another run's."""
    name = folder.model.name
    try:
        content = folder.model.read_bytes()
        header, body = _parted(content)
        said = header[METADATA]
        whole = said[DIGEST] == hashlib.sha256(body).hexdigest()
        state = load(content)
    except FileNotFoundError:
        raise DamagedRunError(f"{name} is missing") from None
    except (OSError, ValueError, KeyError, TypeError, struct.error, SafetensorError):
        raise DamagedRunError(f"{name} cannot be read") from None
    if not whole:
        raise DamagedRunError(f"{name} fails its checksum")
    if said.get("hash") != folder.read_config().hash:
        raise DamagedRunError(f"{name} holds the weights of another run")
    return state


def _parted(content: bytes) -> tuple[dict[str, dict[str, str]], bytes]:
    """Return the header and the weights' bytes."""
    (length,) = LENGTH.unpack_from(content)
    start = LENGTH.size + length
    header = json.loads(content[LENGTH.size : start])
    if not isinstance(header, dict):
        raise ValueError("the header is no mapping")
    return header, content[start:]


def _joined(header: Mapping[str, object], body: bytes) -> bytes:
    """Return a file's content; the library would write the metadata in another order each time."""
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return LENGTH.pack(len(text)) + text + body
