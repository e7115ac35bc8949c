"""Where the objects of an event stand in the tensors of a network: slots, each for an object of one collection.

Every collection has as many slots as the recipe says, one after the other; the event variables are one more slot, which
always holds one "object". With a label the slots of the one collection take objects of every kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from aeplugin._core import ModelColumn
from aeplugin.errors import RecipeError, nearest
from aeplugin.recipe import Collection, Column, Recipe
from aeplugin.recipe_events import EventNetwork

INPUTS = "event"
"""The name of the event variables among collections and kinds."""
MAX_CLASSES = 2048
"""Slots times kinds."""
BLOCK_BYTES = 1 << 26
"""Of the tensors of a block, about."""
MOST_BLOCK_EVENTS = 1 << 16


@dataclass(frozen=True)
class Group:
    """A collection, or the event variables.

    Attributes:
        slots: how many objects there are at most.
        rules: its variables and their tolerances, in the order of the features.
        files: for each variable its column in files, and that of the label where there is one.
        columns: how values become features; none before the data have been looked at.
    """

    name: str
    slots: int
    rules: dict[str, Column]
    files: dict[str, str]
    columns: tuple[ModelColumn, ...] = ()

    @property
    def features(self) -> int:
        """Numbers per object."""
        return sum(column.features for column in self.columns)


@dataclass(frozen=True)
class Layout:
    """The slots of events.

    Attributes:
        groups: the collections in the order of the recipe, then the event variables if there are any.
        label: the variable that says the kind of an object.
        labels: its values, ascending; none before the data have been looked at.
    """

    groups: tuple[Group, ...]
    label: str | None = None
    labels: tuple[int, ...] = ()

    @property
    def kinds(self) -> list[str]:
        """The kinds of objects: values of the label, or the groups; the event variables are a kind as well."""
        if self.label is None:
            return [group.name for group in self.groups]
        return [*map(str, self.labels), *(group.name for group in self.groups if group.name == INPUTS)]

    @property
    def slots(self) -> int:
        """Of all groups."""
        return sum(group.slots for group in self.groups)

    @property
    def features(self) -> int:
        """Numbers in a slot: those of the group that has most."""
        return max(group.features for group in self.groups)

    @property
    def used(self) -> torch.Tensor:
        """For each slot and feature whether there can be a value; shape (slots, features)."""
        rows = [torch.arange(self.features) < group.features for group in self.groups for _ in range(group.slots)]
        return torch.stack(rows)

    @property
    def places(self) -> list[int]:
        """Where the used ones are when slots and features are one dimension."""
        groups = [group.features for group in self.groups for _ in range(group.slots)]
        return [slot * self.features + i for slot, features in enumerate(groups) for i in range(features)]

    @property
    def codes(self) -> int:
        """What a slot can hold: nothing or an object, whose kind is one of several where there is a label."""
        return 2 if self.label is None else 1 + len(self.kinds)

    @property
    def block_events(self) -> int:
        """How many events to read at once."""
        numbers = sum(group.slots * (2 + 4 * len(group.rules)) for group in self.groups)
        return min(max(BLOCK_BYTES // (4 * numbers), 1), MOST_BLOCK_EVENTS)

    def first(self, name: str) -> int:
        """The first slot of a group."""
        names = [group.name for group in self.groups]
        return sum(group.slots for group in self.groups[: names.index(name)])

    def fitted(self, columns: Mapping[str, tuple[ModelColumn, ...]], labels: tuple[int, ...]) -> Layout:
        """The same with what the data say: the columns of each group, and the labels.

        Raises:
            RecipeError: slots and kinds are too many.
        """
        layout = replace(
            self, groups=tuple(replace(group, columns=columns[group.name]) for group in self.groups), labels=labels
        )
        if layout.slots * layout.codes > MAX_CLASSES:
            raise RecipeError(
                f"events: {layout.slots} slots for {layout.codes - 1} kinds of objects; expected at most {MAX_CLASSES} "
                "combinations: lower 'objects'"
            )
        return layout


def make_layout(recipe: Recipe) -> Layout:
    """The slots that a resolved recipe asks for.

    Raises:
        RecipeError: it names collections, columns or a label that it does not have, or that may not move.
    """
    settings = recipe.events
    assert settings is not None  # the caller has looked
    groups = [_group(recipe, name, slots, settings.label) for name, slots in settings.objects.items()]
    if inputs := _inputs(recipe, settings):
        groups.append(Group(INPUTS, 1, inputs, {name: name for name in inputs}))
    return Layout(tuple(groups), settings.label)


def collection_of(recipe: Recipe, group: Group) -> Collection:
    """A group as a collection of the recipe, for its normalisation: with the columns that may move only."""
    if group.name != INPUTS:
        return recipe.collections[group.name].model_copy(update={"columns": group.rules})
    # What has a relative tolerance spans orders of magnitude, as a missing energy does.
    return Collection(columns=group.rules, normalisation="log-standard")


def _group(recipe: Recipe, name: str, slots: int, label: str | None) -> Group:
    if name not in recipe.collections or name == INPUTS:
        why = "is what the event variables are called" if name == INPUTS else "is no collection of the recipe"
        raise RecipeError(f"events: {name!r} {why}{nearest(name, list(recipe.collections))}")
    collection = recipe.collections[name]
    lossy = collection.lossy_columns()
    if label is not None:
        lossy.pop(label, None)
    if not lossy:
        raise RecipeError(
            f"events: collection {name!r} has no column with a tolerance, so that there is nothing to learn"
        )
    files = collection.file_columns(name)
    in_file = {variable: files[variable] for variable in lossy}
    if label is not None:
        in_file[label] = files.get(label, f"{name}_{label}")
    return Group(name, slots, lossy, in_file)


def _inputs(recipe: Recipe, settings: EventNetwork) -> dict[str, Column]:
    chosen = settings.inputs
    if chosen is None:
        chosen = [name for name, column in recipe.columns.items() if not column.tolerance.is_exact]
    for name in chosen:
        if name not in recipe.columns:
            raise RecipeError(f"events: input {name!r} is not in 'columns'{nearest(name, list(recipe.columns))}")
        if recipe.columns[name].tolerance.is_exact:
            raise RecipeError(f"events: input {name!r} is exact in 'columns'; a network takes what has a tolerance")
    return {name: Column(**recipe.columns[name].model_dump()) for name in chosen}
