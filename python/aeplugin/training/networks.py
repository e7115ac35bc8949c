"""Fully connected autoencoders as torch modules.

The classic ones are those of the ATLAS jet-compression studies (E. Wulff, Lund University master's thesis, 2020;
E. Wallin, bachelor's thesis, 2020): 4 -> 200 -> 200 -> 20 -> 3 and back, tanh, on standardised variables.
"""

from __future__ import annotations

from itertools import pairwise

import torch

from aeplugin.recipe_training import Activation, LayerNorm, Network
from aeplugin.torch_export import ACTIVATIONS

NORMS: dict[LayerNorm, type[torch.nn.Module] | None] = {
    "none": None,
    "batch": torch.nn.BatchNorm1d,
    "layer": torch.nn.LayerNorm,
}


def dense(widths: list[int], activation: Activation, norm: LayerNorm = "none") -> torch.nn.Sequential:
    """Linear layers of these widths, each but the last with its norm and activation."""
    layers: list[torch.nn.Module] = []
    for inputs, outputs in pairwise(widths[:-1]):
        layers.append(torch.nn.Linear(inputs, outputs))
        if (kind := NORMS[norm]) is not None:
            layers.append(kind(outputs))
        layers.append(ACTIVATIONS[activation]())
    layers.append(torch.nn.Linear(widths[-2], widths[-1]))
    return torch.nn.Sequential(*layers)


class Autoencoder(torch.nn.Module):
    """Encoder and decoder; the one-hot label of a condition goes beside features, beside latents, or both.

    Attributes:
        encoder: features (and label) -> latents, and as many more numbers as `spreads` says.
        decoder: latents (and label) -> features.
    """

    def __init__(self, features: int, network: Network, spreads: bool = False) -> None:
        """
        Args:
            features: inputs of the network, and outputs of its decoder.
            spreads: whether the encoder gives a second number for each latent: the logarithm of its variance.
        """
        super().__init__()
        condition = network.condition
        labels = len(condition.values) if condition else 0
        self._to_encoder = condition is not None and condition.to in ("encoder", "both")
        self._to_decoder = condition is not None and condition.to in ("decoder", "both")
        self.latents = network.latents
        first, last = features + labels * self._to_encoder, network.latents + labels * self._to_decoder
        codes = network.latents * (2 if spreads else 1)
        self.encoder = dense([first, *network.hidden, codes], network.activation, network.norm)
        self.decoder = dense([last, *network.hidden[::-1], features], network.activation, network.norm)

    def encode(self, features: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Latents, and their spreads where there are any, of features, shape (objects, features)."""
        codes: torch.Tensor = self.encoder(torch.cat([features, labels], 1) if self._to_encoder else features)
        return codes

    def decode(self, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Features of latents, shape (objects, latents)."""
        features: torch.Tensor = self.decoder(torch.cat([latents, labels], 1) if self._to_decoder else latents)
        return features
