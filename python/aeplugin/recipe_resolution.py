"""Matching a recipe with the columns of a file: globs become names, four-vectors get their predictions.

Explicit names win over globs, and earlier globs over later ones; a column is in one place only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, cast

from aeplugin.errors import RecipeError, nearest
from aeplugin.recipe_types import ColumnKind, parse_type

if TYPE_CHECKING:
    from aeplugin.recipe import Collection, Column, Recipe, Tolerance

NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
SEPARATORS = ("_", ".", ":")
"""What stands between a collection and a variable: in most files, in TTrees of PHYSLITE, in its RNTuples."""
FUNCTIONS = ("sqrt", "exp", "log", "sin", "cos", "sinh", "cosh", "abs")
"""What formulas may call besides the variables; as in docs/recipes.md and cxx/include/aeplugin/formula.hxx."""


def is_glob(name: str) -> bool:
    """Whether a name stands for others; brackets do not, for they occur in ROOT's own names."""
    return "*" in name or "?" in name


def matches(glob: str, name: str) -> bool:
    """Whether `glob` matches the whole of `name`: `*` is any characters, `?` is one; case matters."""
    return fnmatchcase(name, glob.replace("[", "[[]"))


def formula_variables(formula: str) -> list[str]:
    """The variables that a formula names, each once, in order; its syntax is checked where it is compiled."""
    without_numbers = re.sub(r"(?<![A-Za-z0-9_])(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", " ", formula)
    names = re.findall(r"([A-Za-z_][A-Za-z0-9_]*)(\s*\()?", without_numbers)
    return list(dict.fromkeys(name for name, call in names if not call))


def resolve(recipe: Recipe, schema: Mapping[str, str], where: str) -> Recipe:
    """See `Recipe.resolve`."""
    resolution = _Resolution(recipe, schema)
    resolved = resolution.resolve()
    if resolution.problems:
        raise RecipeError("\n".join(f"{where}: {problem}" for problem in resolution.problems))
    return resolved


def to_rules(recipe: Recipe) -> dict[str, Any]:
    """A resolved recipe as plain data for the compressor. Columns that are not listed are kept exactly.

    Raises:
        RecipeError: the recipe has globs, so it is not resolved.
    """
    names = [*recipe.columns, *recipe.drop, *(v for c in recipe.collections.values() for v in c.columns)]
    for name in filter(is_glob, names):
        raise RecipeError(f"recipe: the glob {name!r} is not matched with a file's columns yet; resolve the recipe")
    collections = []
    for name, collection in recipe.collections.items():
        files = collection.file_columns(name)
        lossy = collection.lossy_columns()
        rules = [_rule(v, files[v], c.tolerance, c.sentinels, c.predict or "") for v, c in lossy.items()]
        if rules:
            collections.append({"name": name, "codec": collection.codec, "columns": rules})
    for name, loose in recipe.columns.items():
        if not loose.tolerance.is_exact:
            rule = _rule(name, name, loose.tolerance, loose.sentinels, "")
            collections.append({"name": name, "codec": recipe.loose_codec, "columns": [rule]})
    return {"collections": collections, "dropped": list(recipe.drop)}


def _rule(variable: str, column: str, tolerance: Tolerance, sentinels: list[float], formula: str) -> dict[str, Any]:
    kind, value = ("rel", tolerance.rel) if tolerance.abs is None else ("abs", tolerance.abs)
    return {
        "variable": variable,
        "column": column,
        "kind": kind,
        "tolerance": value,
        "sentinels": list(sentinels),
        "formula": formula,
    }


class _Resolution:
    """One recipe and one file; `problems` fills up, so that all of them are told at once."""

    def __init__(self, recipe: Recipe, schema: Mapping[str, str]) -> None:
        self.recipe = recipe
        self.schema = schema
        self.kinds = {name: parse_type(text) for name, text in schema.items()}
        self.problems: list[str] = []
        self.owner: dict[str, str] = {}
        """What each column is for, in words."""

    def resolve(self) -> Recipe:
        collections, loose = self.recipe.collections, self.recipe.columns
        explicit = {name: self._explicit(name, collection) for name, collection in collections.items()}
        for column, rule in loose.items():
            if not is_glob(column):
                self._claim(column, "the entry in columns", rule.tolerance)
        drop = self._dropped()
        # A column called AK8_sub_pt begins with AK8_ too: the longer collection is meant.
        by_length = sorted(collections, key=len, reverse=True)
        expanded = {name: self._expanded(name, collections[name], explicit[name]) for name in by_length}
        columns = {c: rule for key, rule in loose.items() for c in self._loose(key, rule.tolerance)}
        update = {"collections": {n: expanded[n] for n in collections}, "columns": columns, "drop": drop}
        return self.recipe.model_copy(update=update)

    def _explicit(self, name: str, collection: Collection) -> dict[str, Column]:
        """The variables that the recipe names itself, each with its column in the file."""
        found = {}
        for variable, column in collection.columns.items():
            if is_glob(variable):
                continue
            spellings = [f"{name}{separator}{variable}" for separator in SEPARATORS]
            in_file = column.column or next((text for text in spellings if text in self.schema), spellings[0])
            self._claim(in_file, f"variable {variable!r} of collection {name!r}", column.tolerance)
            found[variable] = _in_file(column, name, variable, in_file)
        return found

    def _claim(self, column: str, owner: str, tolerance: Tolerance) -> None:
        """Note what a column is for that the recipe names itself, if that can be."""
        kind = self.kinds.get(column)
        if column not in self.schema:
            self.problems.append(f"no column {column!r} for {owner}{nearest(column, list(self.schema))}")
        elif column in self.owner:
            self.problems.append(f"column {column!r} stands twice: for {self.owner[column]} and for {owner}")
        elif not tolerance.is_exact and (kind is None or not kind.may_be_lossy):
            self.problems.append(
                f"column {column!r} for {owner} is of type {self.schema[column]}; only float and double, and lists "
                f"of them that are not nested, can have the tolerance {tolerance}; everything else is exact"
            )
        self.owner.setdefault(column, owner)

    def _dropped(self) -> list[str]:
        """The columns that are left out, in the file's order. Among globs, those of `drop` come first."""
        dropped: set[str] = set()
        for pattern in self.recipe.drop:
            if is_glob(pattern):
                dropped.update(c for c in self.schema if c not in self.owner and matches(pattern, c))
            elif pattern not in self.schema:
                self.problems.append(f"no column {pattern!r} to drop{nearest(pattern, list(self.schema))}")
            elif pattern in self.owner:
                self.problems.append(f"column {pattern!r} is to be dropped, and is there for {self.owner[pattern]}")
            else:
                dropped.add(pattern)
        self.owner |= dict.fromkeys(dropped, "drop")
        needed = {kind.counter: c for c, kind in self.kinds.items() if kind and kind.counter and c not in dropped}
        for counter in sorted(dropped & needed.keys()):
            self.problems.append(
                f"column {counter!r} cannot be dropped alone: column {needed[counter]!r} needs its lengths"
            )
        return [column for column in self.schema if column in dropped]

    def _free_floats(self, fits: Callable[[str], bool]) -> list[str]:
        """The columns, in the file's order, that a glob may take."""
        return [c for c, kind in self.kinds.items() if c not in self.owner and kind and kind.may_be_lossy and fits(c)]

    def _loose(self, key: str, tolerance: Tolerance) -> list[str]:
        """The columns outside collections that one entry stands for; none where a glob leaves them exact."""
        if not is_glob(key):
            return [key]
        found = self._free_floats(lambda column: matches(key, column))
        self.owner |= dict.fromkeys(found, "a glob in columns")
        return [] if tolerance.is_exact else found

    def _expanded(self, name: str, collection: Collection, explicit: dict[str, Column]) -> Collection:
        """A collection with its globs replaced by what they match."""
        named = {variable: column.column or f"{name}_{variable}" for variable, column in explicit.items()}
        matched = self._matched(name, collection, explicit)
        shape = self._shape(name, [named[v] for v, c in explicit.items() if not c.tolerance.is_exact], matched)
        variables: dict[str, Column] = {}
        for key, column in collection.columns.items():
            if not is_glob(key):
                variables[key] = explicit[key]
                continue
            for variable, (glob, in_file) in matched.items():
                # What has other lengths is no part of the collection, whatever it is called.
                if glob == key and self._kind(in_file).shape == shape:
                    self.owner[in_file] = f"a glob of collection {name!r}"
                    if not column.tolerance.is_exact:
                        variables[variable] = _in_file(column, name, variable, in_file)
        if not variables:
            prefixes = sorted({re.split("[_.:]", c)[0] for c in self.schema})
            self.problems.append(
                f"collection {name!r}: no column of floats matches {', '.join(map(repr, collection.columns))} after "
                f"{name + '_'!r}{'' if name in prefixes else nearest(name, prefixes)}"
            )
        return self._predicted(name, variables)

    def _matched(self, name: str, collection: Collection, explicit: Mapping[str, Column]) -> dict[str, tuple[str, str]]:
        """For each variable that a glob of the collection matches, the first such glob and the column in the file."""
        globs = list(filter(is_glob, collection.columns))
        found: dict[str, tuple[str, str]] = {}
        prefixes = tuple(f"{name}{separator}" for separator in SEPARATORS)
        for column in self._free_floats(lambda c: c.startswith(prefixes)) if globs else []:
            variable = column[len(name) + 1 :]
            glob = next((glob for glob in globs if matches(glob, variable)), None)
            if glob and variable not in explicit and variable not in found and re.match(NAME, variable):
                found[variable] = (glob, column)
        return found

    def _shape(
        self, name: str, explicit: list[str], matched: Mapping[str, tuple[str, str]]
    ) -> tuple[int, int, str] | None:
        """How many values the columns of a collection have: as those that are named, else as most that are matched."""
        kinds = {column: self._kind(column) for column in explicit if self.kinds.get(column)}
        for column, kind in kinds.items():
            first = next(iter(kinds))
            if kind.shape != kinds[first].shape:
                self.problems.append(
                    f"collection {name!r}: column {column!r} is of type {self.schema[column]} and {first!r} of type "
                    f"{self.schema[first]}; the columns of a collection have as many values in an event as each other"
                )
        shapes = [kind.shape for kind in kinds.values()] or [self._kind(c).shape for _, c in matched.values()]
        return Counter(shapes).most_common(1)[0][0] if shapes else None

    def _kind(self, column: str) -> ColumnKind:
        return cast(ColumnKind, self.kinds[column])

    def _predicted(self, name: str, variables: dict[str, Column]) -> Collection:
        """The collection with these variables, the energy of a four-vector predicted, and its formulas checked."""
        lossy = [variable for variable, column in variables.items() if not column.tolerance.is_exact]
        energy, formula = _four_vector({v: variables[v] for v in lossy})
        if energy:
            variables[energy] = variables[energy].model_copy(update={"predict": formula})
        for variable, column in variables.items():
            for used in formula_variables(column.predict or ""):
                if used in lossy and used != variable:
                    continue
                why = "which is exact" if used != variable else "which is itself"
                if used not in variables:
                    why = f"which it does not have{nearest(used, [v for v in lossy if v != variable])}"
                self.problems.append(
                    f"collection {name!r}: {variable!r} is to be predicted from other variables of the collection that "
                    f"have a tolerance, got {used!r}, {why}"
                )
        return self.recipe.collections[name].model_copy(update={"columns": variables})


def _in_file(column: Column, name: str, variable: str, in_file: str) -> Column:
    """The same rule for a column of the file; the name is only written where it is not the default."""
    return column.model_copy(update={"column": None if in_file == f"{name}_{variable}" else in_file})


def _four_vector(lossy: Mapping[str, Column]) -> tuple[str, str]:
    """The energy among these variables and its formula, or two empty texts where they are no four-vector.

    What the recipe says about predictions is left alone: on the energy, and on what it would be predicted from, which
    may be the energy.
    """
    by_name = {variable.lower(): variable for variable in reversed(list(lossy))}
    pt, eta, mass = (by_name.get(name, "") for name in ("pt", "eta", "m"))
    energy, mass = by_name.get("e") or by_name.get("energy") or "", mass or by_name.get("mass", "")
    if not (pt and eta and energy) or lossy[energy].predict is not None:
        return "", ""
    if any(lossy[variable].predict for variable in (pt, eta, mass) if variable):
        return "", ""
    momentum = f"{pt} * cosh({eta})"
    if not mass:
        return energy, momentum
    return energy, f"sqrt(({momentum}) * ({momentum}) + {mass} * {mass})"
