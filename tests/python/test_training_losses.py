"""Losses and penalties of latents: known values, gradients, and what weights do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from aeplugin import Autoencoder, Recipe
from aeplugin._core import ModelColumn, Transform
from aeplugin.readers import Objects
from aeplugin.recipe import Collection, Column, Tolerance
from aeplugin.recipe_training import Latent, Loss, Network

pytest.importorskip("torch", reason="training needs torch")
import torch

from aeplugin.training import latents, losses, train_collection
from aeplugin.training.reconstruction import Reconstruction


def rows(*values: float) -> torch.Tensor:
    return torch.tensor([values], dtype=torch.float64)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("tolerance", [0.5 * 4, 10 * (60 - 5)]),  # 2 and 60 tolerances: half a square, then linear from 10 on
        ("mse", [0.25, 9]),
        ("l1", [0.5, 3]),
        ("huber", [0.125, 2.5]),
        ("mse+l1", [0.75, 12]),
        ("rate", [2, 550]),
    ],
)
def test_known_values(kind: Any, expected: list[float]) -> None:
    """Errors of 0.5 and -3, at 4 and 20 tolerances per unit."""
    found = losses.LOSSES[kind](rows(1.5, 2), rows(1, 5), rows(4, 20))
    np.testing.assert_allclose(found[0].numpy(), expected)


@pytest.mark.parametrize("kind", list(losses.LOSSES))
def test_gradients(kind: Any) -> None:
    generator = torch.Generator().manual_seed(4)
    decoded, given = (torch.randn(6, 3, dtype=torch.float64, generator=generator) for _ in range(2))
    sensitivity = 1 + torch.rand(6, 3, dtype=torch.float64, generator=generator)
    decoded.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: losses.LOSSES[kind](x, given, sensitivity).sum(), (decoded,))


def objective(loss: Loss, network: Network | None = None) -> Reconstruction:
    tolerance = Tolerance(abs=0.5)
    names = {"a": Column(tolerance=tolerance), "b": Column(tolerance=tolerance)}
    network = network or Network(hidden=[4], latents=1)
    columns = [ModelColumn(name, f"Jet_{name}", Transform.linear, 1, 2) for name in names]
    torch.manual_seed(2)
    return Reconstruction(Collection(columns=names, network=network, loss=loss), columns)


def batch(objects: int = 5, weights: torch.Tensor | None = None) -> tuple[torch.Tensor, ...]:
    features = torch.randn(objects, 2, generator=torch.Generator().manual_seed(1))
    ones = torch.ones(objects) if weights is None else weights
    return features, 4 * torch.ones(objects, 2), torch.empty(objects, 0), ones


def decoded(module: Reconstruction, given: torch.Tensor) -> torch.Tensor:
    none = torch.empty(len(given), 0)
    return module.network.decode(module.network.encode(given, none), none)


def test_columns_and_objects_weigh_what_the_recipe_says() -> None:
    weights = torch.tensor([1.0, 1, 0, 3, 1])
    module = objective(Loss(kind="mse", columns={"a": 3}))
    given = batch(weights=weights)
    squares = (decoded(module, given[0]) - given[0]) ** 2
    expected = (weights * (3 * squares[:, 0] + squares[:, 1]) / 4).mean()
    assert module.validation_loss(given).item() == pytest.approx(expected.item(), rel=1e-6)
    assert module.training_loss(given).item() == pytest.approx(expected.item(), rel=1e-6)


def test_relative_errors_are_those_of_values() -> None:
    module = objective(Loss(kind="relative", columns={"b": 0}))
    given = batch()
    values, after = 2 * given[0] + 1, 2 * decoded(module, given[0]) + 1
    expected = (((after - values) / values)[:, 0] ** 2).mean()
    assert module.validation_loss(given).item() == pytest.approx(expected.item(), rel=1e-4)


def test_penalties_are_in_the_training_loss_alone() -> None:
    latent = Latent(kind="sparse-l1", strength=0.5)
    module = objective(Loss(kind="mse"), Network(hidden=[4], latents=1, latent=latent))
    given = batch()
    codes = module.network.encode(given[0], given[2])
    difference = module.training_loss(given).item() - module.validation_loss(given).item()
    assert difference == pytest.approx(0.5 * codes.abs().mean().item(), rel=1e-5)


def codes(objects: int = 400, width: float = 1, seed: int = 7) -> torch.Tensor:
    return width * torch.randn(objects, 3, generator=torch.Generator().manual_seed(seed))


def test_a_higher_rate_takes_fewer_bits_and_decodes_worse() -> None:
    """Three variables with two degrees of freedom, through latents that are rounded as a file has them."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 3000))
    columns = {name: values.astype(np.float32) for name, values in (("a", a), ("b", b), ("c", a + b))}
    values = np.stack(list(columns.values()), axis=1)
    recipe = Recipe.from_text("""
collections: {Jet: {columns: {a: {tolerance: {abs: 0.05}}, b: {tolerance: {abs: 0.05}}, c: {tolerance: {abs: 0.05}}},
  network: {hidden: [24], latents: 2}}}
training: {epochs: 12, batch_size: 64, learning_rate: 5.0e-3, device: cpu}
""")
    bits, errors = [], []
    for rate in (0, 10):
        jets = recipe.collections["Jet"].model_copy(update={"loss": Loss(kind="rate", rate=rate)})
        model, _ = train_collection(Objects(np.full(1000, 3), columns), "Jet", jets, recipe.training)
        engine = Autoencoder(model)
        codes = np.round(engine.encoder(values))
        shares = [np.unique(code, return_counts=True)[1] / len(codes) for code in codes.T]
        bits.append(-sum(float((share * np.log2(share)).sum()) for share in shares))
        errors.append(float(((engine.decoder(codes) - values) ** 2).mean()))
    assert bits[1] < 0.8 * bits[0]
    assert errors[1] > errors[0]


def test_sparse_kl() -> None:
    """Zero where latents are as active as they should be; else the sum of the divergences."""
    wanted = 0.2
    penalty = latents.SparseKL(Latent(kind="sparse-kl", strength=2, sparsity=wanted))
    level = math.log(wanted / (1 - wanted))
    assert float(penalty(torch.full((10, 3), level))[1]) == pytest.approx(0, abs=1e-6)
    same, found = penalty(torch.zeros(10, 3))  # half active
    expected = 2 * 3 * (wanted * math.log(wanted / 0.5) + (1 - wanted) * math.log((1 - wanted) / 0.5))
    assert float(found) == pytest.approx(expected, rel=1e-5)
    assert torch.equal(same, torch.zeros(10, 3))


@pytest.mark.parametrize("width", [1, 0.1])
def test_variational_divergence(width: float) -> None:
    means, log_variances = codes(), codes(seed=8)
    penalty = latents.Variational(Latent(kind="variational", strength=0.7, prior_width=width)).train()
    noisy, found = penalty(torch.cat([means, log_variances], 1))
    spread = torch.distributions.Normal(means, torch.exp(0.5 * log_variances))
    prior = torch.distributions.Normal(0.0, width)
    expected = torch.distributions.kl_divergence(spread, prior).mean(0).sum() / math.log(2)
    assert float(found) == pytest.approx(0.7 * float(expected), rel=1e-4)
    pull = (noisy - means) / torch.exp(0.5 * log_variances)
    assert (float(pull.mean()), float(pull.std())) == pytest.approx((0, 1), abs=0.1)
    calm, _ = penalty.eval()(torch.cat([means, log_variances], 1))
    assert torch.equal(calm, means)


def test_free_bits() -> None:
    """What is below the free bits costs those, and has no gradient."""
    penalty = latents.Variational(Latent(kind="variational", strength=1, free_bits=0.5)).train()
    given = torch.zeros(50, 6, requires_grad=True)  # three latents just like the prior: no divergence
    _, found = penalty(given)
    assert found.item() == pytest.approx(1.5)
    found.backward()
    assert given.grad is not None
    assert not given.grad.any()


def test_sliced_wasserstein() -> None:
    settings = Latent(kind="sliced-wasserstein", strength=1, projections=200)
    penalty = latents.SlicedWasserstein(settings)
    torch.manual_seed(1)
    near, shifted = (float(penalty(codes(4000) + shift)[1]) for shift in (0, torch.tensor([3.0, 0, 0])))
    assert near < 0.01
    assert shifted == pytest.approx(3**2 / 3, rel=0.2)  # the mean square of a shift seen from all directions
    narrow = latents.SlicedWasserstein(settings.model_copy(update={"prior_width": 0.1}))
    assert float(narrow(codes(4000, 0.1))[1]) < 1e-3 < float(narrow(codes(4000))[1])


def test_rate_is_the_bits_of_rounded_latents() -> None:
    rate = latents.Rate(2, factor=0.5)
    with torch.no_grad():
        rate._means.copy_(torch.tensor([0.5, -1.0]))
        rate._log_widths.copy_(torch.log(torch.tensor([2.0, 5.0])))
    given = torch.tensor([[0.2, 3.4], [-1.7, 8.0]])
    rounded, found = rate.eval()(given)
    assert torch.equal(rounded, given.round())
    bits = [
        -math.log2(norm.cdf(x + 0.5, mean, width) - norm.cdf(x - 0.5, mean, width))
        for row in rounded.tolist()
        for x, mean, width in zip(row, (0.5, -1.0), (2.0, 5.0), strict=True)
    ]
    assert found.item() == pytest.approx(0.5 * sum(bits) / 2, rel=1e-4)
    noisy, _ = rate.train()(torch.zeros(5000, 2))
    assert (float(noisy.min()), float(noisy.max())) == pytest.approx((-0.5, 0.5), abs=0.01)
    _, penalty = rate(torch.full((10, 2), 1e4, requires_grad=True))
    assert math.isfinite(penalty.item())
    assert penalty.item() > 1000


@pytest.mark.parametrize("kind", ["sparse-l1", "sparse-kl", "variational", "sliced-wasserstein"])
def test_penalties_have_gradients(kind: Any) -> None:
    penalty = latents.make_penalty(Latent(kind=kind, strength=1)).train()
    given = codes(width=3).repeat(1, 2 if penalty.spreads else 1).requires_grad_()
    penalty(given)[1].backward()
    assert given.grad is not None
    assert float(given.grad.abs().sum()) > 0
    assert torch.isfinite(given.grad).all()
