"""What a report says before its first plot, and where everything came from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from aeplugin.compressed import CompressedFile
from aeplugin.evaluation import ResidualSummary, evaluate
from aeplugin.files import is_compressed, recipe_of
from aeplugin.inspection import Inspection, inspect
from aeplugin.plots.compression.stored_sizes import original_bytes
from aeplugin.plots.filling import Survey, key_in_kind, survey
from aeplugin.plots.inputs import Context
from aeplugin.plots.pairs import Group, Pair, groups_of
from aeplugin.recipe_files import schema_of
from aeplugin.remote import base_name, file_size
from aeplugin.residuals import bound

_UNKNOWN = (math.nan, math.nan)


@dataclass(frozen=True)
class Promise:
    """A variable with a tolerance, and what became of it.

    Attributes:
        tolerance: in words, "2 %" or "0.01 rad".
        beyond: how many of its `values` are not as promised.
        largest: the largest residual, relative under a relative tolerance; NaN without values.
        used: that as a fraction of the tolerance.
        bits: stored bits per value; NaN where the file does not tell.
    """

    collection: str
    variable: str
    tolerance: str
    values: int
    beyond: int
    largest: float
    used: float
    bits: float


@dataclass(frozen=True)
class DataSet:
    """One pair of files.

    Attributes:
        original, reconstructed: names of the files, without folders.
        objects: for each collection with a tolerance how many objects it has.
        bits: for each of these the stored bits per object of what may move, in the original and in the compressed
            file; NaN where that is not known.
        about: what the compressed file tells about itself; None for one that is none.
    """

    name: str
    original: str
    reconstructed: str
    original_bytes: int
    reconstructed_bytes: int
    events: int
    objects: dict[str, int]
    bits: dict[str, tuple[float, float]]
    promises: tuple[Promise, ...]
    about: Inspection | None

    @property
    def values(self) -> int:
        return sum(promise.values for promise in self.promises)

    @property
    def beyond(self) -> int:
        return sum(promise.beyond for promise in self.promises)

    @property
    def ratio(self) -> float:
        return self.original_bytes / self.reconstructed_bytes

    @property
    def worst(self) -> Promise | None:
        """The variable whose largest error came nearest to its tolerance, or went furthest beyond it."""
        known = [promise for promise in self.promises if not math.isnan(promise.used)]
        return max(known, key=lambda promise: promise.used, default=None)


@dataclass(frozen=True)
class Facts:
    """All data sets of a report together."""

    sets: tuple[DataSet, ...]

    @property
    def values(self) -> int:
        return sum(data.values for data in self.sets)

    @property
    def beyond(self) -> int:
        return sum(data.beyond for data in self.sets)

    @property
    def bytes(self) -> tuple[int, int]:
        """Sizes of all originals and of all reconstructed files."""
        return sum(data.original_bytes for data in self.sets), sum(data.reconstructed_bytes for data in self.sets)

    @property
    def is_compressed(self) -> bool:
        """Whether every reconstructed file is a compressed one, so that sizes mean something."""
        return all(data.about is not None for data in self.sets)

    @cached_property
    def objects(self) -> dict[str, int]:
        """For each collection how many objects it has in all data sets."""
        names = dict.fromkeys(name for data in self.sets for name in data.objects)
        return {name: sum(data.objects.get(name, 0) for data in self.sets) for name in names}

    def bits(self, name: str) -> tuple[float, float]:
        """Bits per object of a collection in all data sets, before and after; NaN where one of them is not known."""
        having = [data for data in self.sets if data.objects.get(name)]
        objects = sum(data.objects[name] for data in having)
        before, after = (
            sum(data.objects[name] * data.bits.get(name, _UNKNOWN)[i] for data in having) for i in range(2)
        )
        return (before / objects, after / objects) if objects else (math.nan, math.nan)

    @property
    def worst(self) -> tuple[DataSet, Promise] | None:
        """See `DataSet.worst`, of all data sets."""
        known = [(data, data.worst) for data in self.sets if data.worst is not None]
        return max(known, key=lambda pair: pair[1].used, default=None)

    @property
    def recipes(self) -> dict[str, list[str]]:
        """For each recipe inside a compressed file the names of the data sets that have it."""
        found: dict[str, list[str]] = {}
        for data in self.sets:
            if data.about is not None:
                found.setdefault(data.about.recipe, []).append(data.name)
        return found


def gather(context: Context) -> Iterator[DataSet]:
    """What can be said of each data set; reads it once more.

    Raises:
        InputError, CorruptionError: a file cannot be read, or the files of a pair differ in their events.
    """
    units = _units(context)
    for pair in context.pairs:
        if is_compressed(pair.reconstructed):
            yield _of_compressed(pair, units)
        else:
            yield _of_other(context, pair)


def _units(context: Context) -> dict[tuple[str, str], str]:
    """The units of variables, by collection and variable; a column outside is a collection of its own."""
    recipe = context.recipe
    units = {(name, name): column.unit for name, column in recipe.columns.items()}
    for name, collection in recipe.collections.items():
        units |= {(name, variable): column.unit for variable, column in collection.columns.items()}
    return units


def _of_compressed(pair: Pair, units: dict[tuple[str, str], str]) -> DataSet:
    result, about = evaluate(pair.original, pair.reconstructed), inspect(pair.reconstructed)
    with CompressedFile(pair.reconstructed) as file:
        part = file.metadata[0]
    columns: dict[str, list[str]] = {name: [] for name in part["group_names"]}
    for column, group in zip(part["column_names"], part["column_groups"], strict=True):
        if group >= 0:
            columns[part["group_names"][group]].append(column)
    before = original_bytes(pair.original, part["table"])
    bits = {
        name: (sum(before.get(column, math.nan) for column in columns[name]) * 8 / result.objects[name], after)
        for name, after in result.bits.items()
        if result.objects[name]
    }
    return DataSet(
        name=pair.name,
        original=base_name(pair.original),
        reconstructed=base_name(pair.reconstructed),
        original_bytes=result.original_bytes,
        reconstructed_bytes=result.compressed_bytes,
        events=about.events,
        objects=result.objects,
        bits=bits,
        promises=tuple(
            _promised(name, variable, summary, result.objects[name], units.get((name, variable), ""))
            for name, variables in result.variables.items()
            for variable, summary in variables.items()
        ),
        about=about,
    )


def _promised(name: str, variable: str, summary: ResidualSummary, values: int, unit: str) -> Promise:
    kind, _, number = summary.tolerance.partition(" ")
    beyond = round((1 - summary.within) * values) if values else 0
    if kind == "exact":
        used = math.inf if beyond else math.nan
        return Promise(name, variable, kind, values, beyond, summary.max, used, summary.bits_per_value)
    words = _in_words(kind == "rel", float(number), unit)
    used = summary.max / float(number)
    return Promise(name, variable, words, values, beyond, summary.max, used, summary.bits_per_value)


def _of_other(context: Context, pair: Pair) -> DataSet:
    """Of a pair whose reconstructed file is not compressed: the recipe inside, or the given one, has the promise."""
    groups = _groups(context, pair)
    found = survey(pair, groups)
    return DataSet(
        name=pair.name,
        original=base_name(pair.original),
        reconstructed=base_name(pair.reconstructed),
        original_bytes=file_size(pair.original),
        reconstructed_bytes=file_size(pair.reconstructed),
        events=pair.events,
        objects={name: what.objects for name, what in found.items()},
        bits={},
        promises=tuple(_surveyed(group, variable, found[group.name]) for group in groups for variable in group.columns),
        about=None,
    )


def _groups(context: Context, pair: Pair) -> list[Group]:
    """What may move in a data set, as far as it has it."""
    recipe = recipe_of(pair.reconstructed)
    if recipe is not None:
        resolved = recipe.resolve(schema_of(pair.original, pair.tree)[1], str(pair.original))
        return groups_of(resolved, pair, context.collection_network)
    return [group for group in context.groups if all(column in pair.schema for column in group.files.values())]


def _surveyed(group: Group, variable: str, found: Survey) -> Promise:
    column = group.columns[variable]
    judged = found.judged[key_in_kind(variable, column)]
    sample = judged.sample
    largest = max(abs(sample.min), abs(sample.max)) if sample.count else math.nan
    words = _in_words(column.tolerance.rel is not None, bound(column), column.unit)
    used, beyond = largest / bound(column), judged.outside + judged.broken
    return Promise(group.name, variable, words, judged.objects, beyond, largest, used, math.nan)


def _in_words(relative: bool, tolerance: float, unit: str) -> str:
    return f"{100 * tolerance:g} %" if relative else f"{tolerance:g} {unit}".strip()
