"""What else than to decode well is asked of latents: penalties, each a module that the objective adds to its loss."""

from __future__ import annotations

import math

import torch

from aeplugin.recipe_training import Latent


class Plain(torch.nn.Module):
    """Nothing."""

    spreads = False

    def forward(self, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the decoder gets of what the encoder gave, shape (objects, latents), and the penalty, a scalar."""
        return codes, codes.new_zeros(())


class SparseL1(Plain):
    """The mean size of latents: most become zero."""

    def __init__(self, settings: Latent) -> None:
        super().__init__()
        self._strength = settings.strength

    def forward(self, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Plain.forward`."""
        return codes, self._strength * codes.abs().mean()


class SparseKL(Plain):
    """KL divergence between how active each latent is in the mean of a batch and how active it should be.

    Activity is the latent's sigmoid, as in A. Ng's lecture notes on sparse autoencoders (CS294A, 2011).
    """

    def __init__(self, settings: Latent) -> None:
        super().__init__()
        self._strength, self._wanted = settings.strength, settings.sparsity

    def forward(self, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Plain.forward`."""
        active = torch.sigmoid(codes).mean(0).clamp(1e-6, 1 - 1e-6)
        wanted = self._wanted
        divergence = wanted * torch.log(wanted / active) + (1 - wanted) * torch.log((1 - wanted) / (1 - active))
        return codes, self._strength * divergence.sum()


class Variational(Plain):
    """Latents with a spread of their own, near a normal prior (Kingma and Welling, arXiv:1312.6114).

    The penalty is beta times the KL divergence in bits (Higgins et al., ICLR 2017), of which each latent has
    `free_bits` for nothing (Kingma et al., arXiv:1606.04934). A tight prior has a width below 1.
    """

    spreads = True

    def __init__(self, settings: Latent) -> None:
        super().__init__()
        self._settings = settings

    def forward(self, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Plain.forward`; in evaluation the decoder gets the means."""
        means, log_variances = codes.chunk(2, 1)
        log_variances = log_variances.clamp(-30, 20)
        width = self._settings.prior_width
        divergence = 0.5 * ((means**2 + log_variances.exp()) / width**2 - 1 - log_variances + 2 * math.log(width))
        bits = divergence.mean(0) / math.log(2)
        penalty = self._settings.strength * bits.clamp(min=self._settings.free_bits).sum()
        if not self.training:
            return means, penalty
        return means + torch.randn_like(means) * torch.exp(0.5 * log_variances), penalty


class SlicedWasserstein(Plain):
    """Squared Wasserstein distance between latents and a normal prior, on random lines.

    S. Kolouri et al., arXiv:1804.01947.
    """

    def __init__(self, settings: Latent) -> None:
        super().__init__()
        self._settings = settings

    def forward(self, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Plain.forward`."""
        settings = self._settings
        lines = torch.nn.functional.normalize(
            torch.randn(codes.shape[1], settings.projections, device=codes.device), dim=0
        )
        prior = torch.randn_like(codes) * settings.prior_width
        found, wanted = ((points @ lines).sort(0).values for points in (codes, prior))
        return codes, settings.strength * ((found - wanted) ** 2).mean()


class Rate(Plain):
    """The bits of latents that are rounded to whole numbers, under a learned normal distribution of each.

    While training, rounding is noise of the same width (Balle et al., arXiv:1611.01704).
    """

    def __init__(self, latents: int, factor: float) -> None:
        """
        Args:
            factor: of the bits per object beside the distortion.
        """
        super().__init__()
        self._factor = factor
        self._means = torch.nn.Parameter(torch.zeros(latents))
        self._log_widths = torch.nn.Parameter(torch.zeros(latents))

    def forward(self, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Plain.forward`."""
        noisy = codes + torch.rand_like(codes) - 0.5 if self.training else codes.round()
        return noisy, self._factor * self.bits(noisy).sum(1).mean()

    def bits(self, codes: torch.Tensor) -> torch.Tensor:
        """-log2 of the probability of the unit interval around each latent, shape (objects, latents)."""
        prior = torch.distributions.Normal(self._means, self._log_widths.exp())
        likelihood = prior.cdf(codes + 0.5) - prior.cdf(codes - 0.5)
        # Far off, where both are the same float, the density takes over, which still pulls latents back.
        return torch.where(likelihood > 1e-6, -likelihood.clamp(min=1e-6).log2(), -prior.log_prob(codes) / math.log(2))


PENALTIES: dict[str, type[Plain]] = {
    "sparse-l1": SparseL1,
    "sparse-kl": SparseKL,
    "variational": Variational,
    "sliced-wasserstein": SlicedWasserstein,
}


def make_penalty(settings: Latent) -> Plain:
    """The penalty of a recipe."""
    return Plain() if settings.kind == "plain" else PENALTIES[settings.kind](settings)
