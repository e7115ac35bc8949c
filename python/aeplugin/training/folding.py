"""Trained torch layers as the layers of a model file: batch norm becomes part of the weights."""

from __future__ import annotations

import numpy as np
import torch

from aeplugin._core import Activation, Layer
from aeplugin.torch_export import ACTIVATIONS

_ACTIVATIONS = {module: Activation.__members__[name] for name, module in ACTIVATIONS.items()}


def layers(network: torch.nn.Sequential, outputs: int | None = None) -> list[Layer]:
    """The layers of a network in evaluation, as `aeplugin.training.networks.dense` makes them.

    Args:
        outputs: how many outputs of the last layer to keep; default all.
    """
    found: list[Layer] = []
    modules = list(network)
    for i, module in enumerate(modules):
        if not isinstance(module, torch.nn.Linear):
            continue
        weights, biases = _numbers(module.weight), _numbers(module.bias)
        gains = shifts = None
        activation = Activation.linear
        for following in modules[i + 1 :]:
            if isinstance(following, torch.nn.Linear):
                break
            if isinstance(following, torch.nn.BatchNorm1d):
                weights, biases = _fold(weights, biases, following)
            elif isinstance(following, torch.nn.LayerNorm):
                gains, shifts = (_single(_numbers(part)) for part in (following.weight, following.bias))
            else:
                activation = _ACTIVATIONS[type(following)]
        found.append(Layer(_single(weights), _single(biases), activation, gains, shifts))
    if outputs is not None:
        last = found.pop()
        found.append(Layer(last.weights[:outputs], last.biases[:outputs], last.activation))
    return found


def _fold(weights: np.ndarray, biases: np.ndarray, norm: torch.nn.BatchNorm1d) -> tuple[np.ndarray, np.ndarray]:
    assert norm.running_mean is not None  # batch norm of networks.dense keeps them
    assert norm.running_var is not None
    factors = _numbers(norm.weight) / np.sqrt(_numbers(norm.running_var) + norm.eps)
    return weights * factors[:, np.newaxis], (biases - _numbers(norm.running_mean)) * factors + _numbers(norm.bias)


def _numbers(tensor: torch.Tensor) -> np.ndarray:
    return np.asarray(tensor.detach().cpu().numpy(), np.float64)


def _single(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32)
