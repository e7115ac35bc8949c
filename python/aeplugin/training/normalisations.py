"""How the values of a collection become features of its network: columns of a model, fitted to the training objects.

A *plan* says what is done to each variable before anything is read; a *survey* of the training objects gives the
numbers that it leaves open. The model's columns do the rest, in the C++ core, here as in every reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.special import ndtr

from aeplugin._core import ModelColumn, Transform
from aeplugin.errors import InputError, RecipeError
from aeplugin.recipe import Collection, Column
from aeplugin.recipe_training import Normalisation
from aeplugin.statistics import Sample
from aeplugin.training.published import GEV, PUBLISHED, Published

KNOTS = 129
"""Of the quantile transform, evenly spaced in deviations of a normal distribution from -`REACH` to `REACH`."""
REACH = 3.5

Rest = Literal["standard", "log-standard", "min-max", "quantile", "circle", "fixed"]


@dataclass
class Plan:
    """What becomes of one variable.

    Attributes:
        rest: what is fitted to the training objects after the logarithm, if there is one.
        fixed: what is not fitted.
    """

    variable: str
    rest: Rest
    fixed: Published
    values: Sample = field(default_factory=Sample)
    logarithms: Sample = field(default_factory=Sample)

    @property
    def is_log(self) -> bool:
        """Whether values must have a logarithm."""
        return self.fixed.log10

    def in_domain(self, values: np.ndarray) -> np.ndarray:
        """For each value whether it can be transformed; shape as `values`."""
        argument = self.fixed.factor * values.astype(np.float64) + self.fixed.offset
        return np.asarray(np.isfinite(values) & (argument > 0) if self.is_log else np.isfinite(values))

    def survey(self, values: np.ndarray) -> None:
        """Add values of training objects, all in the domain."""
        values = values.astype(np.float64)
        self.values.update(values)
        if self.is_log:
            self.logarithms.update(np.log10(self.fixed.factor * values + self.fixed.offset))
        elif self.rest == "log-standard":
            self.logarithms.update(np.log10(values[values > 0]))

    def column(self, in_file: str) -> ModelColumn:
        """The model's column, called `in_file` in files."""
        fixed = self.fixed
        is_log = fixed.log10 or (self.rest == "log-standard" and self.values.min > 0)
        transform = Transform.log10 if is_log else Transform.linear
        sample = self.logarithms if is_log else self.values
        if self.rest == "circle":
            center = 0.0 if self.values.min < 0 else np.pi
            return ModelColumn(self.variable, in_file, Transform.circle, center, 1)
        if self.rest == "quantile":
            return ModelColumn(self.variable, in_file, Transform.quantile, 0, 1, knots=_knots(self.values))
        if self.rest == "min-max":
            mean, scale = sample.min, sample.max - sample.min
        elif self.rest == "fixed":
            mean, scale = fixed.mean, fixed.scale
        else:
            mean, scale = sample.mean, sample.deviation
        factor, offset = (fixed.factor, fixed.offset) if fixed.log10 else (1.0, 0.0)
        return ModelColumn(self.variable, in_file, transform, mean, scale, factor, offset)


def make_plans(collection: Collection, name: str) -> list[Plan]:
    """What becomes of each variable of a collection called `name`, in its order.

    Raises:
        RecipeError: a published normalisation needs the unit of a variable, and the recipe has none or another.
    """
    return [_plan(name, v, column, collection) for v, column in collection.columns.items()]


def _plan(name: str, variable: str, column: Column, collection: Collection) -> Plan:
    normalisation: Normalisation = collection.normalisation
    if collection.circular and column.periodic:
        return Plan(variable, "circle", Published(1))
    if known := PUBLISHED.get(normalisation, {}).get(variable):
        return Plan(variable, "fixed", _in_unit(known, name, variable, column))
    if normalisation == "none":
        return Plan(variable, "fixed", Published(1000.0 if column.unit == "MeV" else 1.0))
    log10 = Published(1, log10=column.transform == "log10")
    if normalisation == "quantile":
        return Plan(variable, "quantile", Published(1))
    if normalisation == "log-standard":
        return Plan(variable, "log-standard", log10)
    return Plan(variable, "min-max" if normalisation in ("min-max", "cms24") else "standard", log10)


def _in_unit(known: Published, name: str, variable: str, column: Column) -> Published:
    if not known.energy:
        # What is not transformed is only scaled, so that its factor goes there.
        return known
    if column.unit not in GEV:
        got = f"the unit {column.unit!r}" if column.unit else "no unit"
        raise RecipeError(
            f"collection {name!r}: the normalisation takes {variable!r} in GeV, and the recipe gives it {got}; "
            f"expected one of {', '.join(GEV)}"
        )
    return Published(known.scale, known.mean, known.log10, known.factor * GEV[column.unit], known.offset)


def _knots(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles and the deviations of a normal distribution that they become; both strictly increasing in float32."""
    deviations = np.linspace(-REACH, REACH, KNOTS)
    quantiles = np.array([sample.quantile(float(share)) for share in ndtr(deviations)], np.float32)
    rises = np.append(True, quantiles[1:] > np.maximum.accumulate(quantiles)[:-1])
    return quantiles[rises], deviations[rises].astype(np.float32)


def fit(plans: list[Plan], in_file: Mapping[str, str], name: str) -> list[ModelColumn]:
    """The columns of a model, after the survey.

    Args:
        in_file: for each variable its column in files.
        name: the collection, for errors.

    Raises:
        InputError: a variable never varies.
    """
    for plan in plans:
        if not plan.values.max > plan.values.min:
            raise InputError(
                f"variable {plan.variable!r} of collection {name!r} is constant; leave it out of the recipe, or give "
                "the collection the codec plain"
            )
    return [plan.column(in_file[plan.variable]) for plan in plans]
