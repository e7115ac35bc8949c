"""What tells a model of whole events from a model file, without torch, which reading one takes."""

from __future__ import annotations

from pathlib import Path

MAGIC = b"PK\x03\x04"
"""What such a file begins with, and no other file of aeplugin."""


def is_event_model(path: str | Path) -> bool:
    """Whether a file is one of these, by its first bytes; what cannot be opened is none."""
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False
