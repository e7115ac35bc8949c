"""Original and reconstructed files side by side: their columns in groups, and their events in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from aeplugin.errors import InputError, RecipeError, nearest
from aeplugin.files import iterate_groups, iterate_objects
from aeplugin.plots.drawing.wording import variable_label
from aeplugin.readers import EVENTS_PER_STEP, Groups, Objects, groups_in_step, open_table
from aeplugin.recipe import Column, Recipe
from aeplugin.recipe_files import schema_of
from aeplugin.recipe_types import ColumnKind, parse_type

Sides = tuple[dict[str, Objects], dict[str, Objects]]


@dataclass(frozen=True)
class Group:
    """Columns of one length per event that may move: those of a collection, or those with one value per event.

    Attributes:
        name: "Jet", or "Event" for single values.
        columns: for each variable what the recipe says.
        files: for each variable its column in the file.
        labels: for each variable its label in mathtext.
        network: what file names and plots call the model of the group.
        single: whether there is one value per event.
    """

    name: str
    columns: dict[str, Column]
    files: dict[str, str]
    labels: dict[str, str]
    network: str
    single: bool = False


@dataclass(frozen=True)
class Block:
    """The same events of both files.

    Attributes:
        before, after: for each group the objects of the original and of the reconstructed file.
        weights: of the events, shape (events,), or None.
        start: number of the first event, from 0.
    """

    before: dict[str, Objects]
    after: dict[str, Objects]
    weights: np.ndarray | None
    start: int

    @property
    def events(self) -> int:
        return len(next(iter(self.before.values())).counts)

    def object_weights(self, group: str) -> np.ndarray | None:
        """Of the objects of a group, shape (objects,), or None."""
        return None if self.weights is None else np.repeat(self.weights, self.before[group].counts)


@dataclass(frozen=True)
class Pair:
    """One data set: an original file, and the file that it became (compressed, or decompressed again).

    Attributes:
        name: of the data set, for labels and tables.
        tree: the original's TTree or RNTuple; default the only one.
        weight: the column with the events' weights, or None.
        step: events per block.
        on_events: told after each block how many events it had.
    """

    name: str
    original: str | Path
    reconstructed: str | Path
    tree: str | None = None
    weight: str | None = None
    step: int = EVENTS_PER_STEP
    on_events: Callable[[int], None] = lambda events: None

    def blocks(self, groups: Groups) -> Iterator[Block]:
        """Blocks of the same events of both files, with the given columns of each group.

        Raises:
            InputError: the files differ in their number of events or in the number of objects of an event.
            RecipeError: a file lacks a column.
        """
        files = self.original, self.reconstructed
        before, after = (iterate_groups(path, groups, self.tree, self.step) for path in files)
        return self._in_blocks(groups_in_step(before, after, *files))

    def originals(self, groups: Groups) -> Iterator[Block]:
        """The same of the original alone, which then stands on both sides."""
        blocks = iterate_groups(self.original, groups, self.tree, self.step)
        return self._in_blocks((block, block) for block in blocks)

    def _in_blocks(self, sides: Iterator[Sides]) -> Iterator[Block]:
        start = 0
        for (before, after), weights in zip(sides, self._weights(), strict=False):  # the weights never end
            block = Block(before, after, weights, start)
            yield block
            start += block.events
            self.on_events(block.events)

    @cached_property
    def schema(self) -> dict[str, ColumnKind]:
        """What each column of the original holds, of those that can be read."""
        types = schema_of(self.original, self.tree)[1]
        return {name: kind for name, text in types.items() if (kind := parse_type(text)) is not None}

    @cached_property
    def events(self) -> int:
        """Number of events of the original."""
        return int(open_table(self.original, self.tree).num_entries)

    def _weights(self) -> Iterator[np.ndarray | None]:
        if self.weight is None:
            while True:
                yield None
        if self.weight not in self.schema or self.schema[self.weight].depth:
            single = [name for name, kind in self.schema.items() if not kind.depth]
            raise InputError(
                f"{self.original}: no column {self.weight!r} with one weight per event{nearest(self.weight, single)}"
            )
        start = 0
        for block in iterate_objects(self.original, "weights", {"weight": self.weight}, self.tree, self.step):
            weights = block.columns["weight"].astype(np.float64)
            if not np.isfinite(weights).all():
                event = start + int(np.flatnonzero(~np.isfinite(weights))[0])
                raise InputError(f"{self.original}: column {self.weight!r}: the weight of event {event} is not finite")
            yield weights
            start += len(weights)
        while True:  # other readers find out that there are more events, and say so better
            yield np.empty(0)


def groups_of(recipe: Recipe, pair: Pair, name_network: Callable[[str | None], str]) -> list[Group]:
    """What may move in a data set, as groups: the recipe's collections, then single columns, then other lists.

    Args:
        recipe: resolved for the original.
        name_network: gives the network's name for a collection's name, or for None: outside of collections.

    Raises:
        RecipeError: nothing may move, or a label is no valid mathtext.
    """
    groups = []
    for name, collection in recipe.collections.items():
        if lossy := collection.lossy_columns():
            files = collection.file_columns(name)
            groups.append(_group(name, lossy, {v: files[v] for v in lossy}, name_network(name)))
    loose = {
        name: Column(**dict(column), column=name)
        for name, column in recipe.columns.items()
        if not column.tolerance.is_exact
    }
    single = {plain_name(name): name for name in loose if not pair.schema[name].depth}
    if single:
        taken = {group.name for group in groups}
        name = next(word for word in ("Event", "Events", "PerEvent") if word not in taken)
        columns = {variable: loose[column] for variable, column in single.items()}
        groups.append(_group(name, columns, single, name_network(None), single=True))
    for name, column in loose.items():
        if pair.schema[name].depth:
            groups.append(_group(plain_name(name), {"values": column}, {"values": name}, name_network(None)))
    if not groups:
        raise RecipeError("recipe: nothing to plot: no column has a tolerance")
    return groups


def plain_name(column: str) -> str:
    """A column's name with letters, digits and _ only."""
    return "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in column)


def _group(
    name: str, columns: dict[str, Column], files: dict[str, str], network: str, *, single: bool = False
) -> Group:
    labels = {variable: variable_label(variable, column) for variable, column in columns.items()}
    return Group(name, columns, files, labels, network, single)
