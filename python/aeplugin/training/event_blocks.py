"""Files to train on as blocks of selected events, and which of these are held out: what all sources share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from aeplugin.event_numbers import event_uniform
from aeplugin.readers import Groups, Objects, flatten, open_table, read_columns, reading
from aeplugin.recipe_files import branches
from aeplugin.recipe_training import Training
from aeplugin.selection import Selector

SPLIT = "validation"
"""The stream of random numbers that decides which events are held out."""
NONE: Groups = MappingProxyType({})


@dataclass(frozen=True)
class TrainingFile:
    """A file to train on, and what opening it tells: to open one of a thousand columns takes a second.

    Attributes:
        schema: for each column its type, as `aeplugin.recipe_files.schema_of` has it.
    """

    path: str
    tree: str | None
    schema: Mapping[str, str]
    entries: int


def open_files(paths: Sequence[str | Path], tree: str | None) -> list[TrainingFile]:
    """Look into files.

    Raises:
        InputError: see `aeplugin.readers.open_table`.
    """
    found = []
    for path in map(str, paths):
        table = open_table(path, tree)
        with reading(path):
            schema = {name: kind for name, (kind, _) in branches(table).items()}
            found.append(TrainingFile(path, tree, schema, int(table.num_entries)))
    return found


def held_out(settings: Training, file: int, start: int, stop: int) -> np.ndarray:
    """For each of the events from `start` to before `stop` whether it is for validation, shape (stop - start,)."""
    return np.asarray(event_uniform(settings.seed, SPLIT, file, start, stop) < settings.validation)


class EventBlocks:
    """Blocks of events of several files, selected as the recipe says; worker processes may have a copy."""

    def __init__(
        self,
        files: Sequence[TrainingFile],
        groups: Groups,
        settings: Training,
        step: int,
        *,
        singles: Groups = NONE,
        others: Groups = NONE,
    ) -> None:
        """
        Args:
            groups: for each collection that is read its variables and their columns.
            step: events of a block.
            singles: more of them, with one value per event each, which no cut on objects is about.
            others: more collections that expressions of the selection may name.

        Raises:
            RecipeError: the selection does not fit a file.
        """
        self._files, self._settings = list(files), settings
        self._groups = {**groups, **singles}
        self._selectors = [
            Selector(settings.selection, groups, file.schema, settings.seed, file.path, others) for file in files
        ]
        self._ranges = [
            (number, start, min(start + step, file.entries))
            for number, file in enumerate(files)
            for start in range(0, file.entries, step)
        ]

    def __len__(self) -> int:
        return len(self._ranges)

    @property
    def idle(self) -> set[str]:
        """Expressions of the selection that are about objects of other collections."""
        return {text for selector in self._selectors for text in selector.idle}

    def read(self, block: int) -> tuple[dict[str, Objects], np.ndarray]:
        """The selected objects of the selected events of a block, and for each of these whether it is held out."""
        number, start, stop = self._ranges[block]
        file, selector = self._files[number], self._selectors[number]
        columns = [column for group in self._groups.values() for column in group.values()]
        names = list(dict.fromkeys([*columns, *selector.columns]))
        arrays = read_columns(file.path, names, file.tree, start, stop)
        events, masks = selector.apply(number, start, arrays)
        objects = {}
        for name, group in self._groups.items():
            where = f"{file.path}: collection {name!r}"
            found = flatten({variable: arrays[column] for variable, column in group.items()}, where)
            chosen = np.repeat(events, found.counts)
            if name in masks:
                chosen &= masks[name]
            kept = found.where(chosen)
            objects[name] = Objects(kept.counts[events], kept.columns)
        return objects, held_out(self._settings, number, start, stop)[events]
