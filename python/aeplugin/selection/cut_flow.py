"""How many events and objects are left after each cut of a selection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import awkward as ak
import numpy as np

from aeplugin.errors import RecipeError
from aeplugin.readers import EVENTS_PER_STEP, Groups, read_columns
from aeplugin.recipe import Recipe
from aeplugin.recipe_files import schema_of
from aeplugin.selection.selector import Selector, objects_per_event

ALL = "all"
"""What the first row is called, before any cut."""


class Cut(NamedTuple):
    """What is left after a cut and those before it.

    Attributes:
        cut: its name, "all" for the first, which cuts nothing.
        events: the events.
        objects: for each collection its objects in these events.
    """

    cut: str
    events: int
    objects: dict[str, int]


def cut_flow(
    paths: Sequence[str | Path], recipe: Recipe, groups: Groups | None = None, step: int = EVENTS_PER_STEP
) -> list[Cut]:
    """The selection of a recipe applied to files, cut by cut; in bounded memory.

    Args:
        paths: in the order in which they are trained on, which the fraction depends on; at least one.
        recipe: as it was written; it is matched with the columns of the first file.
        groups: the collections that are trained; default those of the recipe that have columns with a tolerance.
        step: events that are read at once.

    Raises:
        InputError: see `aeplugin.readers.open_table`.
        RecipeError: the selection does not fit a file, or an expression of `objects` is about none of the groups.
    """
    schemas = [schema_of(path, recipe.tree)[1] for path in paths]
    resolved = recipe.resolve(schemas[0], str(paths[0]))
    every = {name: collection.file_columns(name) for name, collection in resolved.collections.items()}
    wanted = _lossy(resolved) if groups is None else groups
    if not wanted:
        raise RecipeError("recipe: no collection has a variable with a tolerance, so that there is nothing to train")
    selectors = []
    for path, schema in zip(paths, schemas, strict=True):
        selectors.append(Selector(recipe.training.selection, wanted, schema, recipe.training.seed, path, every))
        if selectors[-1].idle:
            raise RecipeError(
                f"{path}: training.selection.objects: {selectors[-1].idle[0]!r} is about no collection that is "
                f"trained; expected columns of {' or '.join(wanted)}"
            )
    rows: dict[int, Cut] = {}
    for file, (path, selector) in enumerate(zip(paths, selectors, strict=True)):
        for start, arrays in _blocks(path, selector.used, recipe.tree, step):
            for number, cut in enumerate(_left(selector, file, start, arrays, wanted)):
                rows[number] = _sum(rows[number], cut) if number in rows else cut
    return list(rows.values())


def _lossy(resolved: Recipe) -> Groups:
    groups = {}
    for name, collection in resolved.collections.items():
        files, lossy = collection.file_columns(name), collection.lossy_columns()
        if lossy:
            groups[name] = {variable: files[variable] for variable in lossy}
    return groups


def _blocks(
    path: str | Path, columns: Sequence[str], tree: str | None, step: int
) -> Iterator[tuple[int, dict[str, ak.Array]]]:
    """The columns of a file block by block, each with its first entry; at least one block, which may be empty."""
    start, read = 0, step
    while read == step:
        arrays = read_columns(path, columns, tree, start, start + step)
        read = len(arrays[columns[0]])
        if read or not start:
            yield start, arrays
        start += read


def _left(selector: Selector, file: int, start: int, arrays: Mapping[str, ak.Array], groups: Groups) -> Iterator[Cut]:
    """What each cut leaves of a block, beginning with all of it."""
    events = np.ones(len(next(iter(arrays.values()))), bool)
    counts = {name: objects_per_event(arrays[next(iter(columns.values()))]) for name, columns in groups.items()}
    objects = {name: np.ones(int(count.sum()), bool) for name, count in counts.items()}

    def row(cut: str) -> Cut:
        left = {name: int((mask & np.repeat(events, counts[name])).sum()) for name, mask in objects.items()}
        return Cut(cut, int(events.sum()), left)

    yield row(ALL)
    for applied in selector.steps(file, start, arrays):
        if applied.collection is None:
            events &= applied.mask
        else:
            objects[applied.collection] &= applied.mask
        yield row(applied.cut)


def _sum(one: Cut, other: Cut) -> Cut:
    objects = {name: count + other.objects[name] for name, count in one.objects.items()}
    return Cut(one.cut, one.events + other.events, objects)
