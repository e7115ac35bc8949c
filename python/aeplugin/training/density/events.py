"""Events to train a density on: grid integers in memory, read from files in blocks, and their mirror images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aeplugin._core import EXACT_MARK, GRID_LIMIT, Quantiser
from aeplugin.errors import InputError
from aeplugin.readers import Groups, Objects
from aeplugin.recipe_training import Training
from aeplugin.training.density.columns import CodedColumn, CodedGroup
from aeplugin.training.event_blocks import EventBlocks, TrainingFile
from aeplugin.training.sources import BLOCK_EVENTS

MINIMUM_EVENTS = 50
"""Fewer say nothing about a distribution, nor about how well it is known."""


@dataclass(frozen=True)
class Events:
    """Grid integers of events.

    Attributes:
        counts: for each group with lists its objects per event, shape (events,).
        grids: for each column its grid integers, int32, of all events and objects one after the other.
    """

    groups: tuple[CodedGroup, ...]
    counts: dict[str, np.ndarray]
    grids: dict[str, np.ndarray]

    def __len__(self) -> int:
        first = self.groups[0]
        return len(self.grids[first.columns[0].column] if first.is_single else self.counts[first.name])

    def of_events(self, chosen: np.ndarray) -> Events:
        """Some of the events; `chosen` is a mask, shape (events,)."""
        grids = {column: grid[self._of_values(group, chosen)] for group, column, grid in self._columns()}
        return Events(self.groups, {name: counts[chosen] for name, counts in self.counts.items()}, grids)

    def mirrored(self, flips: Sequence[set[str]], image: int) -> Events:
        """One of the 2^n mirror images of each event, n being the number of sets of columns that flip together.

        Images of the same number are another one for each event: so also a single `image` has all of them among its
        events, and the numbers from 0 to 2^n - 1 together have every image of every event once.
        """
        number = image + np.arange(len(self))
        grids = dict(self.grids)
        for bit, columns in enumerate(flips):
            flipped = (number >> bit) % 2 == 1
            for group, column, grid in self._columns():
                if column in columns:
                    changed = self._of_values(group, flipped) & (np.abs(grid.astype(np.int64)) <= GRID_LIMIT)
                    grids[column] = np.where(changed, -grid, grid)
        return Events(self.groups, self.counts, grids)

    def _columns(self) -> list[tuple[CodedGroup, str, np.ndarray]]:
        return [(group, c.column, self.grids[c.column]) for group in self.groups for c in group.columns]

    def _of_values(self, group: CodedGroup, events: np.ndarray) -> np.ndarray:
        """A mask of events as one of the values of a group."""
        return events if group.is_single else np.repeat(events, self.counts[group.name])


def event_blocks(
    files: Sequence[TrainingFile], groups: Sequence[CodedGroup], settings: Training, most: int, others: Groups
) -> EventBlocks:
    """Blocks of at most about `most` of the selected events.

    Args:
        others: the recipe's collections, which expressions of the selection may name.

    Raises:
        RecipeError: the selection does not fit a file.
    """
    entries = sum(file.entries for file in files)
    fraction = settings.selection.fraction * min(1.0, most / max(entries, 1))
    settings = settings.model_copy(update={"selection": settings.selection.model_copy(update={"fraction": fraction})})
    collections = {g.name: _files_of(g) for g in groups if g.name in others}
    singles = {g.name: _files_of(g) for g in groups if g.name not in others}
    return EventBlocks(files, collections, settings, BLOCK_EVENTS, singles=singles, others=others)


def read_events(blocks: EventBlocks, groups: Sequence[CodedGroup]) -> tuple[Events, Events]:
    """The events to train on, and those that are held out.

    Raises:
        InputError: there are too few of them, or the columns of a collection differ in length.
    """
    coders = {c.column: _Coder(c) for group in groups for c in group.columns}
    parts, held_out = [], []
    for block in range(len(blocks)):
        objects, is_held_out = blocks.read(block)
        whole = np.ones(len(is_held_out), bool)
        for group in groups:
            if group.is_single:  # a cut on its objects is one on events
                whole &= objects[group.name].counts == 1
        objects = {name: of.of_events(whole) for name, of in objects.items()}
        parts.append(_events(tuple(groups), objects, coders))
        held_out.append(is_held_out[whole])
    events, out = _joined(tuple(groups), parts), np.concatenate([np.zeros(0, bool), *held_out])
    for what, number in (("train on", int((~out).sum())), ("hold out for validation", int(out.sum()))):
        if number < MINIMUM_EVENTS:
            raise InputError(
                f"the density has {number} events to {what}; expected at least {MINIMUM_EVENTS}: give more files, or "
                "change training.selection or training.validation"
            )
    return events.of_events(~out), events.of_events(out)


def storage_type(column: CodedColumn) -> str:
    """The type that the quantiser of a column knows."""
    return "float64" if column.type == "double" else "float32"


class _Coder:
    """Values of a column to grid integers."""

    def __init__(self, column: CodedColumn) -> None:
        self._quantiser = None
        if column.kind != "exact":
            self._quantiser = Quantiser(column.kind, column.tolerance, storage_type(column), column.sentinels)

    def grid(self, values: np.ndarray) -> np.ndarray:
        if self._quantiser is not None:
            return self._quantiser.encode(np.ascontiguousarray(values))[0]
        wide = values.astype(np.int64)
        return np.where(np.abs(wide) <= GRID_LIMIT, wide, EXACT_MARK).astype(np.int32)


def _files_of(group: CodedGroup) -> dict[str, str]:
    return {column.variable: column.column for column in group.columns}


def _events(groups: tuple[CodedGroup, ...], objects: Mapping[str, Objects], coders: Mapping[str, _Coder]) -> Events:
    counts = {group.name: objects[group.name].counts for group in groups if not group.is_single}
    grids = {
        c.column: coders[c.column].grid(objects[group.name].columns[c.variable])
        for group in groups
        for c in group.columns
    }
    return Events(groups, counts, grids)


def _joined(groups: tuple[CodedGroup, ...], parts: Sequence[Events]) -> Events:
    none = np.zeros(0, np.int32)
    names = [c.column for group in groups for c in group.columns]
    counts = {g.name: np.concatenate([none, *(p.counts[g.name] for p in parts)]) for g in groups if not g.is_single}
    return Events(groups, counts, {name: np.concatenate([none, *(p.grids[name] for p in parts)]) for name in names})
