"""`aeplugin train`: its options, its folder, and that a training which was killed goes on to the same model."""

from __future__ import annotations

import json
import math
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from pydantic import BaseModel

from aeplugin import Model, Recipe, recipe_training
from aeplugin.cli import main
from aeplugin.compilation import compile_recipe

pytest.importorskip("torch", reason="training needs torch")
from aeplugin.training import Progress
from aeplugin.training.published import PUBLISHED

NETWORK = {"hidden": [16], "latents": 3}
COLUMNS = {
    "E": {"tolerance": {"rel": 0.02}, "transform": "log10", "unit": "MeV"},
    "pt": {"tolerance": {"rel": 0.02}, "transform": "log10", "unit": "MeV"},
    "eta": {"tolerance": {"abs": 0.01}},
    "phi": {"tolerance": {"abs": 0.01}, "periodic": True},
}
WriteRecipe = Callable[..., Path]


@pytest.fixture
def write_recipe(tmp_path: Path) -> WriteRecipe:
    """A recipe file with a small network for jets, with changes to its training, its collection and the rest."""

    def write(training: dict[str, Any] | None = None, jets: dict[str, Any] | None = None, **more: Any) -> Path:
        content = {
            "collections": {"Jet": {"columns": COLUMNS, "network": NETWORK, **(jets or {})}},
            "training": {"epochs": 3, "batch_size": 256, "device": "cpu", **(training or {})},
            **more,
        }
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["train", *map(str, arguments)])


def told(model: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Model.from_file(str(model)).training)["collections"]["Jet"]
    return found


def test_what_is_told_at_the_end(events_file: Path, tmp_path: Path, write_recipe: WriteRecipe) -> None:
    model = tmp_path / "jets.model"
    result = run(events_file, "--recipe", write_recipe(jets={"loss": "l1"}), "-o", model)
    assert result.exit_code == 0, result.output
    summary = told(model)
    assert f"Jet: validation loss (l1) {summary['best_validation_loss']:.3g} in epoch " in result.output
    assert f"of 3, {summary['training_objects']:,} + {summary['validation_objects']:,} objects" in result.output
    assert f"{100 * summary['within']:.2f} % of the objects within every tolerance" in result.output
    for variable, errors in summary["columns"].items():
        assert f"{variable} {errors['rms']:.3g}" in result.output
    assert "Selection" not in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jets.model", "recipe.yaml"]


def test_options_win_over_the_recipe(events_file: Path, tmp_path: Path, write_recipe: WriteRecipe) -> None:
    model, recipe = tmp_path / "jets.model", write_recipe({"device": "cuda:77"})
    result = run(events_file, "--recipe", recipe, "-o", model, "--device", "cpu", "--workers", 1, "--epochs", 2)
    assert result.exit_code == 0, result.output
    training = Recipe.from_text(Model.from_file(str(model)).recipe).training
    assert (training.device, training.workers, training.epochs, training.learning_rate_test) == ("cpu", 1, 2, False)


def test_the_selection_is_told_cut_by_cut(events_file: Path, tmp_path: Path, write_recipe: WriteRecipe) -> None:
    selection = {"events": ["MET_pt > 100e3"], "objects": ["Jet_pt > 30e3"]}
    model = tmp_path / "jets.model"
    result = run(events_file, "--recipe", write_recipe({"selection": selection}), "-o", model)
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.output.splitlines() if line.startswith(("all ", "MET_pt", "Jet_pt"))]
    assert [row[0] for row in rows] == ["all", "MET_pt", "Jet_pt"]
    assert rows[0][1] == "3,000"
    assert int(rows[-1][-1].replace(",", "")) == told(model)["objects"] < int(rows[0][-1].replace(",", ""))


def test_early_stopping_is_told(events_file: Path, tmp_path: Path, write_recipe: WriteRecipe) -> None:
    changes = {"epochs": 400, "early_stopping": 1, "learning_rate": 0.5, "schedule": "constant"}
    result = run(events_file, "--recipe", write_recipe(changes), "-o", tmp_path / "jets.model")
    assert result.exit_code == 0, result.output
    assert "stopped early of 400" in result.output


def test_a_network_for_whole_events_is_written_beside(
    events_file: Path, tmp_path: Path, write_recipe: WriteRecipe
) -> None:
    from aeplugin.training.events import EventModel

    events = {"network": "dense", "objects": {"Jet": 3}, "hidden": [16], "latents": 4}
    folder = tmp_path / "folder"
    arguments = events_file, "--recipe", write_recipe({"epochs": 2}, events=events), "-o"
    result = run(*arguments, tmp_path / "jets.model", "--folder", folder)
    assert result.exit_code == 0, result.output
    assert "whole events: validation loss (mse)" in result.output
    summary = EventModel.load(tmp_path / "jets.events").summary
    content = json.loads((folder / "training.json").read_text())
    assert {key: content["events"][key] for key in summary} == json.loads(json.dumps(summary))
    assert {"Jet.checkpoint", "events.checkpoint", "events.loss.png"} <= {path.name for path in folder.iterdir()}
    assert "The network for whole events" in (folder / "training.html").read_text()

    result = run(*arguments, tmp_path / "jets.events")
    assert result.exit_code == 1
    assert "expected another suffix" in result.stderr


def test_only_a_network_for_whole_events(events_file: Path, tmp_path: Path, write_recipe: WriteRecipe) -> None:
    events = {"network": "dense", "objects": {"Jet": 2}, "hidden": [8], "latents": 4}
    recipe, folder = write_recipe({"epochs": 1}, {"codec": "plain"}, events=events), tmp_path / "folder"
    result = run(events_file, "--recipe", recipe, "-o", tmp_path / "jets.model", "--folder", folder)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "jets.events").exists()
    assert not (tmp_path / "jets.model").exists()
    assert json.loads((folder / "training.json").read_text())["collections"] == {}


def test_tensorboard_reads_the_logs(events_file: Path, tmp_path: Path, write_recipe: WriteRecipe) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    model, folder = tmp_path / "jets.model", tmp_path / "folder"
    for epochs in (4, 3):  # what was there before is replaced
        arguments = "--epochs", epochs, "--folder", folder, "--tensorboard"
        result = run(events_file, "--recipe", write_recipe(), "-o", model, *arguments)
        assert result.exit_code == 0, result.output
    events = accumulator.EventAccumulator(str(folder / "tensorboard" / "Jet")).Reload()
    summary = told(model)
    for tag, key in (("loss/training", "training_loss"), ("loss/validation", "validation_loss")):
        assert [event.step for event in events.Scalars(tag)] == [1, 2, 3]
        assert [event.value for event in events.Scalars(tag)] == pytest.approx(summary[key], rel=1e-6)
    assert [e.value for e in events.Scalars("learning_rate")] == pytest.approx(summary["learning_rate"], rel=1e-6)


def test_tensorboard_is_missing(
    events_file: Path, tmp_path: Path, write_recipe: WriteRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    arguments = "--folder", tmp_path / "folder", "--tensorboard"
    result = run(events_file, "--recipe", write_recipe(), "-o", tmp_path / "jets.model", *arguments)
    assert result.exit_code == 1
    assert "pip install 'aeplugin[tensorboard]'" in result.stderr


@pytest.mark.parametrize("option", ["--resume", "--tensorboard"])
def test_what_needs_a_folder(option: str, events_file: Path, tmp_path: Path, write_recipe: WriteRecipe) -> None:
    result = run(events_file, "--recipe", write_recipe(), "-o", tmp_path / "jets.model", option)
    assert result.exit_code == 2
    assert f"{option} needs --folder" in result.stderr


def test_what_cannot_be_is_told_before_the_work(events_file: Path, tmp_path: Path, write_recipe: WriteRecipe) -> None:
    model, recipe = tmp_path / "jets.model", write_recipe()
    (tmp_path / "file").touch()
    result = run(events_file, "--recipe", recipe, "-o", model, "--folder", tmp_path / "file" / "folder")
    assert (result.exit_code, "cannot make the folder" in result.stderr) == (1, True)
    result = run(events_file, "--recipe", recipe, "-o", model, "--device", "abacus")
    assert (result.exit_code, "device 'abacus' cannot be used here" in result.stderr) == (1, True)
    assert not model.exists()


def test_a_compressed_file_is_refused(
    events_file: Path, jets_recipe: Recipe, tmp_path: Path, write_recipe: WriteRecipe
) -> None:
    rdf = pytest.importorskip("aeplugin.rdf")
    compressed = tmp_path / "compressed.root"
    rdf.compress(events_file, compressed, compile_recipe(jets_recipe, events_file, None))
    result = run(events_file, compressed, "--recipe", write_recipe(), "-o", tmp_path / "jets.model")
    assert result.exit_code == 1
    assert f"{compressed}: a compressed file, whose columns training cannot read; train on" in result.stderr


def test_a_checkpoint_of_another_training(events_file: Path, tmp_path: Path, write_recipe: WriteRecipe) -> None:
    arguments = events_file, "--recipe", write_recipe(), "-o", tmp_path / "jets.model", "--folder", tmp_path / "folder"
    assert run(*arguments).exit_code == 0
    again = run(*arguments, "--resume")  # there is nothing left to do
    assert again.exit_code == 0, again.output
    result = run(*arguments, "--resume", "--seed", 5)
    assert result.exit_code == 1
    assert "the checkpoint of another training" in result.stderr
    assert run(*arguments, "--seed", 5).exit_code == 0  # it begins anew where nobody asks to go on


def test_ctrl_c_leaves_a_checkpoint(
    job_inputs: Path, tmp_path: Path, write_recipe: WriteRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aeplugin.training_report import TrainingFolder

    def interrupt(report: TrainingFolder, name: str, progress: Progress) -> None:
        if progress.epochs == 3:
            raise KeyboardInterrupt

    model, folder = tmp_path / "jets.model", tmp_path / "folder"
    arguments = job_inputs / "run1" / "a.root", "--recipe", write_recipe({"epochs": 6, "checkpoint_every": 2})
    with monkeypatch.context() as patch:
        patch.setattr(TrainingFolder, "epoch", interrupt)
        result = run(*arguments, "-o", model, "--folder", folder)
    assert result.exit_code == 130
    assert result.stderr == f"{folder}: has a checkpoint; the same command with --resume goes on from it\ninterrupted\n"
    assert [path.name for path in folder.iterdir()] == ["Jet.checkpoint"]
    assert not model.exists()
    result = run(*arguments, "-o", model, "--folder", folder, "--resume")
    assert result.exit_code == 0, result.output
    assert json.loads((folder / "training.json").read_text())["collections"]["Jet"]["resumed_after"] == 2


def test_a_training_that_was_killed_goes_on_to_the_same_model(
    job_inputs: Path, tmp_path: Path, write_recipe: WriteRecipe
) -> None:
    events = job_inputs / "run1" / "a.root"
    recipe = write_recipe({"epochs": 16, "batch_size": 8, "checkpoint_every": 2, "clip": 1.0})
    model, whole, folder = tmp_path / "jets.model", tmp_path / "whole.model", tmp_path / "folder"
    arguments = [str(events), "--recipe", str(recipe), "-o", str(model), "--folder", str(folder), "--resume"]
    process = subprocess.Popen([sys.executable, "-m", "aeplugin", "train", *arguments], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (folder / "Jet.checkpoint").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not model.exists()
    assert not (folder / "training.json").exists()

    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert run(events, "--recipe", recipe, "-o", whole).exit_code == 0
    assert model.read_bytes() == whole.read_bytes()
    content = json.loads((folder / "training.json").read_text())["collections"]["Jet"]
    assert content["resumed_after"] in range(2, 16, 2)
    assert len(content["seconds"]) == 16
    assert f"after epoch {content['resumed_after']}" in (folder / "training.html").read_text()


@pytest.mark.parametrize(
    ("heading", "schema"),
    [
        ("## The network: `collections.NAME.network`", recipe_training.Network),
        ("### `collections.NAME.network.latent`", recipe_training.Latent),
        ("### `collections.NAME.network.condition`", recipe_training.Condition),
        ("## The loss: `collections.NAME.loss`", recipe_training.Loss),
        ("## `training`", recipe_training.Training),
        ("### `training.selection`", recipe_training.Selection),
    ],
)
def test_every_key_is_in_the_reference(heading: str, schema: type[BaseModel]) -> None:
    """With its default, where it is a number, a word or a list."""
    text = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
    section = text.split(f"{heading}\n")[1].split("\n#")[0]
    rows = dict(re.findall(r"^\| `(\w+)`[ *]* \|[^\n]*? \| ([^|]*) \|[^|\n]*(?:\|[^|\n]*)?\|$", section, re.MULTILINE))
    assert list(rows) == list(schema.model_fields)
    for name, field in schema.model_fields.items():
        if isinstance(field.default, str):
            assert rows[name] == f"`{field.default}`"
        elif isinstance(field.default, float | int) and not isinstance(field.default, bool):
            assert float(rows[name]) == field.default


@pytest.mark.parametrize("name", [*recipe_training.PRESETS])
def test_every_preset_is_in_the_documents(name: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    assert f"`{name}`" in text or (f"`{name.rpartition('-')[0]}-N`" in text and f" {name.rpartition('-')[2]}" in text)


def test_every_published_constant_is_in_the_documents() -> None:
    """Rows of docs/training.md are evaluated, and compared with the columns of models."""
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?|all)+) \| ([\w, ]+?)(?: \(E\))? \| ([^|]+) \|$", text, re.MULTILINE)
    found = {}
    for studies, variables, formula in rows:
        for study in PUBLISHED if studies == "all" else re.findall(r"\w+", studies):
            for variable in variables.split(", "):
                found[study, variable] = re.sub(r"log10 (\w+)", r"log10(\1)", formula)
    assert found.keys() >= {(study, variable) for study, columns in PUBLISHED.items() for variable in columns}
    for (study, variable), formula in found.items():
        known = PUBLISHED[study][variable]
        x = 2000.0 if known.factor > 0 else -2000.0
        argument = known.factor * x + known.offset
        expected = ((math.log10(argument) if known.log10 else argument) - known.mean) / known.scale
        names = {"log10": math.log10, "x": x, variable: x, "m": x}
        assert eval(formula, {"__builtins__": {}}, names) == pytest.approx(expected, rel=1e-12), (study, variable)
