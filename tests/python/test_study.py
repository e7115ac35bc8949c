"""Studies: networks trained on some samples and tested on others, against numpy, and what is not done again."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from click.testing import CliRunner, Result
from matplotlib.figure import Figure

from aeplugin import Model, Recipe
from aeplugin._core import Autoencoder
from aeplugin.cli import main
from aeplugin.errors import RecipeError
from aeplugin.jobs import Job
from aeplugin.plots.drawing import style
from aeplugin.search.heat_maps import draw_heat_map
from aeplugin.search.study import study_matrix, study_rows, study_table, summary_table, write_study
from conftest import with_training
from pictures import PICTURE

VARIABLES = ("E", "pt", "eta", "phi")


def write_sample(path: Path, events: int, seed: int, *, electrons: bool = True) -> Path:
    """Jets, and electrons that are unlike them."""
    rng = np.random.default_rng(seed)
    columns = {}
    for name, shift in (("Jet", 0.0), ("Electron", 1.0)):
        counts = rng.integers(1, 4, events) if electrons or name == "Jet" else np.zeros(events, int)
        number = int(counts.sum())
        pt, eta = 10 ** rng.normal(4.7 + shift, 0.3, number), rng.normal(0, 1.2, number)
        values = {"pt": pt, "eta": eta, "phi": rng.uniform(-3.1, 3.1, number), "E": pt * np.cosh(eta)}
        columns |= {f"{name}_{v}": ak.unflatten(values[v].astype(np.float32), counts) for v in VARIABLES}
    with uproot.recreate(path) as file:
        file.mkrntuple("events", columns)
    return path


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("samples")
    made = {name: write_sample(folder / f"{name}.root", 300, seed) for seed, name in enumerate(("a", "b", "more"))}
    return {**made, "none": write_sample(folder / "none.root", 50, 9, electrons=False)}


@pytest.fixture(scope="module")
def studied(samples: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], Result]:
    """A study of two networks and two samples, one of them of two files; its command line and what it said."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("study")
    recipe = with_training(Recipe.from_file("darkmachines-jets"), epochs=2)
    recipe = recipe.model_copy(update={"collections": {"Jet": recipe.collections["Jet"]}})
    (folder / "short.yaml").write_text(recipe.to_text())
    command = ["study", str(folder / "short.yaml"), "-o", str(folder / "out"), "--strangers", "Electron"]
    command += ["--train", str(samples["a"]), "--train", f"both={samples['a']},{samples['b']}"]
    command += ["--test", str(samples["b"]), "--test", f"two={samples['b']},{samples['none']}"]
    return folder / "out", command, CliRunner().invoke(main, command)


def expected_numbers(model: Model, files: list[Path], collection: str) -> dict[str, float]:
    """Numbers of the row of pt, from decoded values alone."""
    columns = [uproot.open(path)["events"].arrays() for path in files]
    parts = [[ak.to_numpy(ak.flatten(events[f"{collection}_{v}"])) for v in VARIABLES] for events in columns]
    before = np.concatenate([np.stack(part, axis=1) for part in parts])
    network = Autoencoder(model.collections[0])
    after = network.decoder(network.encoder(before)).astype(float)
    difference = after - before
    difference[:, 3] = np.arctan2(np.sin(difference[:, 3]), np.cos(difference[:, 3]))
    units = difference / np.stack([0.02 * before[:, 0], 0.02 * before[:, 1], *np.full((2, len(before)), 0.01)], axis=1)
    low, high = np.quantile(units[:, 1], [0.16, 0.84])
    return {
        "resolution": (high - low) / 2,
        "RMS": float(np.sqrt((units[:, 1] ** 2).mean())),
        "share within": float((np.abs(units[:, 1]) <= 1).mean()),
        "share with all within": float((np.abs(units) <= 1).all(axis=1).mean()),
        "reconstruction error": float(network.reconstruction_errors(before).mean()),
        "objects": len(before),
    }


def test_numbers_are_those_of_numpy(samples: dict[str, Path], studied: tuple[Path, list[str], Result]) -> None:
    folder, _, result = studied
    assert result.exit_code == 0, result.stderr
    with (folder / "study.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 2 * 4
    files = {"b": [samples["b"]], "two": [samples["b"], samples["none"]]}
    for row in rows:
        if row["column"] != "pt":
            continue
        model = Model.from_file(str(folder / "models" / f"{row['train']}.model"))
        chosen = files[row["test"]]
        if row["collection"] == "Electron":
            chosen = chosen[:1]  # the other file has none
        expected = expected_numbers(model, chosen, row["collection"])
        assert {key: float(row[key]) for key in expected} == pytest.approx(expected, rel=3e-3)
    files_there = {str(path.relative_to(folder)) for path in folder.rglob("*") if ".aeplugin" not in path.parts}
    pictures = {f"study_Jet_{kind}.{suffix}" for kind in ("resolution", "within") for suffix in ("png", "pdf")}
    others = {"study.json", "study.md", "study.tex", "study.yaml", "tests/a/two.json", "models/both.model"}
    assert files_there >= pictures | others
    content = json.loads((folder / "study.json").read_text())
    assert len(content) == len(rows)
    assert content[0]["half68"] == float(rows[0]["resolution"])


def test_only_what_is_missing_is_done(samples: dict[str, Path], studied: tuple[Path, list[str], Result]) -> None:
    folder, command, _ = studied
    (folder / ".aeplugin" / "done" / "tests" / "both" / "b.json").unlink()
    result = CliRunner().invoke(main, [*command, "--json", "--no-plots"])
    assert result.exit_code == 0, result.stderr
    content = json.loads(result.stdout)
    assert (content["parts"], content["found"], content["made"]) == (6, 5, 1)
    places = dict.fromkeys((row["train"], row["test"]) for row in content["rows"])
    assert list(places) == [("a", "b"), ("a", "two"), ("both", "b"), ("both", "two")]
    result = CliRunner().invoke(main, [*command, "--test", str(samples["more"]), "--json", "--no-plots"])
    content = json.loads(result.stdout)
    assert (content["parts"], content["found"], content["made"]) == (8, 6, 2)
    assert {row["test"] for row in content["rows"]} == {"b", "two", "more"}
    others = [word.replace("Electron", "Jet") for word in command]
    result = CliRunner().invoke(main, [*others, "--json", "--no-plots"])
    content = json.loads(result.stdout)
    assert (content["found"], content["made"]) == (2, 4)  # tests with other strangers, no network
    assert {row["collection"] for row in content["rows"]} == {"Jet"}
    result = CliRunner().invoke(main, [*command, "--json", "--no-plots"])
    assert json.loads(result.stdout)["made"] == 4
    model = folder / "models" / "a.model"
    model.write_bytes(b"no model")
    result = CliRunner().invoke(main, [*command, "--json", "--no-plots"])
    content = json.loads(result.stdout)
    assert (content["found"], content["made"], content["complete"]) == (3, 3, True)  # the network, and its tests
    result = CliRunner().invoke(main, ["run", str(folder / "study.yaml"), "--status"])
    assert "6 of 6 parts complete" in result.stdout


@pytest.mark.parametrize(
    ("words", "message", "status"),
    [
        (["--train", "a.root", "--train", "x/a.root", "--test", "b.root"], "two samples are called a", 2),
        (["--train", "a=", "--test", "b.root"], "expected FILE, or NAME=FILE,FILE", 2),
        (["--train", "none.root", "--test", "none.root"], "none.root: cannot be read", 1),
        (["--train", "none.root", "--test", "b.root", "--strangers", "1e"], "strangers", 1),
    ],
)
def test_wrong_commands(tmp_path: Path, words: list[str], message: str, status: int) -> None:
    result = CliRunner().invoke(main, ["study", "darkmachines-jets", "-o", str(tmp_path / "out"), *words])
    assert result.exit_code == status
    assert message in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": {}}, "the task study needs 'train'"),
        ({"inputs": ["a.root"]}, "the task study takes 'train' and 'test' instead of 'inputs'"),
        ({"train": {"a/b": ["a.root"]}}, "train"),
        ({"train": {"a": []}}, "train.a: .*at least 1"),
        ({"on_bad_input": "skip"}, "cannot skip"),
    ],
)
def test_wrong_studies_are_refused(make_job: Callable[..., Job], changes: dict[str, Any], message: str) -> None:
    study = {"task": "study", "inputs": None, "train": {"a": ["a.root"]}, "test": {"b": ["b.root"]}}
    assert make_job(**study).train["a"][0].startswith("/")
    with pytest.raises(RecipeError, match=message):
        make_job(**{**study, **changes})


def rows_of(numbers: dict[tuple[str, str, str], list[float]]) -> list[dict[str, Any]]:
    """Rows for (train, collection, test) with resolutions of the columns; None where there are no objects."""
    rows = []
    for (train, collection, test), widths in numbers.items():
        for i, width in enumerate(widths):
            row = {"train": train, "test": test, "network": "Jet", "collection": collection, "column": f"c{i}"}
            known = math.isfinite(width)
            row |= dict.fromkeys(("half68", "rms", "mean"), width if known else None)
            row |= {"tolerance": "abs 1", "within": 0.5, "all_within": 0.25 if known else None, "error": 1e-3}
            rows.append({**row, "objects": 10 if known else 0, "left_out": 0})
    return rows


def test_matrix_and_tables(tmp_path: Path) -> None:
    nan = math.nan
    rows = rows_of(
        {("a", "Jet", "x"): [3, 4], ("a", "Jet", "y"): [1, 1], ("b", "Jet", "x"): [2, 2], ("b", "Tau", "x"): [nan, nan]}
    )
    places = [("Jet", "x"), ("Jet", "y"), ("Tau", "x")]
    found = study_matrix(rows, ["a", "b"], places, "resolution")
    np.testing.assert_allclose(found, [[math.sqrt(12.5), 1, nan], [2, nan, nan]])
    found = study_matrix(rows, ["a", "b"], places, "within")
    np.testing.assert_allclose(found, [[0.25, 0.25, nan], [0.25, nan, nan]])
    table = summary_table(rows)
    assert table.rows[0] == ("a", "x", "Jet", "Jet", 10, math.sqrt(12.5), 0.25)
    assert table.rows[-1] == ("b", "x", "Jet", "Tau", 0, None, None)
    assert len(study_table(rows).rows) == len(rows)
    assert all(path.exists() for path in write_study(rows, Recipe.from_file("darkmachines-jets"), tmp_path))
    assert study_rows([]) == []


def test_a_study_without_objects_has_tables_and_no_pictures(tmp_path: Path) -> None:
    rows = rows_of({("a", "Jet", "x"): [math.nan]})
    written = write_study(rows, Recipe.from_file("darkmachines-jets"), tmp_path)
    assert {path.name for path in written} == {"study.csv", "study.md", "study.tex", "study.json"}


@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture_of_resolutions() -> Figure:
    values = np.array([[0.8, 1.2, 4.1], [2.0, 0.9, 25.0], [12.0, 1.9, math.nan]])
    names = ["ttbar", "zz", "a_long_name_of_a_sample"]
    look = style.Look("atlas", "Simulation", 13)
    return draw_heat_map(values, names, ["ttbar", "zz", "ttbar\n(Electron)"], [2], "Resolution", ["notes"], look)
