"""What is told about the training of a density."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from aeplugin.training.trainer import Progress


@dataclass
class VariableSummary:
    """The training of the network of one variable; losses are bits per value.

    Attributes:
        name: of the column, or "number of Jet".
        values: to train on and held out, without mirror images.
        bits: per value, of both, after weights were rounded to half precision.
    """

    name: str
    features: int
    parameters: int
    values: tuple[int, int] = (0, 0)
    bits: tuple[float, float] = (0.0, 0.0)
    progress: Progress = field(default_factory=Progress)

    def to_dict(self) -> dict[str, Any]:
        """Plain data without times, so that the same training gives the same."""
        told = asdict(self)
        progress = told.pop("progress")
        del progress["seconds"]
        if not self.progress.epochs:  # there is nothing to train on
            progress["best_validation_loss"] = 0.0
        values, bits = told.pop("values"), told.pop("bits")
        return {
            **told,
            "training_values": values[0],
            "validation_values": values[1],
            "training_bits": bits[0],
            "validation_bits": bits[1],
            **progress,
        }


@dataclass
class DensitySummary:
    """What the model file says about the training of its density.

    Attributes:
        events: to train on and held out, without mirror images.
        images: mirror images of each event that were trained on.
    """

    effort: str
    events: tuple[int, int]
    images: int
    variables: list[VariableSummary] = field(default_factory=list)

    def bits_per_event(self, held_out: bool) -> float:
        """What all variables of an event take together, on average, of one of the two sets."""
        part = int(held_out)
        return sum(v.bits[part] * v.values[part] for v in self.variables) / self.events[part]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {
            "effort": self.effort,
            "training_events": self.events[0],
            "validation_events": self.events[1],
            "images": self.images,
            "training_bits_per_event": self.bits_per_event(False),
            "validation_bits_per_event": self.bits_per_event(True),
            "variables": [variable.to_dict() for variable in self.variables],
        }
