"""The learning-rate test: what it finds, and that the training does not notice it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from aeplugin import Model, Recipe
from aeplugin.cli import main
from aeplugin.readers import read_collection

pytest.importorskip("torch", reason="training needs torch")
import torch

from aeplugin import training, training_rates


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
    rates = np.geomspace(1e-6, 1, 300)
    x = np.log10(rates)
    losses = 1 - 0.9 / (1 + np.exp(-8 * (x + 3.5))) + 5 / (1 + np.exp(-8 * (x + 0.5)))
    steepest, tenth = training_rates.suggestions(rates.tolist(), losses.tolist())
    assert steepest == pytest.approx(10**-3.5, rel=0.05)
    assert tenth == rates[np.argmin(losses)] / 10
    assert 1e-4 < tenth < 1e-2


@pytest.mark.parametrize("losses", [[], [1.0], list(np.linspace(1, 4, 60)), [1.0] * 60])
def test_no_suggestion_where_the_loss_never_falls(losses: list[float]) -> None:
    rates = np.geomspace(1e-6, 1e-3, len(losses)).tolist()
    assert training_rates.suggestions(rates, losses) == (None, None)


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
    assert min(found["losses"]) < 0.5 < found["losses"][0]
    assert 1e-4 < found["steepest"] < 0.1
    assert found["rates"][int(np.argmin(found["losses"]))] == pytest.approx(10 * found["tenth_of_minimum"])
    tested.save(str(tmp_path / "tested.model"))
    assert json.loads(Model.from_file(str(tmp_path / "tested.model")).training) == json.loads(tested.training)


def test_leaves_random_numbers_alone_and_repeats_itself(events_file: Path, small: Recipe) -> None:
    jets = small.collections["Jet"]
    sample = training._prepare(read_collection(events_file, "Jet", jets), "Jet", jets, small.training)

    def run() -> training_rates.RateTest:
        with training._one_thread():
            return training_rates.learning_rate_test(
                lambda: training.make_network(4, jets.network), sample.training, small.training
            )

    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first = run()
    assert torch.equal(torch.rand(4), expected)
    assert run() == first


def test_ends_where_the_loss_diverges() -> None:
    """A network of many weights learns, until steps of the size of these throw it out again."""
    values = torch.randn(500, 2, generator=torch.Generator().manual_seed(1))
    network = Recipe.from_file("darkmachines-jets").collections["Jet"].network
    network = network.model_copy(update={"hidden": [100, 100], "latents": 2})
    settings = Recipe.from_file("darkmachines-jets").training
    with training._one_thread():
        found = training_rates.learning_rate_test(lambda: training.make_network(2, network), values, settings)
    assert len(found.rates) < training_rates.STEPS
    assert np.isfinite(found.losses).all()
    excess = np.array(found.losses) / np.minimum.accumulate(found.losses)
    assert excess[-1] > training_rates.DIVERGED >= excess[:-1].max()


def test_losses_that_are_not_finite_end_it() -> None:
    values = torch.full((64, 2), float("inf"))
    settings = Recipe.from_file("darkmachines-jets").training
    found = training_rates.learning_rate_test(lambda: torch.nn.Linear(2, 2), values, settings)
    assert found == training_rates.RateTest([], [], None, None)


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
