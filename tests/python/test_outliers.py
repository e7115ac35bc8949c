"""The worst objects and events: which they are, and how they are listed and drawn."""

from __future__ import annotations

import json
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from aeplugin._core import Autoencoder, Model
from aeplugin.cli import main
from aeplugin.files import iterate_objects
from aeplugin.plots import Inputs, Plot, Section, Table, collect
from aeplugin.plots.drawing import style
from aeplugin.plots.outliers.ranking import Worst
from aeplugin.recipe import Recipe
from aeplugin.scores import score_objects
from pictures import PICTURE

RECIPE = """
collections:
  Jet:
    columns:
      pt:  {tolerance: {rel: 0.02}, transform: log10, unit: MeV}
      phi: {tolerance: {abs: 0.01}, unit: rad, periodic: true}
columns:
  MET: {tolerance: {abs: 100}, unit: MeV}
"""


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """In event 5 the second jet's pt moves by half its tolerance, in event 60 a phi is lost, in event 7 MET moves."""
    rng = np.random.default_rng(8)
    counts = rng.poisson(3, 100)
    counts[[5, 60]] = 4
    first = np.cumsum(counts) - counts
    before = {"pt": rng.lognormal(11, 0.8, counts.sum()), "phi": rng.uniform(-3, 3, counts.sum())}
    after = {name: values * (1 + 1e-4 * rng.uniform(-1, 1, len(values))) for name, values in before.items()}
    after["pt"][first[5] + 1] = before["pt"][first[5] + 1] * 1.01
    before["phi"][first[60]], after["phi"][first[60]] = 3.1415, -3.1415  # the same direction
    after["phi"][first[60] + 2] = np.nan
    met = rng.uniform(1e4, 1e5, 100)
    moved = met.copy()
    moved[7] += 99
    paths = []
    for name, columns, missing in (("before", before, met), ("after", after, moved)):
        paths.append(tmp_path / f"{name}.root")
        jets = {f"Jet_{v}": ak.unflatten(values, counts) for v, values in columns.items()}
        with uproot.recreate(paths[-1]) as file:
            file.mkrntuple("Events", {**jets, "MET": missing})
    return paths[0], paths[1]


def contents(inputs: Inputs) -> dict[str, list[Plot | Table]]:
    """Plots and tables by their names."""
    found: dict[str, list[Plot | Table]] = {}
    for item in collect(inputs, ["outliers"])[1]:
        found.setdefault(item.name, []).append(item)
    return found


def test_the_worst_are_found(pair: tuple[Path, Path]) -> None:
    found = contents(Inputs([pair], Recipe.from_text(RECIPE), worst=3, step=17))
    ranked = ("Jet_pt", "Jet_phi", "Event_MET", "events")
    assert set(found) == {f"outliers_{name}_residual" for name in ranked}
    tables = {name: next(i for i in items if isinstance(i, Table)) for name, items in found.items()}
    pt, phi = tables["outliers_Jet_pt_residual"], tables["outliers_Jet_phi_residual"]
    assert pt.columns == ("tolerances", "event", "index", "pt", "pt_reconstructed", "phi", "phi_reconstructed")
    assert pt.rows[0][0] == pytest.approx(0.5)
    assert pt.rows[0][1:3] == (5, 1)
    assert pt.rows[0][4] == pytest.approx(1.01 * pt.rows[0][3])
    assert [row[0] for row in pt.rows] == sorted((row[0] for row in pt.rows), reverse=True)
    assert phi.rows[0][:3] == (np.inf, 60, 2)
    assert phi.rows[1][0] < 0.1  # what crosses +-pi has not moved
    assert tables["outliers_Event_MET_residual"].rows[0][:3] == (pytest.approx(0.99), 7, 0)
    events = tables["outliers_events_residual"]
    assert events.columns == ("tolerances", "event", "number of Jet", "MET")
    assert events.rows[0][:3] == (np.inf, 60, 4)
    assert events.rows[1][1] in (5, 7)


def test_scores(events_file: Path, jets_model: Path) -> None:
    """Without any residual only the model ranks; its scores are those of `score_objects`."""
    inputs = Inputs([(events_file, events_file)], "darkmachines-jets", model=jets_model, worst=5)
    found = contents(inputs)
    assert set(found) == {"outliers_Jet_score", "outliers_Jet_event_score"}
    table = next(item for item in found["outliers_Jet_score"] if isinstance(item, Table))
    collection = Model.from_file(str(jets_model)).collection("Jet")
    (objects,) = iterate_objects(events_file, "Jet", {c.variable: c.column for c in collection.columns})
    errors, scores = score_objects(Autoencoder(collection), objects)
    assert [row[0] for row in table.rows] == pytest.approx(np.sort(errors)[::-1][:5])
    worst = int(np.argmax(errors))
    event = int(np.repeat(np.arange(len(objects.counts)), objects.counts)[worst])
    assert table.rows[0][1:4] == (event, worst - int(objects.counts[:event].sum()), objects.columns["E"][worst])
    table = next(item for item in found["outliers_Jet_event_score"] if isinstance(item, Table))
    assert table.rows[0][:2] == (pytest.approx(scores.max()), int(np.argmax(scores)))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=12), max_size=6), st.integers(1, 5))
def test_blocks_and_ties_do_not_matter(blocks: list[list[int]], number: int) -> None:
    """The same as sorting all at once, with the earlier of equal ones first."""
    worst, start = Worst(number), 0
    for block in blocks:
        worst.update(np.array(block, float), {"event": start + np.arange(len(block))})
        start += len(block)
    values = np.array([value for block in blocks for value in block], float)
    expected = np.argsort(-values, kind="stable")[:number]
    np.testing.assert_array_equal(worst.badness, values[expected])
    np.testing.assert_array_equal(worst.rows.get("event", []), expected)


def test_command(pair: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    arguments = ["outliers", *map(str, pair), "--recipe", str(tmp_path / "recipe.yaml"), "-n", "2"]
    result = CliRunner().invoke(main, [*arguments, "-o", str(tmp_path / "plots"), "--date", "2026-02-03"])
    assert result.exit_code == 0, result.output
    assert "The worst jets by |residual of pt| in tolerances; events and objects are counted from 0." in result.stdout
    stem = "2026-02-03_aeplugin_ae-2-200-200-20-3_outliers_Jet_pt_residual"
    assert {path.suffix for path in (tmp_path / "plots").glob(f"{stem}.*")} == {".pdf", ".png", ".csv", ".md", ".tex"}
    plain = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).stdout)
    assert plain["outliers_Jet_pt_residual"][0]["event"] == 5
    assert len(plain["outliers_Jet_pt_residual"]) == 2


def test_json_has_no_infinities(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """NaN and inf are no JSON."""
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    arguments = ["outliers", *map(str, pair), "--recipe", str(tmp_path / "recipe.yaml"), "--json"]
    text = CliRunner().invoke(main, arguments).stdout

    def refuse(word: str) -> None:
        raise AssertionError(word)

    worst = json.loads(text, parse_constant=refuse)["outliers_Jet_phi_residual"][0]
    assert worst["tolerances"] is None
    assert worst["phi_reconstructed"] is None


@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture_outliers(pair: tuple[Path, Path]) -> Figure:
    found = contents(Inputs([pair], Recipe.from_text(RECIPE)))
    (plot,) = (item for item in found["outliers_Jet_pt_residual"] if isinstance(item, Plot))
    assert plot.section is Section.outliers
    with style.active("atlas"):
        return plot.draw()
