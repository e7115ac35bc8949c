"""What a compression costs and what it saves: residuals of every variable, and sizes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aeplugin.files import iterate_decoded, read_metadata
from aeplugin.readers import in_step, iterate_collection
from aeplugin.residuals import residual_in_kind, within_tolerance
from aeplugin.statistics import Sample


@dataclass(frozen=True)
class ResidualSummary:
    """Residuals of one variable, relative where its tolerance is: quantiles are of |residual|, to 0.05 %.

    `not_finite` counts residuals that are NaN or infinite; they are in none of the other numbers but `within`.
    """

    mean: float
    rms: float
    abs68: float
    abs95: float
    abs999: float
    max: float
    within: float
    not_finite: int


@dataclass(frozen=True)
class Evaluation:
    """Result of `evaluate`.

    Attributes:
        variables: for each collection and variable, the summary of its residuals (relative for a relative tolerance).
        within: for each collection, the fraction of objects with every variable within its tolerance.
        objects: for each collection, its number of objects.
        original_bytes, compressed_bytes: sizes of the files.
        model_bytes: size of the model inside the compressed file, before ROOT's own compression.
    """

    variables: dict[str, dict[str, ResidualSummary]]
    within: dict[str, float]
    objects: dict[str, int]
    original_bytes: int
    compressed_bytes: int
    model_bytes: int

    def bits_per_object(self, size: int) -> float:
        """Bits of a file of `size` bytes per object of the compressed collections."""
        objects = sum(self.objects.values())
        return 8 * size / objects if objects else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers, for JSON."""
        return {
            **asdict(self),
            "original_bits_per_object": self.bits_per_object(self.original_bytes),
            "compressed_bits_per_object": self.bits_per_object(self.compressed_bytes),
        }


def evaluate(original: str | Path, compressed: str | Path) -> Evaluation:
    """Compare a compressed file with its original; model and recipe are inside the compressed one.

    Raises:
        CompatibilityError: `compressed` is no compressed file.
        InputError: the files do not hold the same events.
    """
    metadata = read_metadata(compressed)
    variables, within, objects = {}, {}, {}
    for model in metadata.model.collections:
        collection = metadata.recipe.collections[model.name]
        samples = {variable: Sample() for variable in collection.columns}
        inside = dict.fromkeys(collection.columns, 0)
        number = all_inside = 0
        before = iterate_collection(original, model.name, collection, metadata.table)
        after = iterate_decoded(compressed, metadata, model)
        for first, second in in_step(before, after, original, compressed, model.name):
            everything = np.ones(len(first), bool)
            for variable, column in collection.columns.items():
                found = residual_in_kind(first.columns[variable], second.columns[variable], column)
                samples[variable].update(found)
                ok = within_tolerance(found, column)
                inside[variable] += int(ok.sum())
                everything &= ok
            number += len(first)
            all_inside += int(everything.sum())
        objects[model.name] = number
        within[model.name] = all_inside / number if number else float("nan")
        variables[model.name] = {v: _summarise(samples[v], inside[v], number) for v in collection.columns}
    sizes = Path(original).stat().st_size, Path(compressed).stat().st_size
    return Evaluation(variables, within, objects, *sizes, metadata.model_bytes)


def _summarise(sample: Sample, inside: int, number: int) -> ResidualSummary:
    return ResidualSummary(
        mean=sample.mean,
        rms=sample.rms,
        abs68=sample.abs_quantile(0.68),
        abs95=sample.abs_quantile(0.95),
        abs999=sample.abs_quantile(0.999),
        max=max(abs(sample.min), abs(sample.max)) if sample.count else float("nan"),
        within=inside / number if number else float("nan"),
        not_finite=sample.nonfinite,
    )
