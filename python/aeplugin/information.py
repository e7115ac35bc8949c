"""How many bits events take by a model's density: what a compressed file needs for them, and how strange they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aeplugin._core import Density, DensityVariable, EventInformation, Model
from aeplugin.errors import ModelError
from aeplugin.readers import Files, Objects


class EventBits:
    """Counts the bits of events, -log2 of their probability by the density of a model, in blocks.

        >>> counter = EventBits(aeplugin.Model.from_file("events.model"))
        >>> for block in aeplugin.files.iterate_groups("events.root", counter.groups):
        ...     bits, bits_of_objects = counter.count(block)

    Values become grid integers as they do in a compressed file. The bits are the same for every split into blocks, and
    in RDataFrame (`aeplugin.rdf.define_information`).

    Raises:
        ModelError: the model has no density.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        density = _density_of(model)
        self._variables = _by_group(density)
        counted = {variable.group for variable in density.variables if not variable.variable}
        self.collections = [group for group in self._variables if group in counted]
        """The groups that have objects, in coding order; the others have one value per event."""
        self._latest: tuple[list[tuple[str, str]], EventInformation] | None = None
        """For the types of columns that were given last; replaced as a whole, since several threads may count."""

    @property
    def groups(self) -> dict[str, Files]:
        """For each group of the density its columns by their names in the file, as `iterate_groups` takes them."""
        return {group: {v.column: v.column for v in variables} for group, variables in self._variables.items()}

    def no_events(self) -> dict[str, Objects]:
        """A block without events."""
        return {
            group: Objects(np.empty(0, np.int64), {v.column: np.empty(0, _kind_of(v)) for v in variables})
            for group, variables in self._variables.items()
        }

    def count(self, block: Mapping[str, Objects]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The bits of the events of a block, and for each collection those of its objects.

        Args:
            block: for each of `groups` the objects of the same events, with its columns and perhaps others.

        Returns:
            Of the events, float64, shape (events,): of all that they have once, of the numbers of objects, and of the
            objects, which add up to it; of objects, float64, shape (objects,) each.

        Raises:
            ModelError: a column is of another type than those that the density was trained on.
            InputError: the columns of a collection differ in their numbers of objects.
        """
        types, columns = [], []
        events = 0
        for group, variables in self._variables.items():
            objects = block[group]
            events = len(objects.counts)
            offsets = [_offsets(objects.counts)] if group in self.collections else []
            for variable in variables:
                values = np.ascontiguousarray(objects.columns[variable.column])
                kind = _type_name(values.dtype)
                types.append((variable.column, f"std::vector<{kind}>" if offsets else kind))
                columns.append((values.view(np.uint8) if kind == "bool" else values, offsets))
        latest = self._latest
        if latest is None or latest[0] != types:
            self._latest = latest = types, EventInformation(self._model, types)
        return latest[1].count(events, columns)


def _density_of(model: Model) -> Density:
    if model.density is None:
        raise ModelError("the model has no density to count bits with; train one with `density:` in the recipe")
    return model.density


def _by_group(density: Density) -> dict[str, list[DensityVariable]]:
    """The variables that are columns."""
    groups: dict[str, list[DensityVariable]] = {}
    for variable in density.variables:
        if variable.variable:
            groups.setdefault(variable.group, []).append(variable)
    return groups


def _offsets(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)


def _type_name(kind: np.dtype[np.generic]) -> str:
    """A type as C++ spells it."""
    return {"bool": "bool", "float32": "float", "float64": "double"}.get(kind.name, f"std::{kind.name}_t")


def _kind_of(variable: DensityVariable) -> type[np.generic]:
    """A type that the column of a variable may have."""
    if variable.kind == "exact":
        return np.int32
    return np.float64 if variable.double else np.float32
