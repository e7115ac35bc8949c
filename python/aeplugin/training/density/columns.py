"""Which columns of a file a density codes: collections and single columns, as they stand in its coding order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aeplugin.errors import RecipeError, nearest
from aeplugin.recipe import Column, LooseColumn, Recipe
from aeplugin.recipe_density import CODECS, Density
from aeplugin.recipe_types import ColumnKind, parse_type

INTEGERS = ("bool", *(f"std::{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32)))
"""Types of columns without a tolerance that a density can code."""


@dataclass(frozen=True)
class CodedColumn:
    """A column whose values a density codes.

    Attributes:
        group: its collection, or its own name where it stands outside collections.
        kind: "abs", "rel", or "exact" for integers that do not move.
        tolerance: how far values may move; 0 for "exact".
        type: of the values: "float", "double", or one of `INTEGERS`.
        formula: predicts it from others of its group, or "".
    """

    group: str
    variable: str
    column: str
    kind: str
    tolerance: float
    type: str
    formula: str
    periodic: bool
    sentinels: tuple[float, ...]


@dataclass(frozen=True)
class CodedGroup:
    """Columns with one length per event, `is_single` where that is 1 in every event."""

    name: str
    is_single: bool
    columns: tuple[CodedColumn, ...]


def coded_groups(resolved: Recipe, schema: Mapping[str, str]) -> list[CodedGroup]:
    """What the density of a resolved recipe codes: collections of the codecs auto and autoregressive with their lossy
    columns and with integers that the recipe lists, and lossy columns outside collections with one value per event.

    Args:
        schema: for each column of a file its type.

    Raises:
        RecipeError: there is nothing to code, or a collection that is to be autoregressive has nothing lossy.
    """
    kinds = {column: kind for column, text in schema.items() if (kind := parse_type(text)) is not None}
    groups = []
    for name, collection in resolved.collections.items():
        if collection.codec not in CODECS:
            continue
        files = collection.file_columns(name)
        lossy = [files[variable] for variable in collection.lossy_columns()]
        if not lossy and collection.codec == "autoregressive":
            raise RecipeError(
                f"recipe: collection {name!r} has the codec autoregressive and no variable with a tolerance; expected "
                "one at least, or the codec plain"
            )
        if not lossy:
            continue
        shape = kinds[lossy[0]].shape
        columns = tuple(
            _coded(name, variable, files[variable], rule, kinds[files[variable]])
            for variable, rule in collection.columns.items()
            if files[variable] in kinds and _may_be_coded(rule, kinds[files[variable]], shape)
        )
        groups.append(CodedGroup(name, not shape[0], columns))
    for name, rule in resolved.columns.items():
        if not rule.tolerance.is_exact and not kinds[name].depth:
            groups.append(CodedGroup(name, True, (_coded(name, name, name, rule, kinds[name]),)))
    if not groups:
        raise RecipeError(
            "recipe: nothing for the density to code: expected a collection of the codec auto or autoregressive, or "
            "columns with one value per event, that have a tolerance"
        )
    return groups


def missing_columns(groups: list[CodedGroup], density: Density) -> tuple[CodedColumn, CodedColumn] | None:
    """Size and angle of the missing momentum.

    Raises:
        RecipeError: they are no columns of the event that the density codes.
    """
    if density.missing is None:
        return None
    single = {column.column: column for group in groups if group.is_single for column in group.columns}
    for name in density.missing:
        if name not in single:
            raise RecipeError(
                f"recipe: density.missing: {name!r} is no column with a tolerance and one value per event"
                f"{nearest(name, list(single))}"
            )
    size, angle = (single[name] for name in density.missing)
    return size, angle


def mirrored_columns(groups: list[CodedGroup], density: Density) -> list[set[str]]:
    """For each list of names that flip together the columns that they mean.

    Raises:
        RecipeError: a name is that of no variable or column that the density codes.
    """
    columns = [column for group in groups for column in group.columns]
    meant: list[set[str]] = []
    for names in density.mirror:
        meant.append(set())
        for name in names:
            found = [column for column in columns if name in (column.variable, column.column)]
            if not found:
                known = sorted({known for column in columns for known in (column.variable, column.column)})
                raise RecipeError(
                    f"recipe: density.mirror: {name!r} is no variable that the density codes{nearest(name, known)}"
                )
            meant[-1] |= {column.column for column in found}
    return meant


def _may_be_coded(rule: Column, kind: ColumnKind, shape: tuple[int, int, str]) -> bool:
    return not rule.tolerance.is_exact or (kind.value in INTEGERS and kind.shape == shape)


def _coded(group: str, variable: str, column: str, rule: LooseColumn, kind: ColumnKind) -> CodedColumn:
    tolerance = rule.tolerance
    name = "exact" if tolerance.is_exact else "abs" if tolerance.rel is None else "rel"
    formula = (rule.predict or "") if isinstance(rule, Column) else ""
    size = tolerance.abs or tolerance.rel or 0.0
    return CodedColumn(group, variable, column, name, size, kind.value, formula, rule.periodic, tuple(rule.sentinels))
