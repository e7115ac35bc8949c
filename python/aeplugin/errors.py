"""The errors of aeplugin. C++ raises the same classes (they are defined by the core)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from aeplugin._core import (
    CompatibilityError,
    CorruptionError,
    Error,
    InputError,
    ModelError,
    RecipeError,
)

__all__ = [
    "CompatibilityError",
    "CorruptionError",
    "Error",
    "InputError",
    "ModelError",
    "RecipeError",
    "nearest",
]


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt `name`: ``"; did you mean 'pt'?"``, or all `known` names where none is near."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known are {', '.join(known)}" if known else ""
