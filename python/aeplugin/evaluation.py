"""What a compression costs and what it saves: residuals of every variable that may move, and sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aeplugin import inspection
from aeplugin._core import field_names
from aeplugin.compressed import CompressedFile
from aeplugin.errors import CompatibilityError
from aeplugin.files import is_compressed, iterate_groups
from aeplugin.readers import BLOCKS, groups_in_step
from aeplugin.recipe import LooseColumn, Recipe, Tolerance
from aeplugin.remote import file_size
from aeplugin.residuals import residual_in_kind, within_tolerance
from aeplugin.rntuples import stored_bytes as stored_bytes
from aeplugin.statistics import Sample


@dataclass(frozen=True)
class ResidualSummary:
    """Residuals of one variable, relative where its tolerance is: quantiles are of |residual|, to 0.05 %.

    Attributes:
        tolerance: the promise in words, such as "rel 0.02".
        max: the largest |residual|, to be compared with the tolerance.
        within: the fraction of values that are as promised: 1, or the file is none of aeplugin's.
        not_finite: residuals that are NaN or infinite; they are in none of the other numbers but `within`.
        special: values that are kept exactly, of the number that the file itself tells.
        bits_per_value: stored bits, with the variable's share of latents and special values, over the values.
    """

    tolerance: str
    mean: float
    rms: float
    abs68: float
    abs95: float
    abs999: float
    max: float
    within: float
    not_finite: int
    special: int
    bits_per_value: float


@dataclass(frozen=True)
class Evaluation:
    """Result of `evaluate`. A column outside collections counts as a collection of its own, with one variable.

    Attributes:
        variables: for each collection and variable with a tolerance, the summary of its residuals.
        within: for each collection, the fraction of objects with every variable within its tolerance.
        objects: for each collection, its number of objects.
        bits: for each collection, the stored bits per object of its variables with a tolerance: integers, numbers of
            objects, latents and its share of special values; of columns that are kept there are none in it.
        sizes: bytes of the compressed file by what they are for; their sum is `compressed_bytes`.
        original_bytes, compressed_bytes: sizes of the files.
    """

    variables: dict[str, dict[str, ResidualSummary]]
    within: dict[str, float]
    objects: dict[str, int]
    bits: dict[str, float]
    sizes: dict[str, int]
    original_bytes: int
    compressed_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class _Group:
    """A collection of a compressed file: for each variable its column, and what was promised."""

    name: str
    columns: dict[str, str]
    rules: dict[str, LooseColumn]


def evaluate(original: str | Path, compressed: str | Path) -> Evaluation:
    """Compare a compressed file with its original; what was promised is inside the compressed one.

    Raises:
        CompatibilityError: `compressed` is no compressed file.
        CorruptionError: it is damaged.
        InputError: the files do not hold the same events.
    """
    with CompressedFile(compressed) as file:
        table, groups = file.table, _groups(file.metadata[0], file.recipe)
    if is_compressed(original):
        raise CompatibilityError(f"{original}: is a compressed file; expected the original")
    about = inspection.inspect(compressed)
    facts = {column.name: column for column in about.columns}
    stored = stored_bytes(compressed)[BLOCKS]
    variables, within, objects, bits = {}, {}, {}, {}
    for group, comparison in _compare(original, compressed, table, groups):
        number = comparison.objects
        objects[group.name] = number
        within[group.name] = _ratio(comparison.all_within, number)
        chosen = {variable: facts[column] for variable, column in group.columns.items()}
        size = sum(column.bytes for column in chosen.values()) + count_bytes([group.name], stored)
        bits[group.name] = _ratio(8 * size, number)
        variables[group.name] = {variable: comparison.summary(variable, chosen[variable]) for variable in group.columns}
    sizes = file_size(original), file_size(compressed)
    return Evaluation(variables, within, objects, bits, about.sizes, *sizes)


def _groups(part: dict[str, Any], recipe: Recipe) -> list[_Group]:
    groups = [_Group(name, {}, {}) for name in part["group_names"]]
    for i, number in enumerate(part["column_groups"]):
        if number < 0 or part["column_tolerances"][i] == "exact":
            continue
        group, variable = groups[number], part["column_variables"][i]
        group.columns[variable] = part["column_names"][i]
        kind, value = part["column_tolerances"][i], part["column_tolerance_values"][i]
        named = recipe.collections[group.name].columns if group.name in recipe.collections else recipe.columns
        group.rules[variable] = LooseColumn(
            tolerance=Tolerance.model_validate({kind: value}),
            sentinels=part["column_sentinels"][i],
            periodic=variable in named and named[variable].periodic,
        )
    return groups


class _Comparison:
    """What has been found of a collection so far."""

    def __init__(self, group: _Group) -> None:
        self.objects = 0
        self.all_within = 0
        self._rules = group.rules
        self._samples = {variable: Sample() for variable in group.columns}
        self._within = dict.fromkeys(group.columns, 0)

    def update(self, before: dict[str, np.ndarray], after: dict[str, np.ndarray], objects: int) -> None:
        """Add the same objects of both files, by variable."""
        everything = np.ones(objects, bool)
        for variable, rule in self._rules.items():
            with np.errstate(invalid="ignore", over="ignore"):  # inf - inf: counted as not finite
                self._samples[variable].update(residual_in_kind(before[variable], after[variable], rule))
            good = within_tolerance(before[variable], after[variable], rule)
            self._within[variable] += int(good.sum())
            everything &= good
        self.objects += objects
        self.all_within += int(everything.sum())

    def summary(self, variable: str, facts: inspection.ColumnFacts) -> ResidualSummary:
        sample = self._samples[variable]
        return ResidualSummary(
            tolerance=str(self._rules[variable].tolerance),
            mean=sample.mean,
            rms=sample.rms,
            abs68=sample.abs_quantile(0.68),
            abs95=sample.abs_quantile(0.95),
            abs999=sample.abs_quantile(0.999),
            max=max(abs(sample.min), abs(sample.max)) if sample.count else float("nan"),
            within=_ratio(self._within[variable], self.objects),
            not_finite=sample.nonfinite,
            special=facts.special,
            bits_per_value=facts.bits_per_value(facts.bytes),
        )


def _compare(
    original: str | Path, compressed: str | Path, table: str, groups: list[_Group]
) -> Iterator[tuple[_Group, _Comparison]]:
    comparisons = [_Comparison(group) for group in groups]
    files = {group.name: group.columns for group in groups}
    before, after = (iterate_groups(path, files, table) for path in (original, compressed))
    for first, second in groups_in_step(before, after, original, compressed):
        for group, comparison in zip(groups, comparisons, strict=True):
            old, new = first[group.name], second[group.name]
            comparison.update(old.columns, new.columns, len(old))
    return zip(groups, comparisons, strict=True)


def count_bytes(groups: Sequence[str], stored: Mapping[str, int]) -> int:
    """What the numbers of objects of collections take; see "Streams" in docs/format.md for the fields' names.

    Args:
        stored: bytes by the fields of the blocks.
    """
    names = field_names([f"{group}_counts" for group in groups])
    streams = {stream for name in names for stream in (name, f"{name}_low")}
    return sum(size for field, size in stored.items() if field.rstrip("_") in streams)


def _ratio(part: float, whole: int) -> float:
    return part / whole if whole else float("nan")
