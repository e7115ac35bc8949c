"""Which kinds of objects a data set has: those that a column tells apart, or its collections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aeplugin.darkmachines import OBJECT_KINDS
from aeplugin.plots.pairs import Pair
from aeplugin.readers import Objects
from aeplugin.recipe import Column, Recipe

_FOUR_VECTOR = ("E", "energy", "pt", "eta", "phi", "m", "mass")
_NEEDED = {"pt", "eta", "phi"}


@dataclass(frozen=True)
class Kinds:
    """The kinds of objects of a data set, and how to read them.

    Attributes:
        groups: what `Pair.blocks` and `Pair.originals` are to read: for each collection its variables' columns.
        columns: for each variable that all kinds have its unit, label and (where it may move) tolerance.
        kind_column: the variable that tells the kinds of the only collection apart, or None: each collection is a kind.
    """

    groups: dict[str, dict[str, str]]
    columns: dict[str, Column]
    kind_column: str | None

    def split(self, side: Mapping[str, Objects]) -> dict[str, Objects]:
        """The objects of a block by kind, with the variables of `columns`; kinds without objects may be missing.

        Args:
            side: `Block.before` or `Block.after`.
        """
        if self.kind_column is None:
            return dict(side)
        (objects,) = side.values()
        kinds = objects.columns[self.kind_column]
        event = np.repeat(np.arange(len(objects.counts)), objects.counts)
        found = {}
        for number in np.unique(kinds):
            chosen = kinds == number
            counts = np.bincount(event[chosen], minlength=len(objects.counts))
            found[kind_name(int(number))] = Objects(counts, {v: objects.columns[v][chosen] for v in self.columns})
        return found


def kind_name(number: int) -> str:
    """The name of a value of a kind column: those of Dark Machines events, as they write them."""
    return OBJECT_KINDS[number] if 0 <= number < len(OBJECT_KINDS) else f"kind {number}"


def kinds_of(pair: Pair, recipe: Recipe) -> Kinds | None:
    """The kinds of objects of a data set; None where nothing in it has pt, eta and phi, or where there is but one kind.

    A collection of the recipe with a column ``<collection>_kind`` is split by that. Else each collection of the recipe
    whose objects have pt, eta and phi is a kind; where there is but one, each collection of the file, also those that
    are kept exactly.
    """
    for name, collection in recipe.collections.items():
        files, kind = collection.file_columns(name), f"{name}_kind"
        if kind in pair.schema and pair.schema[kind].depth == 1 and set(files) >= _NEEDED:
            columns = {variable: collection.columns[variable] for variable in files if variable != "kind"}
            return Kinds({name: {v: files[v] for v in columns} | {"kind": kind}}, columns, "kind")
    groups = _collections(pair, recipe)
    if len(groups) < 2:
        return None
    common = [v for v in _FOUR_VECTOR if all(v in columns for columns in groups.values())]
    known = {v: column for collection in recipe.collections.values() for v, column in collection.columns.items()}
    exact = Column.model_validate({"tolerance": "exact"})
    columns = {variable: known.get(variable, exact) for variable in common}
    return Kinds({name: {v: files[v] for v in common} for name, files in groups.items()}, columns, None)


def _collections(pair: Pair, recipe: Recipe) -> dict[str, dict[str, str]]:
    """Collections with pt, eta and phi: those of the recipe, or all of the file where the recipe has but one."""
    named = {name: collection.file_columns(name) for name, collection in recipe.collections.items()}
    named = {name: files for name, files in named.items() if set(files) >= _NEEDED}
    if len(named) > 1:
        return named
    groups: dict[str, dict[str, str]] = {}
    for column, what in pair.schema.items():
        split = re.fullmatch(r"(.+?)(?:_|\.|:)([A-Za-z]+)", column)
        if split and what.depth == 1 and split[2] in _FOUR_VECTOR:
            groups.setdefault(split[1], {})[split[2]] = column
    return {name: columns for name, columns in groups.items() if set(columns) >= _NEEDED}
