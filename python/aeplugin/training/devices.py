"""Where a network is trained, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from aeplugin.errors import InputError
from aeplugin.recipe_training import Precision


def find_device(name: str) -> torch.device:
    """The device of that name; "auto" is an accelerator where there is one, else the CPU.

    Raises:
        InputError: there is no such device here.
    """
    if name == "auto":
        found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return found or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition(". ")[0].splitlines()[0]
        raise InputError(
            f"device {name!r} cannot be used here ({reason}); expected cpu, auto, or one of torch"
        ) from None
    if device.type == "meta":
        raise InputError("device 'meta' holds no numbers; expected cpu, auto, or another one of torch")
    return device


def device_in_words(device: torch.device) -> str:
    """What a device is called, with its maker's name where torch knows it."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


class Precise:
    """Forward passes in a precision; steps with gradients that are scaled where it needs that."""

    def __init__(self, device: torch.device, precision: Precision) -> None:
        self._device = device
        self._type = None if precision == "float32" else getattr(torch, precision)
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision == "float16")

    def forward(self) -> AbstractContextManager[Any]:
        """What a forward pass runs in."""
        return nullcontext() if self._type is None else torch.autocast(self._device.type, self._type)

    def step(self, loss: torch.Tensor, optimiser: torch.optim.Optimizer, clip: float | None) -> bool:
        """A step down the gradients of `loss`, of norm `clip` at most; False where they overflow, and none is made."""
        before = self._scaler.get_scale()
        self._scaler.scale(loss).backward()
        if clip is not None:
            self._scaler.unscale_(optimiser)
            parameters = (p for group in optimiser.param_groups for p in group["params"])
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        self._scaler.step(optimiser)
        self._scaler.update()
        return bool(self._scaler.get_scale() >= before)  # it is lowered after an overflow

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return dict(self._scaler.state_dict())

    def load(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        if state:
            self._scaler.load_state_dict(state)
