"""How far decoded features are from those that were encoded, feature by feature.

A loss takes both, shape (objects, features), and per feature its *sensitivity*: how many tolerances its value moves
when the feature moves by one (`aeplugin.training.sensitivity`), shape (objects, features).
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from aeplugin.recipe_training import LossKind

HOPELESS = 10.0

Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Of (decoded, given, sensitivity): the loss of each feature, shape (objects, features)."""


def tolerance(decoded: torch.Tensor, given: torch.Tensor, sensitivity: torch.Tensor) -> torch.Tensor:
    """Half the square of errors in units of the tolerance, linear beyond `HOPELESS` of them.

    It is the tolerance that says how many bits an error costs; what is far off costs few more than what is twice as
    near, so that it must not outweigh everything else.
    """
    return torch.nn.functional.huber_loss(decoded * sensitivity, given * sensitivity, reduction="none", delta=HOPELESS)


def mse(decoded: torch.Tensor, given: torch.Tensor, sensitivity: torch.Tensor) -> torch.Tensor:
    """The squared error, in units of the features."""
    return (decoded - given) ** 2


def l1(decoded: torch.Tensor, given: torch.Tensor, sensitivity: torch.Tensor) -> torch.Tensor:
    """The absolute error, in units of the features."""
    return (decoded - given).abs()


def huber(decoded: torch.Tensor, given: torch.Tensor, sensitivity: torch.Tensor) -> torch.Tensor:
    """Half the square of errors below 1, linear beyond (P. Huber, Ann. Math. Stat. 35 (1964) 73)."""
    return torch.nn.functional.huber_loss(decoded, given, reduction="none")


def mse_and_l1(decoded: torch.Tensor, given: torch.Tensor, sensitivity: torch.Tensor) -> torch.Tensor:
    """The sum of both, as in the GSoC 2020 study of Dark Machines events."""
    return mse(decoded, given, sensitivity) + l1(decoded, given, sensitivity)


LOSSES: dict[LossKind, Loss] = {
    "tolerance": tolerance,
    "mse": mse,
    "l1": l1,
    "huber": huber,
    "mse+l1": mse_and_l1,
    "rate": tolerance,  # its distortion; the rate is that of the latents
}
