"""Events of ROOT files as rows to train on, read block by block when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aeplugin.errors import InputError, RecipeError
from aeplugin.event_numbers import event_uniform
from aeplugin.readers import Objects, flatten, number_of_entries, read_columns
from aeplugin.recipe import Recipe
from aeplugin.recipe_files import schema_of
from aeplugin.selection import Selector
from aeplugin.training.events.features import Counts, Events, filtered, in_slots, leading, usable
from aeplugin.training.events.layout import INPUTS, Group, collection_of, make_layout
from aeplugin.training.normalisations import Plan, fit, make_plans
from aeplugin.training.sources import SPLIT
from aeplugin.training.trainer import Batch

MINIMUM_EVENTS = 10
MAX_LABELS = 64


@dataclass(frozen=True)
class _Block:
    file: int
    start: int
    stop: int


class EventRows:
    """The events of files as the tensors of `Events`; the selection of the recipe is applied."""

    def __init__(self, paths: Sequence[str | Path], recipe: Recipe) -> None:
        """
        Args:
            recipe: resolved.

        Raises:
            InputError: see `aeplugin.readers.open_table`.
            RecipeError: the recipe does not fit itself or a file.
        """
        self._paths, self._recipe = [str(path) for path in paths], recipe
        self.layout = make_layout(recipe)
        self.counts: list[int] = []
        self.held_out = 0
        self.found = Counts.none(self.layout)
        self._selectors: list[Selector] = []
        self._blocks: list[_Block] = []
        groups = {group.name: group.files for group in self.layout.groups if group.name != INPUTS}
        others = {name: collection.file_columns(name) for name, collection in recipe.collections.items()}
        step = self.layout.block_events
        for number, path in enumerate(self._paths):
            schema, entries = schema_of(path, recipe.tree)[1], number_of_entries(path, recipe.tree)
            settings = recipe.training
            self._selectors.append(Selector(settings.selection, groups, schema, settings.seed, path, others))
            self._blocks += [_Block(number, start, min(start + step, entries)) for start in range(0, entries, step)]

    def survey(self) -> None:
        """Look at everything once: fit the normalisation, find the labels, count.

        Raises:
            InputError: there are too few events or objects, a variable is constant, or labels are too many.
            RecipeError: see `Layout.fitted`.
        """
        plans = {group.name: make_plans(collection_of(self._recipe, group), group.name) for group in self.layout.groups}
        labels: set[int] = set()
        for block in self._blocks:
            objects, held_out = self._read(block)
            self.counts.append(int((~held_out).sum()))
            self.held_out += int(held_out.sum())
            for group in self.layout.groups:
                chosen = self._learned_from(objects[group.name], group, held_out, plans[group.name])
                for plan in plans[group.name]:
                    plan.survey(chosen.columns[plan.variable].astype(np.float32, copy=False))
                labels |= self._labels(chosen, group)
        self._check_enough(plans)
        columns = {group.name: tuple(fit(plans[group.name], group.files, group.name)) for group in self.layout.groups}
        self.layout = self.layout.fitted(columns, tuple(sorted(labels)))
        for number in range(len(self._blocks)):
            self.found.add(self.block(number)[2])

    def _learned_from(self, objects: Objects, group: Group, held_out: np.ndarray, plans: Sequence[Plan]) -> Objects:
        """The objects in the slots of the events to train on."""
        good = usable(objects, group, self.layout)
        for plan in plans:
            good &= plan.in_domain(objects.columns[plan.variable])
        good &= np.repeat(~held_out, objects.counts)
        return leading(filtered(objects, good), group.slots)

    def _labels(self, objects: Objects, group: Group) -> set[int]:
        if self.layout.label is None or group.name == INPUTS:
            return set()
        values = objects.columns[self.layout.label]
        if values.dtype.kind not in "biu":
            raise RecipeError(
                f"events: label {self.layout.label!r} of collection {group.name!r} holds {values.dtype} numbers; "
                "expected integers, one for each kind of objects"
            )
        found = np.unique(values)
        if len(found) > MAX_LABELS:
            raise InputError(
                f"label {self.layout.label!r} of collection {group.name!r} has {len(found)} different values; "
                f"expected at most {MAX_LABELS}, one for each kind of objects"
            )
        return {int(value) for value in found}

    def _check_enough(self, plans: dict[str, list[Plan]]) -> None:
        training = sum(self.counts)
        if training < MINIMUM_EVENTS or not self.held_out:
            raise InputError(
                f"events: {training} to train on and {self.held_out} held out; training needs at least "
                f"{MINIMUM_EVENTS} and 1"
            )
        for name, each in plans.items():
            if not each[0].values.count:
                raise InputError(
                    f"events: no event to train on has a usable object of {name!r}; leave it out of 'objects'"
                )

    @property
    def row_bytes(self) -> int:
        """Memory that an event takes."""
        return self.layout.slots * (8 * self.layout.features + 2)

    def training(self, block: int) -> Batch:
        """Events to train on."""
        events, held_out, _ = self.block(block)
        return tuple(part[~held_out] for part in events)

    def validation(self, block: int) -> Batch:
        """Events that are held out."""
        events, held_out, _ = self.block(block)
        return tuple(part[held_out] for part in events)

    def block(self, block: int) -> tuple[Events, np.ndarray, Counts]:
        """The events of a block, whether each is held out, and what became of their objects."""
        objects, held_out = self._read(self._blocks[block])
        events, _, counts = in_slots(objects, self.layout)
        return events, held_out, counts

    def held_out_objects(self) -> Iterator[dict[str, Objects]]:
        """The objects of the events that are held out, block by block."""
        for block in self._blocks:
            objects, held_out = self._read(block)
            yield {name: _of_events(each, held_out) for name, each in objects.items()}

    def _read(self, block: _Block) -> tuple[dict[str, Objects], np.ndarray]:
        """The selected objects of the selected events of a block, and for each of these whether it is held out."""
        path, selector, settings = self._paths[block.file], self._selectors[block.file], self._recipe.training
        names = [*(c for group in self.layout.groups for c in group.files.values()), *selector.columns]
        arrays = read_columns(path, list(dict.fromkeys(names)), self._recipe.tree, block.start, block.stop)
        events, masks = selector.apply(block.file, block.start, arrays)
        objects = {}
        for group in self.layout.groups:
            found = _flat(arrays, group, path)
            if group.name in masks:
                found = filtered(found, masks[group.name])
            objects[group.name] = _of_events(found, events)
        uniform = event_uniform(settings.seed, SPLIT, block.file, block.start, block.stop)
        return objects, uniform[events] < settings.validation


def _flat(arrays: dict[str, Any], group: Group, path: str) -> Objects:
    return flatten({v: arrays[column] for v, column in group.files.items()}, f"{path}: collection {group.name!r}")


def _of_events(objects: Objects, events: np.ndarray) -> Objects:
    """The objects of some of the events, which alone are left; `events` is a mask."""
    kept = filtered(objects, np.repeat(events, objects.counts))
    return Objects(kept.counts[events], kept.columns)
