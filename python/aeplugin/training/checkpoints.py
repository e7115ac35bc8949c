"""Files that a training goes on from: tensors and plain data, loaded without running code."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from aeplugin._core import write_atomically
from aeplugin.errors import CorruptionError, InputError
from aeplugin.training.trainer import State


def fingerprint(about: Mapping[str, Any]) -> str:
    """A checksum of all that must be the same for a training to go on: plain data."""
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def save(path: Path, state: State, of: str) -> None:
    """Write the state of a training; the file appears when it is complete.

    Args:
        of: the fingerprint of the training.

    Raises:
        InputError: it cannot be written.
    """
    buffer = io.BytesIO()
    torch.save({"training": of, "state": state}, buffer)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(str(path), buffer.getvalue())


def load(path: Path, of: str) -> State | None:
    """The state in a file, or None where there is no such file.

    Raises:
        CorruptionError: it is damaged, or holds more than tensors and plain data.
        InputError: it is of another training: other data, recipe or version of torch.
    """
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found, state = content["training"], content["state"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CorruptionError(
            f"{path}: no checkpoint of a training, or a damaged one ({reason}); remove it to train from the beginning"
        ) from None
    if found != of:
        raise InputError(
            f"{path}: the checkpoint of another training: recipe, data or version of torch differ; remove it to train "
            "from the beginning, or name another folder"
        )
    return dict(state)
