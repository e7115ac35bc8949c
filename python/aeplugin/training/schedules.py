"""How the learning rate moves during a training.

one-cycle: up to the recipe's rate in the first 30 % of all steps, then down to almost nothing (L. Smith,
arXiv:1708.07120). cosine: down from it as half a cosine (arXiv:1608.03983). constant: it stays. plateau: a tenth of it
after every `PATIENCE` epochs without improvement.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.optim import lr_scheduler

from aeplugin.recipe_training import Training

PATIENCE = 5


class Schedule:
    """A scheduler of torch that moves with each step, with each epoch, or never."""

    def __init__(self, by_step: Any = None, by_epoch: Any = None) -> None:
        self._by_step = by_step
        self._by_epoch = by_epoch

    def step(self) -> None:
        """After each step."""
        if self._by_step is not None:
            self._by_step.step()

    def epoch(self, validation_loss: float) -> None:
        """After each epoch."""
        if self._by_epoch is not None:
            self._by_epoch.step(validation_loss)

    def state(self) -> dict[str, Any]:
        """For a checkpoint: plain data."""
        scheduler = self._by_step or self._by_epoch
        state = {} if scheduler is None else scheduler.state_dict()
        return {key: value for key, value in state.items() if not callable(value)}

    def load(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        if scheduler := self._by_step or self._by_epoch:
            scheduler.load_state_dict(state)


def make_schedule(optimiser: torch.optim.Optimizer, settings: Training, steps: int) -> Schedule:
    """The schedule of a recipe for at most `steps` steps in all."""
    if settings.schedule == "one-cycle":
        return Schedule(by_step=lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=steps))
    if settings.schedule == "cosine":
        return Schedule(by_step=lr_scheduler.CosineAnnealingLR(optimiser, T_max=steps))
    if settings.schedule == "plateau":
        return Schedule(by_epoch=lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.1, patience=PATIENCE))
    return Schedule()
