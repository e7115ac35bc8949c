"""What is known of each value of a variable when it is coded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Context:
    """The values of a variable.

    Attributes:
        raw: features before they are scaled, float32, shape (values, features); NaN for what is not there.
        residuals: what is coded, int32, shape (values,).
        limits: how many integers the range has for each of them, shape (values,).
    """

    raw: np.ndarray
    residuals: np.ndarray
    limits: np.ndarray

    def __len__(self) -> int:
        return len(self.residuals)


def joined(parts: Sequence[Context]) -> Context:
    """Values one after the other."""
    if len(parts) == 1:
        return parts[0]
    together = zip(*((part.raw, part.residuals, part.limits) for part in parts), strict=True)
    return Context(*map(np.concatenate, together))
