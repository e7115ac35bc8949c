"""How much transverse momentum must be moved how far to make one event of another.

The energy mover's distance (P. Komiske, E. Metodiev, J. Thaler, arXiv:1902.02346), sliced as Wasserstein distances are
(J. Rabin et al., SSVM 2011): objects are points with their share of the event's transverse momentum as weight, and the
distance with p = 1, which takes an optimal transport in two dimensions, is replaced by the mean of those on lines,
which takes a sort. Lines are in the space of (eta, cos phi, sin phi), so that phi needs no wrapping: distances in phi
are chords, 2 sin(dphi / 2). The same fixed lines are used always, so that the loss is a function without noise.
"""

from __future__ import annotations

import math

import torch

LINES = 24
_SMALLEST = 1e-6


def directions(lines: int = LINES) -> torch.Tensor:
    """Unit vectors spread evenly over a hemisphere: a Fibonacci lattice; float64, shape (lines, 3)."""
    number = torch.arange(lines, dtype=torch.float64)
    height = (number + 0.5) / lines
    angle = number * math.pi * (3 - math.sqrt(5))
    radius = (1 - height**2).sqrt()
    return torch.stack([height, radius * angle.cos(), radius * angle.sin()], 1)


def sliced_mover_distance(
    first: tuple[torch.Tensor, torch.Tensor, torch.Tensor], second: tuple[torch.Tensor, torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    """The distance of pairs of events, in units of eta, and the relative difference of their total momenta.

    Args:
        first, second: pt, eta and phi of objects, shape (events, objects) each; pt is 0 where there is none.

    Returns:
        Twice the mean over lines of the distances there (which for two single objects is what they are apart), plus
        |sum pt - sum pt'| / (the sum of both), which is 0 for events without objects; shape (events,).
    """
    shares, totals, points = [], [], []
    for pt, eta, phi in (first, second):
        total = pt.sum(1, keepdim=True)
        totals.append(total[:, 0])
        shares.append(pt / total.clamp(min=_SMALLEST))
        points.append(torch.stack([eta, phi.cos(), phi.sin()], 2))
    lines = directions().to(points[0])
    positions = torch.cat(points, 1) @ lines.T  # (events, objects of both, lines)
    weights = torch.cat([shares[0], -shares[1]], 1).unsqueeze(2).expand_as(positions)
    ordered, order = positions.sort(1)
    flow = weights.gather(1, order).cumsum(1)[:, :-1]
    moved = (flow.abs() * (ordered[:, 1:] - ordered[:, :-1])).sum(1).mean(1)
    lost = (totals[0] - totals[1]).abs() / (totals[0] + totals[1]).clamp(min=_SMALLEST)
    return 2 * moved + lost
