"""The learning-rate range test (L. Smith, arXiv:1506.01186): how a network's loss falls while the rate grows.

Far too small a rate learns nothing, far too large a one destroys what was learnt; between the two the loss falls. The
test shows where, in a few hundred steps, before time is spent on a whole training.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from aeplugin.recipe import Training

LOWEST, HIGHEST = 1e-6, 1.0
STEPS = 300
DIVERGED = 4.0
"""The test ends where the smoothed loss is so many times the best one."""
SMOOTHING = 0.9
"""Share of the past in the running average of losses."""
WINDOW = 15
"""Steps to either side of a rate, a third of a decade, over which the fall of the loss is measured."""


@dataclass(frozen=True)
class RateTest:
    """What the test found, for the model's training summary.

    Attributes:
        rates: of the steps that were made, growing by a constant factor.
        losses: the smoothed loss after each, MSE in standardised units.
        steepest: the rate where the loss falls fastest, in steps of log(rate); None where it never falls.
        tenth_of_minimum: a tenth of the rate with the lowest loss; None where it never falls.
    """

    rates: list[float]
    losses: list[float]
    steepest: float | None
    tenth_of_minimum: float | None


def learning_rate_test(
    make_network: Callable[[], torch.nn.Module], training: torch.Tensor, settings: Training
) -> RateTest:
    """Train a network of its own with a rate that grows from `LOWEST` to `HIGHEST`, or until the loss diverges.

    Optimiser, batches and seed are those of the training, which knows nothing of this: random numbers outside go on as
    if it had not been.

    Args:
        make_network: gives a network with fresh weights, from torch's own random numbers.
        training: standardised objects, shape (objects, columns).
        settings: of the training; its learning rate is not looked at.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = make_network()
    generator = torch.Generator().manual_seed(settings.seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LOWEST, weight_decay=settings.weight_decay)
    loss_of = torch.nn.MSELoss()
    batch_size = min(settings.batch_size, len(training))
    rates: list[float] = []
    losses: list[float] = []
    average = 0.0
    for step, rate in enumerate(np.geomspace(LOWEST, HIGHEST, STEPS).tolist()):
        optimiser.param_groups[0]["lr"] = rate
        batch = training[torch.randint(len(training), (batch_size,), generator=generator)]
        loss = loss_of(network(batch), batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        average = SMOOTHING * average + (1 - SMOOTHING) * loss.item()
        smoothed = average / (1 - SMOOTHING ** (step + 1))  # as if the past had begun with the first loss
        if not math.isfinite(smoothed):
            break
        rates.append(rate)
        losses.append(smoothed)
        if smoothed > DIVERGED * min(losses):
            break
    return RateTest(rates, losses, *suggestions(rates, losses))


def suggestions(rates: list[float], losses: list[float]) -> tuple[float | None, float | None]:
    """The rate where the loss falls fastest, and a tenth of that where it is lowest; None where it never falls.

    A fall is that over `WINDOW` steps to either side: from step to step losses of batches fluctuate by more.
    """
    falls = np.array(losses[: -2 * WINDOW]) - np.array(losses[2 * WINDOW :])
    if len(falls) == 0 or falls.max() <= 0:
        return None, None
    return rates[int(np.argmax(falls)) + WINDOW], rates[int(np.argmin(losses))] / 10
