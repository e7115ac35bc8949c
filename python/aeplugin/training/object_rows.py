"""The objects of a collection as features of its network, with the numbers that their losses take."""

from __future__ import annotations

import numpy as np
import torch

from aeplugin._core import ModelColumn, standardise
from aeplugin.readers import Objects
from aeplugin.recipe import Collection
from aeplugin.recipe_training import Network
from aeplugin.residuals import is_missing
from aeplugin.training.normalisations import Plan, fit
from aeplugin.training.sensitivity import sensitivities
from aeplugin.training.sources import Selected, Source
from aeplugin.training.trainer import Batch


class ObjectRows:
    """The `Rows` of a source as features: (features, sensitivities, one-hot labels, weights)."""

    def __init__(self, source: Source, collection: Collection, plans: list[Plan]) -> None:
        self._source = source
        self._collection = collection
        self._plans = plans
        self.columns: list[ModelColumn] = []
        self.counts: list[int] = []
        self.objects = self.skipped = self.held_out = 0

    def survey(self) -> None:
        """Look at everything once, for the normalisation and the numbers of objects."""
        for block in range(self._source.blocks):
            selected = self._source.read(block)
            values, held_out, _ = self._usable(selected)
            self.objects += len(selected.objects)
            self.skipped += len(selected.objects) - len(values)
            self.counts.append(int((~held_out).sum()))
            self.held_out += int(held_out.sum())
            for i, plan in enumerate(self._plans):
                plan.survey(values[~held_out, i])

    def fit(self, name: str) -> None:
        """Choose the columns of the model, after the survey.

        Raises:
            InputError: a variable is constant.
        """
        self.columns = fit(self._plans, self._collection.file_columns(name), name)

    @property
    def blocks(self) -> int:
        """How many the source has."""
        return self._source.blocks

    @property
    def row_bytes(self) -> int:
        """Memory that an object takes."""
        features = sum(column.features for column in self.columns)
        return 4 * (2 * features + len(_labels(self._collection.network)) + 1)

    def training(self, block: int) -> Batch:
        """Objects to train on."""
        values, held_out, labels = self._usable(self._source.read(block))
        return self._batch(values[~held_out], labels[~held_out])

    def validation(self, block: int) -> Batch:
        """Objects that are held out."""
        values, held_out, labels = self._usable(self._source.read(block))
        return self._batch(values[held_out], labels[held_out])

    def held_out_objects(self, block: int) -> Objects:
        """The objects held out of a block as they are, with their labels last where a network has a condition."""
        values, held_out, labels = self._usable(self._source.read(block))
        columns = {plan.variable: values[held_out, i] for i, plan in enumerate(self._plans)}
        if condition := self._collection.network.condition:
            columns[condition.label] = labels[held_out]
        return Objects(np.ones(int(held_out.sum()), np.int64), columns)

    def _usable(self, selected: Selected) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the objects that a network can represent: values, whether they are held out, and labels."""
        objects = selected.objects
        usable = np.ones(len(objects), bool)
        for plan in self._plans:
            values = objects.columns[plan.variable]
            usable &= ~is_missing(values, self._collection.columns[plan.variable])
            usable &= plan.in_domain(_single(values))
        labels = self._label_of(objects)
        if (condition := self._collection.network.condition) is not None:
            usable &= np.isin(labels, condition.values)
        held_out = np.repeat(selected.held_out, objects.counts)
        variables = [_single(objects.columns[plan.variable])[usable] for plan in self._plans]
        return np.stack(variables, axis=1), held_out[usable], labels[usable]

    def _label_of(self, objects: Objects) -> np.ndarray:
        condition = self._collection.network.condition
        return objects.columns[condition.label] if condition else np.zeros(len(objects), np.int64)

    def _batch(self, values: np.ndarray, labels: np.ndarray) -> Batch:
        features = standardise(self.columns, values)
        found = sensitivities(self.columns, self._collection.columns, values)
        one_hot = labels[:, np.newaxis] == np.array(_labels(self._collection.network), np.int64)
        weights = np.ones(len(values), np.float32)
        for label, weight in self._collection.loss.kinds.items():
            weights[labels == label] = weight
        return tuple(map(torch.from_numpy, (features, found, one_hot.astype(np.float32), weights)))


def _single(values: np.ndarray) -> np.ndarray:
    """As networks get them: a double beyond float32 is infinite."""
    with np.errstate(over="ignore", under="ignore"):
        return values.astype(np.float32, copy=False)


def _labels(network: Network) -> list[int]:
    return network.condition.values if network.condition else []
