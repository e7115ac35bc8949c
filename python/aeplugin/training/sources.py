"""Where objects to train on come from: files, or memory; in blocks of events, each with its events held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np

from aeplugin.event_numbers import event_uniform
from aeplugin.readers import Groups, Objects, flatten, number_of_entries, read_columns
from aeplugin.recipe_files import schema_of
from aeplugin.recipe_training import Training
from aeplugin.selection import Selector

BLOCK_EVENTS = 1 << 16
SPLIT = "validation"
"""The stream of random numbers that decides which events are held out."""


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
        uniform = event_uniform(settings.seed, SPLIT, 0, 0, len(objects.counts))
        self._selected = Selected(objects, uniform < settings.validation)

    def read(self, block: int) -> Selected:
        """See `Source.read`."""
        return self._selected


class FileSource:
    """The objects of a collection in ROOT files, selected as the recipe says; read block by block when asked."""

    def __init__(
        self,
        paths: Sequence[str | Path],
        name: str,
        columns: Mapping[str, str],
        settings: Training,
        tree: str | None,
        others: Groups = MappingProxyType({}),
    ) -> None:
        """
        Args:
            name: of the collection.
            columns: for each of its variables the column in the files.
            others: more collections that expressions of the selection may name.

        Raises:
            InputError: see `aeplugin.readers.open_table`.
            RecipeError: a file lacks a column, or the selection does not fit it.
        """
        self._paths = [str(path) for path in paths]
        self._name, self._columns, self._tree = name, dict(columns), tree
        self._settings = settings
        self._selectors: list[Selector] = []
        self._ranges: list[tuple[int, int, int]] = []
        for number, path in enumerate(self._paths):
            schema, entries = schema_of(path, tree)[1], number_of_entries(path, tree)
            groups = {name: self._columns}
            self._selectors.append(Selector(settings.selection, groups, schema, settings.seed, path, others))
            starts = range(0, entries, BLOCK_EVENTS)
            self._ranges += [(number, start, min(start + BLOCK_EVENTS, entries)) for start in starts]

    @property
    def blocks(self) -> int:
        """See `Source.blocks`."""
        return len(self._ranges)

    @property
    def idle(self) -> set[str]:
        """Expressions of the selection that are about objects of other collections."""
        return {text for selector in self._selectors for text in selector.idle}

    def read(self, block: int) -> Selected:
        """See `Source.read`."""
        file, start, stop = self._ranges[block]
        selector = self._selectors[file]
        names = [*self._columns.values(), *selector.columns]
        arrays = read_columns(self._paths[file], list(dict.fromkeys(names)), self._tree, start, stop)
        where = f"{self._paths[file]}: collection {self._name!r}"
        objects = flatten({v: arrays[column] for v, column in self._columns.items()}, where)
        uniform = event_uniform(self._settings.seed, SPLIT, file, start, stop)
        events, masks = selector.apply(file, start, arrays)
        chosen = np.repeat(events, objects.counts) & masks.get(self._name, np.ones(len(objects), bool))
        event_of = np.repeat(np.arange(len(events)), objects.counts)
        counts = np.bincount(event_of[chosen], minlength=len(events))
        selected = {variable: values[chosen] for variable, values in objects.columns.items()}
        return Selected(Objects(counts[events], selected), uniform[events] < self._settings.validation)
