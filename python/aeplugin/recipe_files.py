"""Recipes and files: which columns a file has, and what a recipe makes of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aeplugin.readers import open_table, reading
from aeplugin.recipe import Recipe
from aeplugin.recipe_types import parse_type


@dataclass(frozen=True)
class RecipeRow:
    """What becomes of one column of a file.

    Attributes:
        column, type: its name and its type in the file.
        rule: the tolerance, such as "rel 0.02", or "exact", "dropped" or "unsupported".
        sentinels: values that are kept exactly.
        formula: what predicts the column, or "".
        codec: of its collection, or "" where the column is exact.
    """

    column: str
    type: str
    rule: str
    sentinels: list[float]
    formula: str
    codec: str


def schema_of(path: str | Path, tree: str | None = None) -> tuple[str, dict[str, str]]:
    """The name of a TTree or RNTuple, and the type of each of its columns by name, in the file's order.

    Types are spelled as RNTuple and RDataFrame do: "float", "std::vector<std::int32_t>", "std::array<float,3>", and
    "float[NJet]" for a C array whose length is the column NJet. Types that cannot be compressed are as uproot calls
    them. The members of a class that ROOT has split are columns beside the class.

    Raises:
        InputError: the file is missing or damaged, or there is no such tree, or several and `tree` is not given.
    """
    table = open_table(path, tree)
    with reading(path):
        return str(table.name), {name: kind for name, (kind, _) in branches(table).items()}


def branches(table: Any) -> dict[str, tuple[str, Any]]:
    """For each column its type, and what uproot reads it from; to be called within `readers.reading`."""
    if hasattr(table, "field_records"):  # an RNTuple; members of records are no columns of their own
        return {name: (_spelled(table[name].typename), table[name]) for name in table.keys(recursive=False)}
    found: dict[str, tuple[str, Any]] = {}
    single = {b.name for b in table.branches if (kind := parse_type(b.typename)) and not kind.depth}
    for branch in table.itervalues(recursive=True):
        typename = branch.typename
        if leaves := re.fullmatch(r"struct \{(.*)\}", typename):
            for kind, leaf in re.findall(r"(\S+) ([^;]+);", leaves[1]):
                found.setdefault(f"{branch.name}.{leaf}", (_spelled(kind), branch))
            continue
        if typename.endswith("[]"):
            counter = branch.count_branch.name if branch.count_branch is not None else None
            value = typename.removesuffix("[]")
            typename = f"{value}[{counter}]" if counter in single else f"std::vector<{value}>"
        found.setdefault(branch.name, (_spelled(typename), branch))
    return found


def check_recipe(recipe: Recipe, path: str | Path, tree: str | None = None) -> list[RecipeRow]:
    """What each column of a file gets from a recipe, in the file's order.

    Args:
        tree: the TTree or RNTuple; default the recipe's, else the only one in the file.

    Raises:
        InputError: see `schema_of`.
        RecipeError: the recipe does not fit the file.
    """
    schema = schema_of(path, tree or recipe.tree)[1]
    return recipe_rows(recipe.resolve(schema, str(path)), schema)


def recipe_rows(recipe: Recipe, schema: Mapping[str, str]) -> list[RecipeRow]:
    """The same for a resolved recipe and the columns it was resolved with."""
    rules: dict[str, tuple[str, list[float], str, str]] = dict.fromkeys(recipe.drop, ("dropped", [], "", ""))
    for name, loose in recipe.columns.items():
        codec = "" if loose.tolerance.is_exact else recipe.loose_codec
        rules[name] = (str(loose.tolerance), loose.sentinels, "", codec)
    for name, collection in recipe.collections.items():
        files = collection.file_columns(name)
        for variable, rule in collection.columns.items():
            codec = "" if rule.tolerance.is_exact else collection.codec
            rules[files[variable]] = (str(rule.tolerance), rule.sentinels, rule.predict or "", codec)
    return [RecipeRow(column, kind, *rules.get(column, _otherwise(kind))) for column, kind in schema.items()]


def _otherwise(typename: str) -> tuple[str, list[float], str, str]:
    """What becomes of a column that the recipe does not mention."""
    return ("exact" if parse_type(typename) else "unsupported", [], "", "")


def _spelled(typename: str) -> str:
    """A type that uproot names, as RNTuple spells it where it can be compressed."""
    if typename == "char*":
        return "std::string"
    kind = parse_type(typename)
    return typename if kind is None else str(kind)
