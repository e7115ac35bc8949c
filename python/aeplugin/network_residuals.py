"""How well networks alone decode, as papers about autoencoders quote it.

Nothing here is about the promise of a recipe: that is kept by what is stored beside a network's output, whatever that
is. A network that is better by these numbers needs fewer bits for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aeplugin._core import Autoencoder, CollectionModel, Model
from aeplugin.errors import ModelError
from aeplugin.files import iterate_groups
from aeplugin.readers import Objects
from aeplugin.recipe import Column, Recipe
from aeplugin.residuals import bound, residual_in_kind, special_values
from aeplugin.statistics import Sample


@dataclass(frozen=True)
class ColumnQuality:
    """Residuals of one variable after its network, relative where the tolerance is, in units of the tolerance.

    Attributes:
        tolerance: in words, such as "rel 0.02".
        mean, rms: of the residuals; NaN where there is no object.
        half68: half the width of the central 68 % of the residuals, to 0.05 %.
        within: the fraction of values whose residual is at most the tolerance.
    """

    tolerance: str
    mean: float
    rms: float
    half68: float
    within: float


@dataclass(frozen=True)
class Residuals:
    """What a network does to objects.

    Attributes:
        objects: those that were looked at.
        left_out: others, which networks are not for: with a special value, or without a logarithm that they need.
        columns: by variable.
        within: the fraction of objects all of whose variables are within their tolerances.
        error: mean over objects of the mean squared residual of standardised variables, as `aeplugin.scores` has it.
    """

    objects: int
    left_out: int
    columns: dict[str, ColumnQuality]
    within: float
    error: float

    @property
    def resolution(self) -> float:
        """Root of the mean over variables of the squared half-width of the central 68 %, in units of tolerances."""
        return float(np.sqrt(np.mean([column.half68**2 for column in self.columns.values()])))

    @property
    def values_within(self) -> float:
        """The fraction of values that are within their tolerances, of all variables together."""
        return float(np.mean([column.within for column in self.columns.values()]))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers, for JSON, with what is derived; None for what is not known."""
        derived = {"resolution": self.resolution, "values_within": self.values_within}
        plain: dict[str, Any] = known({**asdict(self), **derived})
        return plain


def network_residuals(
    model: Model, source: str | Path, tree: str | None = None, entries: int | None = None
) -> dict[str, Residuals]:
    """What each network does to the objects of a file, by collection; in blocks. See `aeplugin.network_quality`."""
    if not model.collections:
        raise ModelError("the model has no network to look at; `aeplugin train` makes one that has")
    recipe = Recipe.from_text(model.recipe, "the model's recipe")
    meters = {network.name: Meter(network, recipe.collections[network.name].columns) for network in model.collections}
    groups = {name: meter.files for name, meter in meters.items()}
    for block in _first(iterate_groups(source, groups, tree or recipe.tree), entries):
        for name, meter in meters.items():
            meter.update(block[name])
    return {name: meter.result() for name, meter in meters.items()}


def residuals_on(
    model: Model, sources: Sequence[str | Path], strangers: Sequence[str] = ()
) -> dict[tuple[str, str], Residuals]:
    """What each network does to the objects of some files together, and to other objects that it never saw.

    Args:
        strangers: collections with the variables of the network's own: Electron_pt for Jet_pt. Tolerances are those of
            the network's own collection.

    Returns:
        By network and collection, ("Jet", "Jet"), ("Jet", "Electron").

    Raises:
        ModelError: the model has no network.
        InputError, RecipeError: a file cannot be read, or lacks a column.
    """
    if not model.collections:
        raise ModelError("the model has no network to test; `aeplugin train` makes one that has")
    recipe = Recipe.from_text(model.recipe, "the model's recipe")
    found: dict[tuple[str, str], Residuals] = {}
    for network in model.collections:
        names = dict.fromkeys([network.name, *strangers])
        meters = {name: Meter(network, recipe.collections[network.name].columns) for name in names}
        groups = {name: _columns_of(name, network) for name in names}
        for source in sources:
            for block in iterate_groups(source, groups, recipe.tree):
                for name, meter in meters.items():
                    meter.update(block[name])
        found |= {(network.name, name): meter.result() for name, meter in meters.items()}
    return found


class Meter:
    """Residuals of a network on objects that come in blocks.

    Args:
        columns: of the recipe's collection, which say how far values may move.

    Attributes:
        files: for each variable its column in the file.
    """

    def __init__(self, network: CollectionModel, columns: Mapping[str, Column]) -> None:
        self.files = {column.variable: column.column for column in network.columns}
        self._rules: dict[str, Column] = {
            variable: columns[variable]
            for variable in self.files
            if variable in columns and not columns[variable].tolerance.is_exact
        }
        self._autoencoder = Autoencoder(network)
        self._samples = {variable: Sample() for variable in self._rules}
        self._within = dict.fromkeys(self._rules, 0)
        self._objects = self._left_out = self._all_within = 0
        self._error = 0.0

    def update(self, objects: Objects) -> None:
        """Add objects with the variables of the network, in its order."""
        values = objects.matrix()
        errors = self._autoencoder.reconstruction_errors(values)
        special = [special_values(objects.columns[variable], rule) for variable, rule in self._rules.items()]
        usable = ~(np.isnan(errors) | np.any(special, axis=0))
        decoded = self._autoencoder.decoder(self._autoencoder.encoder(values[usable]))
        everything = np.ones(len(decoded), bool)
        for i, variable in enumerate(self.files):
            if variable not in self._rules:
                continue
            rule = self._rules[variable]
            with np.errstate(invalid="ignore", over="ignore"):  # a network may decode anything; inf counts as outside
                residuals = residual_in_kind(objects.columns[variable][usable], decoded[:, i], rule) / bound(rule)
                good = np.abs(residuals) <= 1
            self._samples[variable].update(residuals)
            self._within[variable] += int(good.sum())
            everything &= good
        self._objects += len(decoded)
        self._left_out += len(values) - len(decoded)
        self._all_within += int(everything.sum())
        self._error += float(errors[usable].astype(np.float64).sum())

    def result(self) -> Residuals:
        """What was found so far."""
        objects = self._objects
        columns = {
            variable: ColumnQuality(
                tolerance=str(rule.tolerance),
                mean=sample.mean,
                rms=sample.rms,
                half68=(sample.quantile(0.84) - sample.quantile(0.16)) / 2,
                within=ratio(self._within[variable], objects),
            )
            for (variable, rule), sample in zip(self._rules.items(), self._samples.values(), strict=True)
        }
        within, error = (ratio(part, objects) for part in (self._all_within, self._error))
        return Residuals(objects, self._left_out, columns, within, error)


def _columns_of(collection: str, network: CollectionModel) -> dict[str, str]:
    """For each variable of a network its column in a collection that is called otherwise."""
    return {
        column.variable: collection + column.column.removeprefix(network.name)
        if column.column.startswith(network.name)
        else column.column
        for column in network.columns
    }


def _first(blocks: Iterator[dict[str, Objects]], entries: int | None) -> Iterator[dict[str, Objects]]:
    """Blocks of objects up to a number of events."""
    left = entries
    for block in blocks:
        if left is None:
            yield block
            continue
        yield {name: objects.of_events(np.arange(len(objects.counts)) < left) for name, objects in block.items()}
        left -= max(len(objects.counts) for objects in block.values())
        if left <= 0:
            return


def known(content: Any) -> Any:
    """Plain data with None for numbers that are not finite, which JSON has no word for."""
    if isinstance(content, dict):
        return {key: known(value) for key, value in content.items()}
    return None if isinstance(content, float) and not math.isfinite(content) else content


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
