"""Which columns of a file are numbers of events, and which are numbers of objects of what collection."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aeplugin.errors import RecipeError, nearest
from aeplugin.readers import Groups
from aeplugin.recipe_resolution import SEPARATORS
from aeplugin.recipe_types import ColumnKind, parse_type


class FileColumns:
    """The columns of a file, those of the recipe's collections among them.

    A column with one value per object belongs to the collection of the recipe that lists it, or has the same counter or
    begins with the same name as those that it lists, and as many values. Other collections of the file are called by
    what the names of their columns begin with: Electron of Electron_pt, AnalysisJetsAuxDyn of AnalysisJetsAuxDyn.pt.
    """

    def __init__(self, groups: Groups, schema: Mapping[str, str]) -> None:
        """
        Args:
            groups: for each collection of the recipe its variables and their columns.
            schema: for each column its type, as `aeplugin.recipe_files.schema_of` gives them.
        """
        self._types = schema
        self._kinds = {column: parse_type(name) for column, name in schema.items()}
        self._groups = groups
        self._owners = {column: name for name, columns in groups.items() for column in columns.values()}
        self._prefixes = _prefixes(groups)
        self._counters = {
            kind.counter: name
            for column, name in self._owners.items()
            if (kind := self._kinds.get(column)) and kind.counter
        }
        taken = {*groups}
        self._members: dict[str, list[str]] = {}
        for column, kind in self._kinds.items():
            if kind and kind.depth == 1 and kind.value != "std::string":
                if kind.counter and kind.counter not in self._counters:
                    # Two collections may begin alike: jet_pt[njets] and jet_trk_pt[ntracks].
                    self._counters[kind.counter] = kind.counter if _head(column) in taken else _head(column)
                    taken.add(_head(column))
                self._members.setdefault(self._collection(column, kind), []).append(column)

    def kind(self, column: str) -> ColumnKind:
        """What a column holds.

        Raises:
            RecipeError: the file has no such column, or it has neither numbers nor lists of numbers.
        """
        if column not in self._types:
            raise RecipeError(f"no column {column!r}{nearest(column, list(self._types))}")
        kind = self._kinds[column]
        if kind is None or kind.depth > 1 or kind.value == "std::string":
            raise RecipeError(
                f"column {column!r} is of type {self._types[column]}; expected numbers, booleans or lists "
                "of these that are not nested"
            )
        return kind

    def collection(self, column: str) -> str | None:
        """The collection that a column of numbers belongs to; None where it has one value per event."""
        kind = self.kind(column)
        return self._collection(column, kind) if kind.depth else None

    def _collection(self, column: str, kind: ColumnKind) -> str:
        """The same for a column with one value per object."""
        if column in self._owners:
            return self._owners[column]
        if kind.counter in self._counters:
            return self._counters[kind.counter]
        for prefix, (name, shape) in self._prefixes.items():
            if column.startswith(prefix) and kind.shape == self._shape(shape):
                return name
        return f"{_head(column)}[{kind.size}]" if kind.size else _head(column)

    def _shape(self, column: str) -> tuple[int, int, str] | None:
        kind = self._kinds.get(column)
        return kind.shape if kind else None

    def representative(self, name: str) -> str:
        """A column to count the objects of a collection with, which is called by its name or by one of its columns.

        Raises:
            RecipeError: there is no such collection.
        """
        if name in self._types:
            if self.collection(name) is None:
                raise RecipeError(f"n({name}): column {name!r} has one value per event, which is no collection")
            return name
        for prefix, (group, _) in self._prefixes.items():
            if name in (group, prefix.rstrip("".join(SEPARATORS))):
                return next(iter(self._groups[group].values()))
        if name not in self._members:
            raise RecipeError(f"n({name}): no collection {name!r}{nearest(name, [*self._groups, *self._members])}")
        return self._members[name][0]

    @property
    def objects_are_entries(self) -> bool:
        """Whether the collections of the recipe have one object per entry of the file."""
        return all(not self.kind(next(iter(columns.values()))).depth for columns in self._groups.values())

    def single_collection(self, columns: tuple[str, ...]) -> str | None:
        """The collection of the recipe with one object per event that one of these columns belongs to, if any."""
        for column in columns:
            if not self.kind(column).depth:
                if column in self._owners:
                    return self._owners[column]
                for prefix, (name, shape) in self._prefixes.items():
                    if column.startswith(prefix) and self._shape(shape) == self.kind(column).shape:
                        return name
        return None


def _head(column: str) -> str:
    return re.split("[_.:]", column)[0] or column


def _prefixes(groups: Groups) -> dict[str, tuple[str, str]]:
    """What names of columns of each collection begin with, longest first; with the collection and its first column."""
    found = {}
    for name, columns in groups.items():
        first = next(iter(columns.values()))
        for separator in SEPARATORS:
            found[f"{name}{separator}"] = (name, first)
        for variable, column in columns.items():
            before = column.removesuffix(variable)
            if before != column and before.endswith(SEPARATORS):
                found.setdefault(before, (name, first))
    return dict(sorted(found.items(), key=lambda entry: -len(entry[0])))
