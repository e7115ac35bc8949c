"""The distribution of one variable as torch sees it: how many bits an integer takes, given a network's outputs.

docs/format.md has the same as frequencies out of 2^24, in integers: categories by a softmax, and within the range a
logistic, whose quantiles are cut into slices; within each, the density is linear between two knots.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from aeplugin.training.density.shapes import Shape

TOTAL_BITS = 24
ESCAPE = 256
"""Frequency of the escape, out of 2^24."""
ESCAPE_BITS = TOTAL_BITS - math.log2(ESCAPE) + 32
"""What an integer costs that is neither an atom nor in the range: the escape, and itself."""
_LEAST = 256
"""Frequency that every category has ..."""
_LEAST_OF_PLACE = 32
"""... and every integer of a range."""
_SPARE = 40
"""Frequency that the range of a variable keeps for the rounding of all its integers."""
_SIGMA_SCALE = 2.0**23
_SLOPE = 4 / _SIGMA_SCALE
"""What each integer has in addition to the logistic, so that none is impossible."""
_LIMIT = 64.0
"""Of logits."""
_ESCAPED = -1


class SliceDensity:
    """The code length of the integers of a variable, whose range is cut into `slices`."""

    def __init__(self, shape: Shape, slices: int) -> None:
        self._shape, self._slices = shape, slices
        self._atoms = np.array(shape.atoms, np.int64)
        self._lowest = shape.first >> shape.shift

    @property
    def outputs(self) -> int:
        """Outputs that the network must have: logits of categories; then middle, width and knots of the range."""
        return self._shape.categories + (3 + self._slices if self._shape.range else 0)

    @property
    def categories(self) -> int:
        """How many of the outputs are logits of categories."""
        return self._shape.categories

    def symbols(self, residuals: np.ndarray, limits: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Integers as categories, places and limits, each of shape (values,).

        The category is the number of the atom, or the number of atoms for the range; the place is the integer in
        units of 2^shift, counted from the range's first; the limit is how many places there are.

        Args:
            residuals: integers.
            limits: of the range for each of them.
        """
        wide = residuals.astype(np.int64)
        place = (wide >> self._shape.shift) - self._lowest
        category = np.where((place >= 0) & (place < limits), len(self._atoms), _ESCAPED)
        if len(self._atoms):
            nearest = np.minimum(np.searchsorted(self._atoms, wide), len(self._atoms) - 1)
            category = np.where(self._atoms[nearest] == wide, nearest, category)
        place = np.where(category == len(self._atoms), place, 0)
        return torch.from_numpy(category), *(torch.from_numpy(x.astype(np.float32)) for x in (place, limits))

    def bits(
        self, outputs: torch.Tensor, category: torch.Tensor, place: torch.Tensor, limit: torch.Tensor
    ) -> torch.Tensor:
        """The code length of integers, shape (values,).

        Args:
            outputs: of the network, shape (values, self.outputs).
            category, place, limit: what `symbols` gives.
        """
        frequency = self._of_categories(outputs, category)
        if self._shape.range:
            inside = self._of_places(outputs[:, self._shape.categories :], frequency, place, limit)
            frequency = torch.where(category == len(self._atoms), inside, frequency)
        bits = TOTAL_BITS - torch.log2(frequency) + self._shape.shift * (category == len(self._atoms))
        return torch.where(category == _ESCAPED, ESCAPE_BITS, bits)

    def _of_categories(self, outputs: torch.Tensor, category: torch.Tensor) -> torch.Tensor:
        """Frequencies, of the whole range for what lies in it."""
        number, total = self._shape.categories, 2**TOTAL_BITS - ESCAPE
        if not number:
            return torch.full_like(outputs[:, 0], total)
        for_range = 2 * _LEAST_OF_PLACE * self._shape.range
        shares = torch.softmax(outputs[:, :number].clamp(-_LIMIT, _LIMIT), 1)
        share = shares.gather(1, category.clamp(min=0)[:, None])[:, 0]
        return _LEAST + (total - _LEAST * number - for_range) * share + for_range * (category == len(self._atoms))

    def _of_places(
        self, outputs: torch.Tensor, width: torch.Tensor, place: torch.Tensor, limit: torch.Tensor
    ) -> torch.Tensor:
        """Frequencies within a range that has the frequency `width`."""
        shape = self._shape
        centre = outputs[:, 0] * shape.spread + (shape.middle - self._lowest)
        steepness = torch.exp(outputs[:, 1].clamp(-10, 10)) / shape.spread

        def rise(x: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(((x - 0.5 - centre) * steepness).clamp(-30, 30)) + _SLOPE * x

        bottom = rise(torch.zeros_like(place))
        scale = self._slices / (rise(limit) - bottom)
        lower, upper = ((rise(x) - bottom) * scale for x in (place, place + 1))
        share = _between(lower, upper, torch.softmax(outputs[:, 2:].clamp(-_LIMIT, _LIMIT), 1))
        rest = _LEAST_OF_PLACE * (shape.range - limit) + _SPARE  # the last place gets what is left
        least = _LEAST_OF_PLACE + rest * (place == limit - 1)
        return least + (width - _LEAST_OF_PLACE * shape.range - _SPARE) * share


def _between(lower: torch.Tensor, upper: torch.Tensor, knots: torch.Tensor) -> torch.Tensor:
    """The integral of a density that is linear between knots at 0, 1, 2 ..., over that from the first to the last.

    Args:
        lower, upper: shape (values,).
        knots: the density there, to a factor, shape (values, knots).
    """
    left, right = knots[:, :-1], knots[:, 1:]
    slices = torch.arange(left.shape[1], dtype=knots.dtype, device=knots.device)
    begin, end = ((x[:, None] - slices).clamp(0, 1) for x in (lower, upper))
    inside = (end - begin) * (2 * left + (right - left) * (begin + end))
    return inside.sum(1) / (left + right).sum(1)
