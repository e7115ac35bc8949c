"""What is told about the training of the network of a collection."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from aeplugin.training.rates import RateTest
from aeplugin.training.trainer import Progress


@dataclass
class ColumnErrors:
    """How well the best network decodes a column of what is held out, in units of its tolerance.

    Attributes:
        rms: root of the mean squared residual.
        half68: half the width of the central 68 % of the residuals.
        within: fraction of the values within their tolerance.
    """

    rms: float
    half68: float
    within: float


@dataclass
class TrainingSummary:
    """What the model file says about the training of one collection.

    Attributes:
        loss: its name in the recipe; validation losses are without penalties.
        columns: by variable.
        within: fraction of the objects held out all of whose values are within their tolerance.
    """

    objects: int
    skipped_objects: int
    training_objects: int
    validation_objects: int
    loss: str
    parameters: int = 0
    progress: Progress = field(default_factory=Progress)
    columns: dict[str, ColumnErrors] = field(default_factory=dict)
    within: float = 0
    learning_rate_test: RateTest | None = None

    @property
    def best_epoch(self) -> int:
        """That with the lowest validation loss, from 1."""
        return self.progress.best_epoch

    @property
    def best_validation_loss(self) -> float:
        """The lowest validation loss."""
        return self.progress.best_validation_loss

    @property
    def training_loss(self) -> list[float]:
        """Of each epoch."""
        return self.progress.training_loss

    @property
    def validation_loss(self) -> list[float]:
        """Of each epoch."""
        return self.progress.validation_loss

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the model file: everything but the time it took, so that the same training gives the same."""
        content = asdict(self)
        progress = content.pop("progress")
        del progress["seconds"]
        if self.learning_rate_test is None:
            del content["learning_rate_test"]
        return {**content, **progress}
