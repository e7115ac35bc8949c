"""The loop that trains any network: batches, steps, validation, best weights, checkpoints.

It knows nothing of autoencoders. What is trained is an *objective*, a torch module that says its loss for a batch; what
it is trained on are *data*, which give batches. On a CPU the same objective, data and settings give the same weights,
bit by bit, also where the training was killed on the way and goes on from its last checkpoint.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, cast

import torch

from aeplugin.errors import InputError
from aeplugin.recipe_training import Training
from aeplugin.training.devices import Precise, find_device
from aeplugin.training.schedules import make_schedule

Batch = tuple[torch.Tensor, ...]
"""Tensors with one row per object (or event) each."""


class Objective(Protocol):
    """What is trained: a torch.nn.Module with two losses."""

    def training_loss(self, batch: Batch) -> torch.Tensor:
        """What the steps make small: a scalar; may draw random numbers from torch."""

    def validation_loss(self, batch: Batch) -> torch.Tensor:
        """The mean over the rows of a batch, a scalar, without noise and penalties."""


class Data(Protocol):
    """What it is trained on."""

    @property
    def steps(self) -> int:
        """At most so many batches there are in an epoch; at least one."""

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch, the same for the same number of it."""

    def validation(self) -> Iterator[Batch]:
        """What is held out, in any batches."""


@dataclass
class Progress:
    """What is told of a training, epoch by epoch."""

    best_epoch: int = 0
    best_validation_loss: float = math.inf
    training_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    """At the end of each epoch."""
    seconds: list[float] = field(default_factory=list)
    """Of each epoch; the one thing that differs when a training is repeated."""

    @property
    def epochs(self) -> int:
        """How many are complete."""
        return len(self.validation_loss)


State = dict[str, Any]
"""Tensors and plain data: all that a training needs to go on, in the middle of it."""


@dataclass
class Hooks:
    """What is told to others while a training runs.

    Attributes:
        epoch: called after each epoch.
        checkpoint: called with the state every `checkpoint_every` epochs and at the end.
    """

    epoch: Callable[[Progress], None] = lambda progress: None
    checkpoint: Callable[[State], None] | None = None


class Trainer:
    """AdamW over shuffled batches; keeps the weights of the epoch with the lowest validation loss."""

    def __init__(self, objective: torch.nn.Module, data: Data, settings: Training, hooks: Hooks | None = None) -> None:
        """
        Args:
            objective: an `Objective`; its weights are where the training begins.
            settings: of the recipe.

        Raises:
            InputError: there is no such device.
        """
        self._device = find_device(settings.device)
        self._module = objective.to(self._device)
        self._objective = cast(Objective, objective)
        self._data = data
        self._settings = settings
        self._hooks = hooks or Hooks()
        self._optimiser = torch.optim.AdamW(
            objective.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._schedule = make_schedule(self._optimiser, settings, settings.epochs * data.steps)
        self._precise = Precise(self._device, settings.precision)
        self._best: dict[str, torch.Tensor] = {}
        self.progress = Progress()

    def fit(self, state: State | None = None) -> Progress:
        """Train to the last epoch, or until it stops early or diverges for good, and load the best weights.

        Args:
            state: a checkpoint to go on from.

        Raises:
            InputError: no epoch has a finite validation loss.
        """
        if state is not None:
            self._load(state)
        with one_thread():
            while self.progress.epochs < self._settings.epochs and not self._stops_early() and not self._is_lost():
                self._epoch()
        if not self._best:
            raise InputError("the training diverged: no epoch has a finite validation loss; lower the learning rate")
        self._module.load_state_dict(self._best)
        self._module.eval()
        return self.progress

    def _epoch(self) -> None:
        started = time.monotonic()
        epoch = self.progress.epochs + 1
        # Each epoch has random numbers of its own, so that one that goes on from a checkpoint has the same.
        torch.manual_seed(self._settings.seed * 100_003 + epoch)
        self._module.train()
        total, steps = torch.zeros((), device=self._device), 0
        for batch in self._data.batches(epoch):
            total += self._step(batch)
            steps += 1
        loss = self.validate()
        self._schedule.epoch(loss)
        progress = self.progress
        progress.training_loss.append(float(total) / steps)
        progress.validation_loss.append(loss)
        progress.learning_rate.append(float(self._optimiser.param_groups[0]["lr"]))
        progress.seconds.append(time.monotonic() - started)
        if loss < progress.best_validation_loss:
            progress.best_epoch, progress.best_validation_loss = epoch, loss
            self._best = {name: weight.detach().cpu().clone() for name, weight in self._module.state_dict().items()}
        is_last = epoch == self._settings.epochs or self._stops_early() or self._is_lost()
        if self._hooks.checkpoint is not None and (is_last or epoch % self._settings.checkpoint_every == 0):
            self._hooks.checkpoint(self._state())
        self._hooks.epoch(progress)  # after it: others may take their time, and be interrupted

    def _step(self, batch: Batch) -> torch.Tensor:
        moved = tuple(part.to(self._device, non_blocking=True) for part in batch)
        self._optimiser.zero_grad(set_to_none=True)
        with self._precise.forward():
            loss = self._objective.training_loss(moved)
        if self._precise.step(loss, self._optimiser, self._settings.clip):
            self._schedule.step()
        return loss.detach()

    def validate(self) -> float:
        """The validation loss of the weights as they are; every row weighs the same."""
        self._module.eval()
        total, rows = 0.0, 0
        with torch.inference_mode():
            for batch in self._data.validation():
                moved = tuple(part.to(self._device) for part in batch)
                total += float(self._objective.validation_loss(moved)) * len(batch[0])
                rows += len(batch[0])
        return total / rows

    def _stops_early(self) -> bool:
        patience, progress = self._settings.early_stopping, self.progress
        return patience is not None and progress.epochs - progress.best_epoch >= patience

    def _is_lost(self) -> bool:
        """Whether a weight is no number, which no step can mend."""
        return not all(bool(torch.isfinite(weight).all()) for weight in self._module.parameters())

    def _state(self) -> State:
        return {
            "module": self._module.state_dict(),
            "best": self._best,
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state(),
            "scaler": self._precise.state(),
            "progress": asdict(self.progress),
        }

    def _load(self, state: State) -> None:
        self._module.load_state_dict(state["module"])
        self._best = state["best"]
        self._optimiser.load_state_dict(state["optimiser"])
        self._schedule.load(state["schedule"])
        self._precise.load(state["scaler"])
        self.progress = Progress(**state["progress"])


@contextmanager
def one_thread() -> Iterator[None]:
    """Batches this small run as fast on one thread, and do not stall where another process holds a core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
