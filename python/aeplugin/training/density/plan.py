"""The plan of a density: what is coded in which order, counted from what, in which range, and told what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aeplugin._core import (
    Density,
    DensityFeature,
    DensityVariable,
    Layer,
    Quantiser,
    density_context,
)
from aeplugin.training.density.columns import CodedColumn, CodedGroup
from aeplugin.training.density.conditional import Scaling
from aeplugin.training.density.context import Context
from aeplugin.training.density.descent import Descent, find_descent, limits
from aeplugin.training.density.events import Events, storage_type
from aeplugin.training.density.features import CONSTANT, Feature, features_of
from aeplugin.training.density.order import make_layout
from aeplugin.training.density.shapes import Shape, counts_shape, exact_shape, lossy_shape, period

_ANY = Shape(0, 1, 0, (), 0.0, 1.0)
"""Of variables whose shape is not known yet."""


@dataclass(frozen=True)
class Trained:
    """What training adds to the plan of a variable."""

    scaling: Scaling
    layers: list[Layer]


class Plan:
    """All of a density but its networks and the scaling of their inputs.

    Attributes:
        shapes, features: of each variable of the layout.
    """

    def __init__(self, groups: Sequence[CodedGroup], missing: tuple[CodedColumn, ...], events: Events) -> None:
        """
        Args:
            missing: size and angle of the missing momentum, or nothing.
            events: to plan for.
        """
        self.layout, known = make_layout(groups, missing, events)
        variables = range(len(self.layout.variables))
        self._turns = [self._turn(index, events) for index in variables]
        self._locations = [self._location(index) for index in variables]
        self._descents: list[Descent | None] = [None for _ in variables]
        self.shapes = [_ANY if turn is None else Shape(*turn, 0, (), 0.0, 1.0) for turn in self._turns]
        self.features: list[list[Feature]] = [[CONSTANT] for _ in variables]
        residuals = [residual for _, residual in density_context(self._density({}), self._grids(events))]
        self.shapes = [self._shape(index, residuals[index]) for index in variables]
        self._descents = [self._descent(index, events) for index in variables]
        self.features = [
            features_of(index, self.layout, self.shapes, known, self._locations[index] == "formula")
            for index in variables
        ]

    def context(self, index: int, events: Events) -> Context:
        """All that is told of the values of a variable, and what they are."""
        # Features of all variables at once would take much memory.
        raw, residuals = density_context(self._density({}, only=index), self._grids(events))[index]
        return Context(raw, residuals, self._limits(index, events, len(residuals)))

    def density(self, trained: Mapping[int, Trained]) -> Density:
        """The density of a model; everything is trained."""
        return self._density(trained)

    def _density(self, trained: Mapping[int, Trained], only: int | None = None) -> Density:
        """A density, without networks where nothing is trained, and then with the features of one variable only."""
        variables = []
        for index in range(len(self.layout.variables)):
            found = trained.get(index)
            features = self.features[index] if found or index == only else [CONSTANT]
            variables.append(self._variable(index, features, found))
        groups = [self.layout.momentum(group) for group in self.layout.objects]
        momenta = [(m.pt, m.phi, m.eta) for m in groups if m is not None]
        missing = self.layout.missing
        return Density(variables, momenta, (missing[0], missing[1]) if missing else None)

    def _variable(self, index: int, features: Sequence[Feature], trained: Trained | None) -> DensityVariable:
        variable, shape, location = self.layout.variables[index], self.shapes[index], self._locations[index]
        column, descent = variable.column, self._descents[index]
        scales = [(1.0, 0.0)] * len(features)
        if trained is not None:
            scales = list(zip(trained.scaling.factor.tolist(), trained.scaling.offset.tolist(), strict=True))
        return DensityVariable(
            group=variable.group.name,
            variable=column.variable if column else "",
            column=column.column if column else "",
            kind=column.kind if column else "exact",
            tolerance=column.tolerance if column else 0.0,
            double=column is not None and column.type == "double",
            location=location,
            formula=column.formula if column and location == "formula" else "",
            periodic=self._turns[index] is not None,
            first=shape.first,
            range=shape.range,
            shift=shape.shift,
            descending=descent is not None,
            within=None if descent is None else descent.within,
            atoms=list(shape.atoms),
            middle=shape.middle,
            spread=shape.spread,
            features=[
                DensityFeature(f.source, f.view, f.variable, f.back, f.category, factor, offset)
                for f, (factor, offset) in zip(features, scales, strict=True)
            ],
            network=trained.layers if trained else [],
        )

    def _grids(self, events: Events) -> list[np.ndarray]:
        return [
            events.grids[v.column.column] if v.column else events.counts[v.group.name].astype(np.int32)
            for v in self.layout.variables
        ]

    def _turn(self, index: int, events: Events) -> tuple[int, int] | None:
        """First integer and number of integers of a full turn, of what is periodic."""
        column = self.layout.variables[index].column
        if column is None or not column.periodic or column.kind != "abs":
            return None
        quantiser = Quantiser(column.kind, column.tolerance, storage_type(column))
        return period(float(quantiser.value(np.ones(1, np.int32))[0]), events.grids[column.column])

    def _location(self, index: int) -> str:
        variable = self.layout.variables[index]
        if variable.column is None or variable.group.is_single:
            return "none"
        momentum = self.layout.momentum(variable.group.name)
        if momentum is not None and index == momentum.phi and self._turns[index] is not None:
            return "direction"
        return "formula" if variable.column.formula else "none"

    def _shape(self, index: int, residuals: np.ndarray) -> Shape:
        column = self.layout.variables[index].column
        if column is None:
            return counts_shape(residuals)
        if column.kind == "exact":
            return exact_shape(residuals)
        return lossy_shape(residuals, self._turns[index])

    def _descent(self, index: int, events: Events) -> Descent | None:
        """Whether a variable of objects descends from object to object."""
        variable, location = self.layout.variables[index], self._locations[index]
        if variable.column is None or variable.group.is_single or location != "none":
            return None
        if variable.column.kind == "exact" or self._turns[index] is not None or not self.shapes[index].range:
            return None
        before = range(self.layout.objects[variable.group.name].start, index)
        labels = [(i, grid) for i in before if (grid := self._labels(i, events)) is not None]
        return find_descent(events.grids[variable.column.column], events.counts[variable.group.name], labels)

    def _labels(self, index: int, events: Events) -> np.ndarray | None:
        """The integers of a variable that is exact."""
        column = self.layout.variables[index].column
        return events.grids[column.column] if column is not None and column.kind == "exact" else None

    def _limits(self, index: int, events: Events, values: int) -> np.ndarray:
        """How many integers the range has for each value."""
        variable, shape, descent = self.layout.variables[index], self.shapes[index], self._descents[index]
        if descent is None or variable.column is None:
            return np.full(values, shape.range)
        label = None if descent.within is None else self._labels(descent.within, events)
        return limits(shape, events.grids[variable.column.column], events.counts[variable.group.name], label)
