"""Long names of files and data sets where there is little room."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

MOST = 32
"""Letters of a name that fit into legends."""


def shorten(name: str, most: int = MOST) -> str:
    """A name of at most so many letters: its beginning and its end."""
    if len(name) <= most:
        return name
    end = (most - 1) // 2
    return f"{name[: most - 1 - end]}\u2026{name[-end:]}"


def shorten_all(names: Sequence[str], most: int = MOST) -> dict[str, str]:
    """For each of some different names a shorter one where one is too long: most of what they share is left out."""
    if len(names) < 2 or max(map(len, names)) <= most:
        return {name: shorten(name, most) for name in names}
    head = _beginning(names)
    rests = [name[len(head) :] for name in names]
    tail = _beginning([rest[::-1] for rest in rests])[::-1]
    start, end = shorten(head, 9), shorten(tail, 9)
    return {
        name: shorten(start + rest[: len(rest) - len(tail)] + end, most)
        for name, rest in zip(names, rests, strict=True)
    }


def _beginning(names: Sequence[str]) -> str:
    """The letters with which all names begin."""
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in same)
