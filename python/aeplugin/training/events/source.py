"""Events of ROOT files as rows to train on, read block by block when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from aeplugin.errors import InputError, RecipeError
from aeplugin.readers import Objects
from aeplugin.recipe import Recipe
from aeplugin.training.event_blocks import EventBlocks, open_files
from aeplugin.training.events.features import Counts, Events, in_slots, leading, usable
from aeplugin.training.events.layout import INPUTS, Group, collection_of, make_layout
from aeplugin.training.normalisations import Plan, fit, make_plans
from aeplugin.training.trainer import Batch

MINIMUM_EVENTS = 10
MAX_LABELS = 64


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
        self._recipe = recipe
        self.layout = make_layout(recipe)
        self.counts: list[int] = []
        self.held_out = 0
        self.found = Counts.none(self.layout)
        groups = {group.name: group.files for group in self.layout.groups}
        singles = {name: files for name, files in groups.items() if name == INPUTS}
        others = {name: collection.file_columns(name) for name, collection in recipe.collections.items()}
        self._blocks = EventBlocks(
            open_files(paths, recipe.tree),
            {name: files for name, files in groups.items() if name != INPUTS},
            recipe.training,
            self.layout.block_events,
            singles=singles,
            others=others,
        )

    def survey(self) -> None:
        """Look at everything once: fit the normalisation, find the labels, count.

        Raises:
            InputError: there are too few events or objects, a variable is constant, or labels are too many.
            RecipeError: see `Layout.fitted`.
        """
        plans = {group.name: make_plans(collection_of(self._recipe, group), group.name) for group in self.layout.groups}
        labels: set[int] = set()
        for block in range(len(self._blocks)):
            objects, held_out = self._blocks.read(block)
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
        return leading(objects.where(good), group.slots)

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
        objects, held_out = self._blocks.read(block)
        events, _, counts = in_slots(objects, self.layout)
        return events, held_out, counts

    def held_out_objects(self) -> Iterator[dict[str, Objects]]:
        """The objects of the events that are held out, block by block."""
        for block in range(len(self._blocks)):
            objects, held_out = self._blocks.read(block)
            yield {name: each.of_events(held_out) for name, each in objects.items()}
