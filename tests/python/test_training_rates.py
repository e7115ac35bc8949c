"""The learning-rate test: what it finds, and that the training does not notice it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from aeplugin import Model, Recipe
from aeplugin.cli import main
from aeplugin.recipe_training import Training

pytest.importorskip("torch", reason="training needs torch")
import torch

from aeplugin import training
from aeplugin.training import rates
from aeplugin.training.trainer import Batch


@pytest.fixture(scope="module")
def small() -> Recipe:
    recipe = Recipe.from_file("darkmachines-jets")
    jets = recipe.collections["Jet"]
    jets = jets.model_copy(update={"network": jets.network.model_copy(update={"hidden": [16]})})
    chosen = recipe.training.model_copy(update={"epochs": 2})
    return recipe.model_copy(update={"collections": {"Jet": jets}, "training": chosen})


def with_test(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"learning_rate_test": True})})


def test_suggestions_are_those_of_a_known_curve() -> None:
    """A loss that falls by a logistic step in log(rate), and rises again with another."""
    tried = np.geomspace(1e-6, 1, 300)
    x = np.log10(tried)
    losses = 1 - 0.9 / (1 + np.exp(-8 * (x + 3.5))) + 5 / (1 + np.exp(-8 * (x + 0.5)))
    steepest, tenth = rates.suggestions(tried.tolist(), losses.tolist())
    assert steepest == pytest.approx(10**-3.5, rel=0.05)
    assert tenth == tried[np.argmin(losses)] / 10
    assert 1e-4 < tenth < 1e-2


@pytest.mark.parametrize("losses", [[], [1.0], list(np.linspace(1, 4, 60)), [1.0] * 60])
def test_no_suggestion_where_the_loss_never_falls(losses: list[float]) -> None:
    tried = np.geomspace(1e-6, 1e-3, len(losses)).tolist()
    assert rates.suggestions(tried, losses) == (None, None)


def test_training_does_not_notice_the_test(events_file: Path, small: Recipe, tmp_path: Path) -> None:
    plain, tested = training.train([events_file], small), training.train([events_file], with_test(small))
    for half in ("encoder", "decoder"):
        for first, second in zip(*(getattr(model.collection("Jet"), half) for model in (plain, tested)), strict=True):
            assert first.weights.tobytes() == second.weights.tobytes()
            assert first.biases.tobytes() == second.biases.tobytes()
    before, after = (json.loads(model.training)["collections"]["Jet"] for model in (plain, tested))
    found = after.pop("learning_rate_test")
    assert after == before
    assert set(found) == {"rates", "losses", "steepest", "tenth_of_minimum"}
    np.testing.assert_allclose(np.diff(np.log(found["rates"])), np.log(1e6) / 299)
    assert found["rates"][0] == pytest.approx(1e-6)
    assert len(found["losses"]) == len(found["rates"])
    assert min(found["losses"]) < 0.5 * found["losses"][0]
    assert 1e-4 < found["steepest"] < 0.1
    assert found["rates"][int(np.argmin(found["losses"]))] == pytest.approx(10 * found["tenth_of_minimum"])
    tested.save(str(tmp_path / "tested.model"))
    assert json.loads(Model.from_file(str(tmp_path / "tested.model")).training) == json.loads(tested.training)


class Toy(torch.nn.Module):
    """The objective of a small network that copies its inputs."""

    def __init__(self, hidden: int = 16) -> None:
        super().__init__()
        self.network = torch.nn.Sequential(torch.nn.Linear(2, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, 2))

    def training_loss(self, batch: Batch) -> torch.Tensor:
        return torch.nn.functional.mse_loss(self.network(batch[0]), batch[0])


class Rows:
    """A table in memory, as one batch after the other."""

    steps = 10

    def __init__(self, values: torch.Tensor) -> None:
        self.values = values

    def batches(self, epoch: int) -> Iterator[Batch]:
        order = torch.randperm(len(self.values), generator=torch.Generator().manual_seed(epoch))
        yield from ((self.values[chosen],) for chosen in order.split(50))

    def validation(self) -> Iterator[Batch]:
        yield (self.values,)


SETTINGS = Training()


def test_leaves_random_numbers_alone_and_repeats_itself() -> None:
    data = Rows(torch.randn(500, 2, generator=torch.Generator().manual_seed(1)))
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first = rates.learning_rate_test(Toy, data, SETTINGS)
    assert torch.equal(torch.rand(4), expected)
    assert rates.learning_rate_test(Toy, data, SETTINGS) == first


def test_ends_where_the_loss_diverges() -> None:
    """A network of many weights learns, until steps of the size of these throw it out again."""
    data = Rows(torch.randn(500, 2, generator=torch.Generator().manual_seed(1)))
    found = rates.learning_rate_test(lambda: Toy(300), data, SETTINGS)
    assert len(found.rates) < rates.STEPS
    assert np.isfinite(found.losses).all()
    excess = np.array(found.losses) / np.minimum.accumulate(found.losses)
    assert excess[-1] > rates.DIVERGED >= excess[:-1].max()


def test_losses_that_are_not_finite_end_it() -> None:
    found = rates.learning_rate_test(Toy, Rows(torch.full((64, 2), float("inf"))), SETTINGS)
    assert found == rates.RateTest([], [], None, None)


def test_command(events_file: Path, small: Recipe, tmp_path: Path) -> None:
    recipe, model = tmp_path / "recipe.yaml", tmp_path / "jets.model"
    recipe.write_text(small.to_text())
    arguments = ["train", str(events_file), "--recipe", str(recipe), "-o", str(model), "--epochs", "1"]
    result = CliRunner().invoke(main, [*arguments, "--learning-rate-test"])
    assert result.exit_code == 0, result.output
    assert "learning-rate test: steepest descent at" in result.output
    assert "trained with 0.002" in result.output
    assert "learning_rate_test" in json.loads(Model.from_file(str(model)).training)["collections"]["Jet"]
    result = CliRunner().invoke(main, arguments)
    assert "learning-rate" not in result.output
    assert "learning_rate_test" not in json.loads(Model.from_file(str(model)).training)["collections"]["Jet"]
