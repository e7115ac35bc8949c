"""Which kinds of objects a data set has: those that a column tells apart, or its collections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from aeplugin.darkmachines import OBJECT_KINDS
from aeplugin.plots.event_view import role_of, split_column
from aeplugin.plots.pairs import Block, Pair
from aeplugin.readers import Objects
from aeplugin.recipe import Column, Recipe

_FOUR_VECTOR = ("E", "energy", "pt", "eta", "phi", "m", "mass")
_NEEDED = {"pt", "eta", "phi"}
_TAG = "btag"
_LABELS = {
    "j": "jet (j)",
    "b": "b-jet (b)",
    "e-": "electron (e\u2212)",
    "e+": "electron (e+)",
    "m-": "muon (m\u2212)",
    "m+": "muon (m+)",
    "g": "photon (g)",
}
_EXACT = Column.model_validate({"tolerance": "exact"})


@dataclass(frozen=True)
class Member:
    """The objects of one kind in a block, and the group of columns that they come from.

    Attributes:
        before, after: the same objects on both sides, with the variables of `Kinds.columns`.
        weights: of the objects, shape (objects,), or None.
    """

    kind: str
    group: str
    before: Objects
    after: Objects
    weights: np.ndarray | None


@dataclass(frozen=True)
class Kinds:
    """The kinds of objects of a data set, and how to read them.

    Attributes:
        groups: what `Pair.blocks` and `Pair.originals` are to read: for each collection its variables' columns.
        columns: for each variable that all kinds have its unit, label and (where it may move) tolerance.
        kind_column: the variable that tells the kinds of the only collection apart, or None: each collection is a kind,
            or two where it has a column that says which of its objects are tagged as b-jets.
        rules: for each group what the recipe says of its own variables; they are exact where it says nothing.
    """

    groups: dict[str, dict[str, str]]
    columns: dict[str, Column]
    kind_column: str | None
    rules: dict[str, dict[str, Column]]

    def split(self, side: Mapping[str, Objects]) -> dict[str, Objects]:
        """The objects of a block by kind, with the variables of `columns`; kinds without objects may be missing.

        Args:
            side: `Block.before` or `Block.after`.
        """
        return {kind: self._chosen(side[group], mask) for kind, group, mask in self._masks(side)}

    def in_step(self, block: Block) -> Iterator[Member]:
        """The objects of a block by kind, on both sides; the original tells the kinds."""
        for kind, group, mask in self._masks(block.before):
            weights = block.object_weights(group)
            before, after = (self._chosen(side[group], mask) for side in (block.before, block.after))
            yield Member(kind, group, before, after, None if weights is None else weights[mask])

    def _masks(self, side: Mapping[str, Objects]) -> Iterator[tuple[str, str, np.ndarray]]:
        for group, objects in side.items():
            if self.kind_column is not None:
                kinds = objects.columns[self.kind_column]
                yield from ((kind_name(int(number)), group, kinds == number) for number in np.unique(kinds))
            elif _TAG in self.groups[group]:
                tagged = objects.columns[_TAG].astype(bool)
                yield f"{group} (b)", group, tagged
                yield f"{group} (no b)", group, ~tagged
            else:
                yield group, group, np.ones(len(objects), bool)

    def _chosen(self, objects: Objects, mask: np.ndarray) -> Objects:
        events = np.repeat(np.arange(len(objects.counts)), objects.counts)
        counts = np.bincount(events[mask], minlength=len(objects.counts))
        return Objects(counts, {v: objects.columns[v][mask] for v in self.columns})


def kind_name(number: int) -> str:
    """The name of a value of a kind column: those of Dark Machines events, as they write them."""
    return OBJECT_KINDS[number] if 0 <= number < len(OBJECT_KINDS) else f"kind {number}"


def kind_label(kind: str) -> str:
    """A kind for readers: ``photon (g)`` for a code of Dark Machines, ``LargeRJets`` for a collection of PHYSLITE."""
    return _LABELS.get(kind, kind.removeprefix("Analysis").replace("AuxDyn", ""))


def kinds_of(pair: Pair, recipe: Recipe) -> Kinds | None:
    """The kinds of objects of a data set; None where nothing in it has pt, eta and phi, or where there is but one kind.

    A collection of the recipe with a column ``<collection>_kind`` is split by that. Else each collection of the recipe
    whose objects have pt, eta and phi is a kind; where there is but one, so are the jets, leptons and photons of the
    file that are kept exactly, or all its collections where none of those has such a name.
    """
    for name, collection in recipe.collections.items():
        files, kind = collection.file_columns(name), f"{name}_kind"
        if kind in pair.schema and pair.schema[kind].depth == 1 and set(files) >= _NEEDED:
            columns = {variable: collection.columns[variable] for variable in files if variable != "kind"}
            groups = {name: {v: files[v] for v in columns} | {"kind": kind}}
            return Kinds(groups, columns, "kind", {name: columns})
    found = _collections(pair, recipe)
    tags = {name: {_TAG: tag} for name in found if (tag := _tag_of(pair, name)) is not None}
    if len(found) + len(tags) < 2:
        return None
    common = [v for v in _FOUR_VECTOR if all(v in columns for columns in found.values())]
    known: dict[str, Column] = {}
    for collection in recipe.collections.values():
        known = collection.columns | known  # the first that says something of a variable has labels for it
    own = {name: recipe.collections[name].columns if name in recipe.collections else {} for name in found}
    return Kinds(
        {name: {v: files[v] for v in common} | tags.get(name, {}) for name, files in found.items()},
        {variable: known.get(variable, _EXACT) for variable in common},
        None,
        {name: {v: columns.get(v, _EXACT) for v in common} for name, columns in own.items()},
    )


def _tag_of(pair: Pair, collection: str) -> str | None:
    """The column that says which objects are b-jets, as Dark Machines events have it; no discriminators."""
    column = f"{collection}_{_TAG}"
    what = pair.schema.get(column)
    return column if what is not None and what.depth == 1 and what.value == "bool" else None


def _collections(pair: Pair, recipe: Recipe) -> dict[str, dict[str, str]]:
    """Collections with pt, eta and phi: those of the recipe, or of the file where the recipe has but one."""
    named = {name: collection.file_columns(name) for name, collection in recipe.collections.items()}
    named = {name: files for name, files in named.items() if set(files) >= _NEEDED}
    if len(named) > 1:
        return named
    groups: dict[str, dict[str, str]] = {}
    for column, what in pair.schema.items():
        split = split_column(column)
        if split and what.depth == 1 and split[1] in _FOUR_VECTOR:
            groups.setdefault(split[0], {})[split[1]] = column
    every = {name: columns for name, columns in groups.items() if set(columns) >= _NEEDED}
    telling = {name: columns for name, columns in every.items() if role_of(name) is not None or name in named}
    return telling if len(telling) > 1 else every
