"""What a model file says about the training of its networks; models come from strangers, so that it may be nonsense."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from aeplugin._core import Model

_log = logging.getLogger(__name__)
MOST_STEPS = 1_000_000
"""Epochs or steps of a test that a summary may have; what claims more is not drawn."""
_CURVES = ("loss", "training_loss", "validation_loss", "learning_rate", "best_epoch", "best_validation_loss")
Values = Annotated[list[float], Field(max_length=MOST_STEPS)]


class RateTest(BaseModel):
    """A learning-rate test as the model file has it; see `aeplugin.training.rates`."""

    model_config = ConfigDict(frozen=True)
    rates: Values
    losses: Values
    steepest: float | None = None
    tenth_of_minimum: float | None = None


class ColumnErrors(BaseModel):
    """Errors of a variable in units of its tolerance; see `aeplugin.training.ColumnErrors`."""

    model_config = ConfigDict(frozen=True)
    rms: float
    half68: float
    within: float


class Summary(BaseModel):
    """What is told of a training; see docs/model-file.md. Models of earlier versions do not tell all of it.

    Attributes:
        loss: its name; None where the model does not say, and it is the MSE in standardised units.
        learning_rate: at the end of each epoch; empty where the model does not say.
    """

    model_config = ConfigDict(frozen=True)
    loss: Annotated[str, StringConstraints(max_length=100)] | None = None
    objects: int | None = None
    skipped_objects: int | None = None
    training_objects: int | None = None
    validation_objects: int | None = None
    parameters: int | None = None
    training_loss: Values
    validation_loss: Values
    learning_rate: Values = []
    best_epoch: int = 0
    best_validation_loss: float | None = None
    columns: dict[str, ColumnErrors] = {}
    within: float | None = None
    learning_rate_test: RateTest | None = None

    @staticmethod
    def of_curves(told: Mapping[str, Any]) -> Summary:
        """What pictures need of the summary of any network, also one for whole events."""
        curves = {key: told[key] for key in _CURVES if key in told}
        return Summary.model_validate({**curves, "learning_rate_test": told.get("learning_rate_test")})


def summaries(model: Model) -> dict[str, Summary]:
    """For each network of a model what is told of its training; those that tell nothing, or nonsense, are left out."""
    try:
        told = json.loads(model.training or "{}")
    except (ValueError, RecursionError):
        told = None
    collections = told.get("collections", {}) if isinstance(told, dict) else {}
    if not isinstance(collections, dict):
        collections = {}
    found = {}
    for collection in model.collections:
        if collection.name not in collections:
            _log.info("training_loss_%s: the model does not say how it was trained", collection.name)
            continue
        try:
            found[collection.name] = Summary.model_validate(collections[collection.name])
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            _log.warning("training_loss_%s: not drawn, %s: %s", collection.name, where, problem["msg"])
    return found
