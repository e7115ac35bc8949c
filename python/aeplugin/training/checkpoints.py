"""Files that a training goes on from: tensors and plain data, loaded without running code."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from aeplugin import __version__
from aeplugin._core import write_atomically
from aeplugin.errors import CorruptionError, InputError
from aeplugin.recipe import Recipe
from aeplugin.remote import is_url
from aeplugin.training.trainer import State

_DIGEST = hashlib.sha256().digest_size
"""Bytes of the checksum that a file begins with."""


def fingerprint(recipe: Recipe, paths: Sequence[str | Path]) -> str:
    """A checksum of all that must be the same for a training to go on: recipe, inputs and versions.

    Args:
        recipe: resolved.
        paths: of the inputs; a URL is taken to be unchanged.
    """
    about = {
        "recipe": _what_decides(recipe),
        "inputs": [_identity(path) for path in paths],
        "aeplugin": __version__,
        "torch": torch.__version__,
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _what_decides(recipe: Recipe) -> str:
    """The text of a recipe without what changes no weight of a network."""
    settings = recipe.training.model_copy(update={"workers": 0, "checkpoint_every": 1})
    return recipe.model_copy(update={"training": settings}).to_text()


def _identity(path: str | Path) -> list[Any]:
    if is_url(path):
        return [str(path)]
    found = Path(path).stat()
    return [Path(path).name, found.st_size, found.st_mtime_ns]


def save(path: Path, state: State, of: str) -> None:
    """Write the state of a training; the file appears when it is complete.

    Args:
        of: the fingerprint of the training.

    Raises:
        InputError: it cannot be written.
    """
    buffer = io.BytesIO()
    torch.save({"training": of, "state": state}, buffer)
    content = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(str(path), hashlib.sha256(content).digest() + content)


def load(path: Path, of: str) -> State | None:
    """The state in a file, or None where there is no such file.

    Raises:
        CorruptionError: it is damaged, or holds more than tensors and plain data.
        InputError: it is of another training: other data, recipe or version of aeplugin or torch.
    """
    if not path.exists():
        return None
    try:
        content = _content(path.read_bytes())
        found, state = content["training"], content["state"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, LookupError, TypeError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CorruptionError(
            f"{path}: no checkpoint of a training, or a damaged one ({reason}); remove it to train from the beginning"
        ) from None
    if found != of:
        raise InputError(
            f"{path}: the checkpoint of another training: recipe, data or version of aeplugin or torch differ; remove "
            "it to train from the beginning, or name another folder"
        )
    return dict(state)


def _content(file: bytes) -> dict[str, Any]:
    """What was saved. The checksum comes first: torch itself loads tensors with flipped bits without a word."""
    if hashlib.sha256(file[_DIGEST:]).digest() != file[:_DIGEST]:
        raise ValueError("its checksum is wrong")
    content = torch.load(io.BytesIO(file[_DIGEST:]), map_location="cpu", weights_only=True)
    if not isinstance(content, dict) or not isinstance(content["state"], dict):
        raise TypeError("it holds something else")
    return content
