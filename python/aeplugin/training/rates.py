"""The learning-rate range test (L. Smith, arXiv:1506.01186): how a network's loss falls while the rate grows.

Far too small a rate learns nothing, far too large a one destroys what was learnt; between the two the loss falls. The
test shows where, in a few hundred steps, before time is spent on a whole training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import cast

import numpy as np
import torch

from aeplugin.recipe_training import Training
from aeplugin.training.devices import find_device
from aeplugin.training.trainer import Batch, Data, Objective

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
        losses: the smoothed training loss after each.
        steepest: the rate where the loss falls fastest, in steps of log(rate); None where it never falls.
        tenth_of_minimum: a tenth of the rate with the lowest loss; None where it never falls.
    """

    rates: list[float]
    losses: list[float]
    steepest: float | None
    tenth_of_minimum: float | None


def learning_rate_test(make_objective: Callable[[], torch.nn.Module], data: Data, settings: Training) -> RateTest:
    """Train a network of its own with a rate that grows from `LOWEST` to `HIGHEST`, or until the loss diverges.

    Optimiser, batches and seed are those of the training, which knows nothing of this: random numbers outside go on as
    if it had not been.

    Args:
        make_objective: gives an objective with fresh weights, from torch's own random numbers.
        settings: of the training; its learning rate is not looked at.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        module = make_objective()
        return _test(module, data, settings)


def _test(module: torch.nn.Module, data: Data, settings: Training) -> RateTest:
    device = find_device(settings.device)
    objective = cast(Objective, module.to(device))
    optimiser = torch.optim.AdamW(module.parameters(), lr=LOWEST, weight_decay=settings.weight_decay)
    rates: list[float] = []
    losses: list[float] = []
    average = 0.0
    for step, (rate, batch) in enumerate(
        zip(np.geomspace(LOWEST, HIGHEST, STEPS).tolist(), _endless(data), strict=False)
    ):
        optimiser.param_groups[0]["lr"] = rate
        loss = objective.training_loss(tuple(part.to(device) for part in batch))
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


def _endless(data: Data) -> Iterator[Batch]:
    for epoch in count(1):
        yield from data.batches(epoch)


def suggestions(rates: list[float], losses: list[float]) -> tuple[float | None, float | None]:
    """The rate where the loss falls fastest, and a tenth of that where it is lowest; None where it never falls.

    A fall is that over `WINDOW` steps to either side: from step to step losses of batches fluctuate by more.
    """
    falls = np.array(losses[: -2 * WINDOW]) - np.array(losses[2 * WINDOW :])
    if len(falls) == 0 or falls.max() <= 0:
        return None, None
    return rates[int(np.argmax(falls)) + WINDOW], rates[int(np.argmin(losses))] / 10


def suggestions_in_words(steepest: float | None, tenth_of_minimum: float | None) -> str:
    """What a test suggests, as a part of a sentence."""
    if steepest is None or tenth_of_minimum is None:
        return "the loss never falls"
    return f"steepest descent at {steepest:.1e}, a tenth of the minimum's {tenth_of_minimum:.1e}"
