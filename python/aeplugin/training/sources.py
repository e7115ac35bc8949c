"""Where the objects of one collection to train on come from: files, or memory; in blocks of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aeplugin.readers import Files, Groups, Objects
from aeplugin.recipe_training import Training
from aeplugin.training.event_blocks import NONE, EventBlocks, TrainingFile, held_out

BLOCK_EVENTS = 1 << 16


@dataclass(frozen=True)
class Selected:
    """The objects of a block that training may use.

    Attributes:
        objects: those of its selected events.
        held_out: for each of these events whether it is for validation, shape (events,).
    """

    objects: Objects
    held_out: np.ndarray


class Source(Protocol):
    """Blocks of objects; worker processes get a copy."""

    @property
    def blocks(self) -> int:
        """How many there are."""

    def read(self, block: int) -> Selected:
        """One of them; the same each time."""


class MemorySource:
    """Objects that are in memory, as one block."""

    blocks = 1

    def __init__(self, objects: Objects, settings: Training) -> None:
        self._selected = Selected(objects, held_out(settings, 0, 0, len(objects.counts)))

    def read(self, block: int) -> Selected:
        """See `Source.read`."""
        return self._selected


class FileSource:
    """The objects of a collection in ROOT files, selected as the recipe says; read block by block when asked."""

    def __init__(
        self, files: Sequence[TrainingFile], name: str, columns: Files, settings: Training, others: Groups = NONE
    ) -> None:
        """
        Args:
            name: of the collection.
            columns: for each of its variables the column in the files.
            others: more collections that expressions of the selection may name.

        Raises:
            RecipeError: the selection does not fit a file.
        """
        self._name = name
        self._blocks = EventBlocks(files, {name: columns}, settings, BLOCK_EVENTS, others=others)

    @property
    def blocks(self) -> int:
        """See `Source.blocks`."""
        return len(self._blocks)

    @property
    def idle(self) -> set[str]:
        """Expressions of the selection that are about objects of other collections."""
        return self._blocks.idle

    def read(self, block: int) -> Selected:
        """See `Source.read`."""
        objects, is_held_out = self._blocks.read(block)
        return Selected(objects[self._name], is_held_out)
