"""What losses are called on axes and in captions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LossWords:
    """A loss in words.

    Attributes:
        axis: title of an axis.
        sentence: how a caption begins, up to "after each epoch".
        is_log: whether it is above 0, so that a logarithmic axis shows it.
    """

    axis: str
    sentence: str
    is_log: bool = True


_OLD = LossWords("Mean squared error (standardised)", "Mean squared error in standardised units")
_WORDS = {
    "tolerance": LossWords(
        "Loss (errors in tolerances)",
        "Half the mean squared error in units of the tolerances, where errors beyond ten tolerances count linearly,",
    ),
    "mse": LossWords("Mean squared error (normalised)", "Mean squared error of the normalised variables"),
    "l1": LossWords("Mean absolute error (normalised)", "Mean absolute error of the normalised variables"),
    "huber": LossWords("Huber loss (normalised)", "Mean Huber loss of the normalised variables"),
    "mse+l1": LossWords(
        "Mean squared + absolute error (normalised)",
        "Mean squared plus mean absolute error of the normalised variables",
    ),
    "relative": LossWords("Mean squared relative error", "Mean squared relative error of the variables"),
    "rate": LossWords(
        "Loss (errors in tolerances + rate)",
        "Half the mean squared error in units of the tolerances plus the weighted bits of the latents,",
    ),
    "chamfer": LossWords("Chamfer distance", "Chamfer distance between the objects of events before and after"),
    "energy-flow": LossWords("Energy-flow distance", "Distance between the energy flows of events before and after"),
    "bits": LossWords("Bits per event", "Minus the binary logarithm of the density of events", is_log=False),
}
NAMES = tuple(_WORDS)
"""Losses that have words; "bits" is that of a density."""


def words_of(loss: str | None) -> LossWords:
    """A loss by its name in recipes; None stands for that of models which do not tell it."""
    if loss is None:
        return _OLD
    return _WORDS.get(loss, LossWords("Loss", "The loss"))
