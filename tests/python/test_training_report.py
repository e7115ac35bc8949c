"""The report of a training: its numbers are those of the model, and its page needs nothing but itself."""

from __future__ import annotations

import html
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from aeplugin import Model, Recipe
from aeplugin._core import ModelColumn, Transform
from aeplugin.errors import InputError
from aeplugin.recipe_files import schema_of

pytest.importorskip("torch", reason="training needs torch")
from aeplugin import training
from aeplugin.plots.tables import shown
from aeplugin.selection import Cut, cut_flow
from aeplugin.training import Progress
from aeplugin.training.run import Checkpoints
from aeplugin.training_report import TrainingFolder, facts, tables

RECIPE = """
collections:
  Jet:
    columns:
      E:   {tolerance: {rel: 0.02}, transform: log10, unit: MeV}
      pt:  {tolerance: {rel: 0.02}, transform: log10, unit: MeV}
      eta: {tolerance: {abs: 0.01}}
      phi: {tolerance: {abs: 0.01}, periodic: true}
    network: {hidden: [8, 6], latents: 2, activation: silu, norm: layer, latent: {kind: sparse-kl, strength: 0.01}}
    circular: true
    loss: {kind: mse, columns: {pt: 2.5}}
training: {epochs: 4, batch_size: 256, device: cpu, learning_rate_test: true, selection: {events: [MET_pt > 50e3]}}
"""


@pytest.fixture(scope="module")
def trained(events_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Path]:
    """A model, and the folder of its training with a report."""
    folder = tmp_path_factory.mktemp("folder")
    recipe = Recipe.from_text(RECIPE)
    report = TrainingFolder(folder, recipe.resolve(schema_of(events_file)[1]))
    model = training.train([events_file], recipe, report.epoch, Checkpoints(folder), report.done)
    found = report.finish(model, None, "cpu", 12.5, cut_flow([events_file], recipe))
    assert [path.name for path in found] == ["training.html", "training.json", "Jet.loss.png", "Jet.rates.png"]
    return model, folder


@pytest.fixture(scope="module")
def page(trained: tuple[Model, Path]) -> str:
    return (trained[1] / "training.html").read_text()


def rows_of(page: str, heading: str) -> dict[str, list[str]]:
    """The cells of a table of the page, by the first of each row."""
    table = page.split(f". {heading}.</b>")[1].split("<table")[1].split("</table>")[0]
    rows = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in table.split("<tr>")[1:]]
    plain = [[html.unescape(re.sub(r"<[^>]*>", "", cell)) for cell in row] for row in rows]
    return {row[0]: row[1:] for row in plain}


def test_data_are_those_of_the_model(trained: tuple[Model, Path]) -> None:
    model, folder = trained
    content, told = json.loads((folder / "training.json").read_text()), json.loads(model.training)
    assert {key: content[key] for key in ("aeplugin", "torch", "inputs")} == {
        key: told[key] for key in ("aeplugin", "torch", "inputs")
    }
    (name, jets), (expected,) = *content["collections"].items(), told["collections"].values()
    assert name == "Jet"
    assert {key: jets[key] for key in expected} == expected
    assert (len(jets["seconds"]), jets["resumed_after"]) == (4, 0)
    assert jets["settings"]["network"]["hidden"] == [8, 6]
    assert (content["device"], content["seconds"]) == ("cpu", 12.5)
    assert content["cut_flow"][0] == {"cut": "all", "events": 3000, "objects": content["cut_flow"][0]["objects"]}
    assert content["cut_flow"][-1]["objects"]["Jet"] == expected["objects"]


def test_numbers_of_the_page_are_those_of_the_model(trained: tuple[Model, Path], page: str) -> None:
    told = json.loads(trained[0].training)["collections"]["Jet"]
    rows = rows_of(page, "Errors by variable")
    for variable, errors in told["columns"].items():
        assert rows[variable][-3:] == [shown(errors[key]) for key in ("rms", "half68", "within")]
    assert [rows[variable][2] for variable in ("E", "pt", "eta", "phi")] == ["1", "2.5", "1", "1"]
    assert rows["phi"][1] == "cos x, sin x"
    about = {name: cells[0] for name, cells in rows_of(page, "What was trained").items()}
    assert about["network"] == "4 -> 8 -> 6 -> 2 and back, silu, layer norm"
    assert about["latents"] == "sparse-kl: strength 0.01, sparsity 0.05"
    assert about["normalisation"] == "standard, periodic variables as cosine and sine"
    assert about["loss"] == "mse"
    assert about["parameters"] == f"{told['parameters']:,}"
    assert about["best validation loss"] == f"{told['best_validation_loss']:.4g}"
    assert about["objects"].startswith(f"{told['training_objects']:,} to train on, {told['validation_objects']:,} held")
    assert f"{told['learning_rate_test']['steepest']:.1e}" in about["learning-rate test"]
    assert "resumed" not in about
    assert rows_of(page, "Selection")["all"][0] == "3,000"
    assert rows_of(page, "Provenance")["device"] == ["cpu"]


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    assert page.count("data:image/png;base64,") == 2
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "<script" not in page
    assert "Mean squared error of the normalised variables after each epoch" in page


def test_names_are_text_and_no_markup(trained: tuple[Model, Path], tmp_path: Path) -> None:
    """Names of files come from strangers."""
    model, _ = trained
    told = json.loads(model.training) | {"inputs": ["<b>a.root"]}
    other = Model(model.recipe, {"collections": [], "dropped": []}, json.dumps(told), model.collections)
    page, *_ = TrainingFolder(tmp_path, Recipe.from_text(model.recipe)).finish(other, None, "cpu", 1)
    assert "&lt;b&gt;a.root" in page.read_text()
    assert "<b>a.root" not in page.read_text()


def test_what_is_not_finite_is_null(trained: tuple[Model, Path], tmp_path: Path) -> None:
    model, _ = trained
    told = json.loads(model.training)
    told["collections"]["Jet"]["columns"]["pt"]["rms"] = math.inf
    told["collections"]["Jet"]["training_loss"][0] = math.nan
    other = Model(model.recipe, {"collections": [], "dropped": []}, json.dumps(told), model.collections)
    page, data, *_ = TrainingFolder(tmp_path, Recipe.from_text(model.recipe)).finish(other, None, "cpu", 1)
    jets = json.loads(data.read_text(), parse_constant=lambda word: pytest.fail(word))["collections"]["Jet"]
    assert jets["columns"]["pt"]["rms"] is None
    assert jets["training_loss"][0] is None
    assert rows_of(page.read_text(), "Errors by variable")["pt"][3] == ""


def test_pictures_are_drawn_on_the_way(events_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aeplugin.training_report.folder.SECONDS_BETWEEN", -1)
    recipe = Recipe.from_text(RECIPE)
    recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update={"checkpoint_every": 3})})
    report = TrainingFolder(tmp_path, recipe.resolve(schema_of(events_file)[1]))
    progress, drawn = Progress(), []
    for epoch in range(1, 8):
        for values in (progress.training_loss, progress.validation_loss, progress.learning_rate, progress.seconds):
            values.append(1 / epoch)
        (tmp_path / "Jet.loss.png").unlink(missing_ok=True)
        report.epoch("Jet", progress)
        drawn.append((tmp_path / "Jet.loss.png").exists())
    assert drawn == [True, False, True, False, False, True, False]


def test_text_that_cannot_be_drawn_is_told_in_the_first_epoch(events_file: Path, tmp_path: Path) -> None:
    recipe = Recipe.from_text(RECIPE + "plots: {text: '$\\frac{$'}")
    report = TrainingFolder(tmp_path, recipe.resolve(schema_of(events_file)[1]))
    with pytest.raises(InputError, match="no valid mathtext"):
        report.epoch("Jet", Progress(1, 1.0, [1.0], [1.0], [1e-3], [1.0]))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (ModelColumn("pt", "Jet_pt", Transform.linear, 0, 5), "x / 5"),
        (ModelColumn("pt", "Jet_pt", Transform.linear, -0.5, 2), "(x + 0.5) / 2"),
        (ModelColumn("pt", "Jet_pt", Transform.log10, 1.5, 2, 0.5, 1), "(log10(0.5 x + 1) - 1.5) / 2"),
        (ModelColumn("pt", "Jet_pt", Transform.log10, 0, 2, -1, 0), "log10(-1 x) / 2"),
        (ModelColumn("phi", "Jet_phi", Transform.circle, 0, 1), "cos x, sin x"),
    ],
)
def test_normalisations_in_words(column: ModelColumn, expected: str) -> None:
    assert tables._normalisation(column) == expected


def test_tables_of_an_event_network() -> None:
    settings: dict[str, Any] = Recipe.from_text(
        RECIPE + "events: {network: flow, objects: {Jet: 4}, hidden: [32]}"
    ).model_dump(mode="json")["events"]
    told = {"loss": "bits", "parameters": 1000, "within": {"Jet": {"pt": 0.25}}}
    trained = facts.Trained("events", told, settings, (), 0)
    rows = dict(tables._network(trained))
    expected = "flow: hidden [32], flow nsf, transforms 3, activation silu, norm none, objects (Jet 4)"
    assert rows == {"network": expected, "loss": "bits", "parameters": "1,000"}
    assert tables.event_column_table(trained).rows == [("Jet", "pt", 0.25)]


def test_the_selection_is_a_table() -> None:
    table = tables.cut_flow_table([Cut("all", 10, {"Jet": 25}), Cut("MET_pt > 1", 4, {"Jet": 9})])
    assert table.columns == ("cut", "events", "Jet")
    assert table.rows == [("all", 10, 25), ("MET_pt > 1", 4, 9)]
