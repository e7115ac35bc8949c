"""The density that a recipe asks for: what is coded in which order, how it is trained, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml
from click.testing import CliRunner

from aeplugin import Model, Recipe
from aeplugin._core import EXACT_MARK, GRID_LIMIT, SENTINEL_MARK, density_decode, density_encode
from aeplugin.cli import main
from aeplugin.errors import CorruptionError, InputError, RecipeError
from aeplugin.recipe_files import schema_of

pytest.importorskip("torch", reason="training needs torch")

from aeplugin import training
from aeplugin.training.density.columns import coded_groups, mirrored_columns, missing_columns
from aeplugin.training.density.descent import Descent, find_descent, limits
from aeplugin.training.density.events import Events, event_blocks, read_events
from aeplugin.training.density.information import information, ordered, parents
from aeplugin.training.density.plan import Plan
from aeplugin.training.density.shapes import Shape, counts_shape, exact_shape, lossy_shape, period
from aeplugin.training.event_blocks import open_files
from aeplugin.training.run import Checkpoints

CONTENT: dict[str, Any] = {
    "collections": {
        "Jet": {
            "columns": {
                "E": {"tolerance": {"rel": 0.02}},
                "phi": {"tolerance": {"abs": 0.01}, "periodic": True},
                "eta": {"tolerance": {"abs": 0.01}, "sentinels": [-99]},
                "pt": {"tolerance": {"rel": 0.02}},
                "kind": {"tolerance": "exact"},
                "label": {"tolerance": "exact"},
            },
            "codec": "autoregressive",
        },
        "Track": {"columns": {"z": {"tolerance": {"abs": 0.1}}}, "codec": "plain"},
    },
    "columns": {
        "MET_phi": {"tolerance": {"abs": 0.01}, "periodic": True},
        "MET_pt": {"tolerance": {"rel": 0.02}},
        "weights": {"tolerance": {"rel": 0.01}},
    },
    "density": {
        "epochs": 2,
        "effort": "fast",
        "missing": ["MET_pt", "MET_phi"],
        "mirror": [["eta"], ["phi", "MET_phi"]],
    },
    "training": {"validation": 0.25},
}
"""Track is plain, the weights have lists, the labels are no integers that a density can code."""


def recipe(**changes: Any) -> Recipe:
    return Recipe.from_text(yaml.safe_dump({**CONTENT, "density": {**CONTENT["density"], **changes}}, sort_keys=False))


def write(path: Path, events: int = 600, seed: int = 1) -> Path:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 5, events)
    pt = np.sort(rng.exponential(50, (events, 4)) + 20)[:, ::-1]
    pt = ak.unflatten(pt[np.arange(4) < counts[:, None]].astype(np.float32), counts)
    number = counts.sum()

    def objects(values: np.ndarray) -> ak.Array:
        return ak.unflatten(values, counts)

    eta = rng.normal(0, 1.5, number).astype(np.float32)
    eta[::97] = -99
    columns = {
        "MET_pt": rng.exponential(30, events).astype(np.float32),
        "MET_phi": rng.uniform(-np.pi, np.pi, events).astype(np.float32),
        "weights": ak.unflatten(np.ones(2 * events), 2),
        "Jet_pt": pt,
        "Jet_eta": objects(eta),
        "Jet_phi": objects(rng.uniform(-np.pi, np.pi, number).astype(np.float32)),
        "Jet_E": pt * np.cosh(objects(eta.clip(-5, 5))),
        "Jet_kind": objects(rng.choice([0, 0, 0, 4, 7], number).astype(np.int8)),
        "Jet_label": objects(rng.normal(size=number)),
        "Track_z": objects(rng.normal(size=number).astype(np.float32)),
    }
    with uproot.recreate(path) as file:
        file.mkrntuple("events", columns)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("density") / "events.root")


def read(path: Path, given: Recipe, most: int = 10_000) -> tuple[Events, Events]:
    resolved = given.resolve(schema_of(path)[1])
    files = open_files([path], resolved.tree)
    groups = coded_groups(resolved, files[0].schema)
    return read_events(event_blocks(files, groups, resolved.training, most, {"Jet": {"pt": "Jet_pt"}}), groups)


def plan(path: Path, given: Recipe) -> Plan:
    events = read(path, given)[0]
    return Plan(events.groups, missing_columns(list(events.groups), given.density) or (), events)


def test_what_takes_part(path: Path) -> None:
    given = recipe()
    groups = coded_groups(given.resolve(schema_of(path)[1]), schema_of(path)[1])
    found = {g.name: (g.is_single, [c.column for c in g.columns]) for g in groups}
    assert found == {
        "Jet": (False, ["Jet_E", "Jet_phi", "Jet_eta", "Jet_pt", "Jet_kind"]),
        "MET_phi": (True, ["MET_phi"]),
        "MET_pt": (True, ["MET_pt"]),
    }
    by_name = {column.variable: column for group in groups for column in group.columns}
    assert (by_name["kind"].kind, by_name["kind"].type, by_name["eta"].kind) == ("exact", "std::int8_t", "abs")
    assert by_name["E"].formula == "pt * cosh(eta)"
    assert by_name["eta"].sentinels == (-99,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"missing": ["MET_pt", "MET_ph"]}, "density.missing: 'MET_ph' is no column .* did you mean 'MET_phi'"),
        ({"missing": ["MET_pt", "Jet_phi"]}, "density.missing: 'Jet_phi' is no column"),
        ({"mirror": [["Eta"]]}, "density.mirror: 'Eta' is no variable .* did you mean 'eta'"),
        ({"mirror": [["z"]]}, "density.mirror: 'z' is no variable"),
    ],
)
def test_names_that_are_none(path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        training.train([path], recipe(**changes))


def test_nothing_to_code(path: Path) -> None:
    plain = "collections: {Jet: {columns: {pt: {tolerance: {rel: 0.1}}}, codec: plain}}\ndensity: {}"
    with pytest.raises(RecipeError, match="nothing for the density to code"):
        training.train([path], Recipe.from_text(plain))
    exact = "collections: {Jet: {columns: {kind: {tolerance: exact}}, codec: autoregressive}}"
    with pytest.raises(RecipeError, match="'Jet' has the codec autoregressive and no variable with a tolerance"):
        training.train([path], Recipe.from_text(exact))


def test_too_few_events(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the density has \d+ events to hold out .* at least 50"):
        training.train([write(tmp_path / "few.root", 120)], recipe())


def test_events_are_grid_integers(path: Path) -> None:
    events, held_out = read(path, recipe())
    assert len(events) + len(held_out) == 600
    assert 0.18 < len(held_out) / 600 < 0.32
    assert set(events.grids["Jet_kind"].tolist()) == {0, 4, 7}
    assert events.grids["Jet_eta"].min() == SENTINEL_MARK
    assert len(events.grids["Jet_pt"]) == events.counts["Jet"].sum()
    assert len(events.grids["MET_pt"]) == len(events)
    few = read(path, recipe(), 300)
    assert 240 < sum(map(len, few)) < 360


def test_wide_integers_are_kept_exactly(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "e.root") as file:
        values = np.full(400, 2**30, np.int64).astype(np.uint32)
        values[::2] = 5
        file.mkrntuple("events", {"J_x": np.ones(400, np.float32), "J_n": values})
    text = "collections: {J: {columns: {x: {tolerance: {abs: 0.1}}, n: {tolerance: exact}}, codec: autoregressive}}"
    events, _ = read(tmp_path / "e.root", Recipe.from_text(text))
    assert set(events.grids["J_n"].tolist()) == {5, EXACT_MARK}


def test_mirror_images(path: Path) -> None:
    events = read(path, recipe())[0]
    flips = mirrored_columns(list(events.groups), recipe().density)
    assert flips == [{"Jet_eta"}, {"Jet_phi", "MET_phi"}]
    images = [events.mirrored(flips, image) for image in range(4)]
    event_of = np.repeat(np.arange(len(events)), events.counts["Jet"])
    for column in ("Jet_pt", "Jet_kind", "MET_pt"):
        assert all((image.grids[column] == events.grids[column]).all() for image in images)
    seen = []
    for image in images:
        is_mark = events.grids["Jet_eta"] == SENTINEL_MARK
        assert (image.grids["Jet_eta"][is_mark] == SENTINEL_MARK).all()
        sign = np.where(image.grids["Jet_phi"] == events.grids["Jet_phi"], 1, -1)
        of_event = np.where(image.grids["MET_phi"] == events.grids["MET_phi"], 1, -1)
        moved = (events.grids["Jet_phi"] != 0) & (events.grids["MET_phi"][event_of] != 0)
        assert (sign == of_event[event_of])[moved].all()
        eta = np.where(image.grids["Jet_eta"] == events.grids["Jet_eta"], 1, -1)
        seen.append(2 * eta + sign)
        assert 0.2 < (eta[~is_mark] < 0).mean() < 0.8  # one image alone has both
    moved &= ~is_mark & (events.grids["Jet_eta"] != 0)
    assert all(len(set(of_object)) == 4 for of_object in np.stack(seen)[:, moved].T)


def test_coding_order_and_features(path: Path) -> None:
    made = plan(path, recipe())
    names = [variable.name for variable in made.layout.variables]
    assert names == ["MET_pt", "MET_phi", "number of Jet", "Jet_kind", "Jet_pt", "Jet_phi", "Jet_eta", "Jet_E"]
    features = dict(zip(names, made.features, strict=True))
    assert all(features.values())
    told = {name: {(f.source, f.view, names[f.variable]) for f in features[name]} for name in names}
    assert ("own", "linear", "Jet_pt") in told["Jet_phi"]
    assert ("back", "linear", "Jet_pt") in told["Jet_pt"]
    assert ("own", "equals", "Jet_kind") in told["Jet_pt"]
    assert ("back", "separation", "Jet_phi") in told["Jet_eta"]
    assert ("back", "equals", "Jet_eta") in told["Jet_eta"]  # the mark of its sentinel
    assert {source for source, _, _ in told["Jet_E"]} == {"phase", "own"}
    shapes = dict(zip(names, made.shapes, strict=True))
    assert shapes["Jet_kind"].atoms == (0, 4, 7)
    assert not shapes["Jet_kind"].range
    assert SENTINEL_MARK in shapes["Jet_eta"].atoms
    assert (shapes["Jet_phi"].first, shapes["Jet_phi"].range) == (-157, 315)


def test_columns_without_a_role_are_ordered_by_information() -> None:
    rng = np.random.default_rng(2)
    a, b, noise = rng.integers(0, 1000, (3, 20_000))
    both = a + rng.integers(0, 30, 20_000)
    known = information([a, b, both, 3 * b + rng.integers(0, 500, 20_000), noise])
    assert known[0, 2] > known[1, 3] > 0.3
    assert (known[4] < 0.01).all()
    order = ordered([], range(5), known, {})
    assert {order[0], order[1]} in ({0, 2}, {1, 3})
    assert order.index(4) >= 2
    assert parents(2, [4, 1, 0], known, 8) == [0]
    assert ordered([4], range(4), known, {0: [2]})[0] == 4
    late = ordered([], range(5), known, {0: [4], 2: [4]})
    assert late.index(4) < min(late.index(0), late.index(2))


def test_shapes() -> None:
    rng = np.random.default_rng(3)
    values = np.round(rng.normal(1000, 50, 5000)).astype(np.int32)
    shape = lossy_shape(values, None)
    assert shape.first < values.min()
    assert shape.first + shape.range > values.max()
    assert not shape.atoms
    assert shape.middle == pytest.approx(1000, abs=5)
    assert shape.spread == pytest.approx(50, rel=0.1)
    often = lossy_shape(np.concatenate([values, np.zeros(1000, np.int32), [EXACT_MARK, SENTINEL_MARK]]), None)
    assert often.atoms == (EXACT_MARK, SENTINEL_MARK, 0)
    assert often.range == shape.range
    wide = lossy_shape(100_000 * values, None)
    assert wide.range <= 4096 < wide.range << wide.shift
    assert wide.first % (1 << wide.shift) == 0
    assert lossy_shape(values, (0, 2000)).range == 2000
    outside = np.concatenate([values, np.full(9, -(2**31) + 100)]).astype(np.int32)
    assert lossy_shape(outside, None) == lossy_shape(values, None)
    for all_same in (np.zeros(50, np.int32), np.zeros(0, np.int32), np.full(9, EXACT_MARK)):
        assert lossy_shape(all_same, None).categories > 0
    edge = lossy_shape(np.array([-GRID_LIMIT, GRID_LIMIT] * 50, np.int32), None)
    assert abs(edge.first) <= GRID_LIMIT
    assert edge.first + (edge.range << edge.shift) <= GRID_LIMIT
    assert exact_shape(np.arange(64)).atoms == tuple(range(64))
    assert exact_shape(np.arange(65)).range >= 65
    assert counts_shape(np.array([0, 3])).atoms == tuple(range(12))
    assert counts_shape(np.array([0, 3, 500] * 50)).first == 0


def test_descending_variables() -> None:
    rng = np.random.default_rng(4)
    counts = rng.integers(0, 5, 400)
    event_of = np.repeat(np.arange(400), counts)
    grid = rng.integers(100, 200, counts.sum()).astype(np.int32)
    assert find_descent(grid, counts, []) is None
    labels = np.sort(rng.integers(0, 3, counts.sum()) + 10 * event_of) % 10
    by_label = grid[np.lexsort((-grid, labels, event_of))]
    assert find_descent(by_label, counts, []) is None
    assert find_descent(by_label, counts, [(3, event_of % 2 * 0), (4, labels)]) == Descent(4)
    descending = grid[np.lexsort((-grid, event_of))]
    assert find_descent(descending, counts, [(4, labels)]) == Descent(None)
    assert find_descent(descending, np.ones(len(grid), np.int64), []) is None  # no two in an event

    shape = Shape(100, 100, 0, (), 150.0, 20.0)
    few = np.array([150, 120, 110, 170, EXACT_MARK, 160, 90, 80, 300, 130], np.int32)
    ends = limits(shape, few, np.array([3, 0, 3, 4]), None)
    assert ends.tolist() == [100, 51, 21, 100, 71, 100, 100, 100, 100, 100]
    ends = limits(shape, few, np.array([3, 0, 3, 4]), np.array([1, 1, 2, 3, 3, 3, 4, 4, 4, 4]))
    assert ends.tolist() == [100, 51, 100, 100, 71, 100, 100, 100, 100, 100]
    coarse = Shape(0, 10, 4, (), 5.0, 2.0)
    assert limits(coarse, np.array([33, 20]), np.array([2]), None).tolist() == [10, 3]


def test_turns() -> None:
    assert period(0.02, np.array([-157, 3, EXACT_MARK])) == (-157, 315)
    assert period(0.02, np.array([0, 314])) == (0, 315)
    assert period(0.02, np.array([-200, 3])) is None
    assert period(0.0001, np.array([-200, 3])) is None
    assert period(0.02, np.array([], np.int32)) is None


def told(model: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(model.training)["density"]
    return content


@pytest.fixture(scope="module")
def trained(path: Path) -> tuple[Any, list[tuple[str, int]]]:
    reported: list[tuple[str, int]] = []
    model = training.train([path], recipe(), report_density=lambda name, p: reported.append((name, p.epochs)))
    return model, reported


def test_training(trained: tuple[Any, list[tuple[str, int]]]) -> None:
    model, reported = trained
    assert not model.collections  # autoregressive alone: no autoencoder
    assert model.density is not None
    about = told(model)
    names = [of["name"] for of in about["variables"]]
    assert reported == [(name, epoch) for name in names for epoch in (1, 2)]
    for variable in about["variables"]:
        assert len(variable["training_loss"]) == len(variable["validation_loss"]) == 2
        assert variable["validation_bits"] == pytest.approx(variable["best_validation_loss"], abs=0.02)
        assert "seconds" not in variable
    number = {of["name"]: of["validation_values"] for of in about["variables"]}
    bits = {of["name"]: of["validation_bits"] for of in about["variables"]}
    assert about["validation_bits_per_event"] == pytest.approx(
        sum(number[name] * bits[name] for name in names) / about["validation_events"]
    )
    assert about["images"] == 4
    # Entropies: 3 of 5 kinds are 0, and angles are uniform.
    assert bits["Jet_kind"] == pytest.approx(1.37, abs=0.15)
    assert bits["MET_phi"] == pytest.approx(np.log2(314.2), abs=0.15)
    assert [v.variable for v in model.density.variables if v.descending] == ["pt"]
    for variable in model.density.variables:
        for layer in variable.network:
            assert (layer.weights == layer.weights.astype(np.float16)).all()


def test_training_is_reproducible(trained: tuple[Any, Any], path: Path) -> None:
    assert training.train([path], recipe()).to_bytes() == trained[0].to_bytes()


def test_training_goes_on_from_checkpoints(trained: tuple[Any, Any], path: Path, tmp_path: Path) -> None:
    def stop(name: str, progress: Any) -> None:
        if name == "Jet_pt":
            raise KeyboardInterrupt

    def with_folder(resume: bool, report: Any = None) -> Any:
        return training.train([path], recipe(), checkpoints=Checkpoints(tmp_path, resume), report_density=report)

    with pytest.raises(KeyboardInterrupt):
        with_folder(False, stop)
    reported: list[str] = []
    model = with_folder(True, lambda name, progress: reported.append(name))
    assert set(reported) == {"Jet_pt", "Jet_phi", "Jet_eta", "Jet_E"}
    assert model.to_bytes() == trained[0].to_bytes()
    checkpoint = min(tmp_path.glob("density.*.checkpoint"))
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    with pytest.raises(CorruptionError, match=r"density\.0\.checkpoint"):
        with_folder(True)


def entropy(values: Sequence[int]) -> float:
    probabilities = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(probabilities * np.log2(probabilities)).sum())


def test_it_learns_what_events_say(data: Path, tmp_path: Path) -> None:
    """Energies are nearly told by pt and eta, momenta by those of objects before: far below their own entropies."""
    from aeplugin import darkmachines

    events = darkmachines.read(data / "monojet.csv.gz")
    jets = {f"Jet_{name}": events.Jet[name] for name in ("E", "pt", "eta", "phi")}
    with uproot.recreate(tmp_path / "jets.root") as file:
        file.mkrntuple("events", {"MET_pt": events.MET_pt, "MET_phi": events.MET_phi, **jets})
    content = {**CONTENT, "collections": {"Jet": {**CONTENT["collections"]["Jet"]}}, "columns": {**CONTENT["columns"]}}
    content["collections"]["Jet"]["columns"] = {
        name: CONTENT["collections"]["Jet"]["columns"][name] for name in ("E", "pt", "eta", "phi")
    }
    del content["columns"]["weights"]
    content["density"] = {**CONTENT["density"], "epochs": 4}
    given = Recipe.from_text(yaml.safe_dump(content, sort_keys=False))
    _, held_out = read(tmp_path / "jets.root", given)
    bits = {
        of["name"]: of["validation_bits"] for of in told(training.train([tmp_path / "jets.root"], given))["variables"]
    }
    assert bits["Jet_E"] < 1.1
    assert bits["Jet_pt"] < entropy(held_out.grids["Jet_pt"]) - 0.7
    assert bits["Jet_phi"] < entropy(held_out.grids["Jet_phi"]) - 0.8


def test_it_is_coded_as_the_training_says(trained: tuple[Any, Any], path: Path) -> None:
    """The streams of the events that are held out take the bits that the summary promises, and decode."""
    density, about = trained[0].density, told(trained[0])
    _, held_out = read(path, recipe())
    columns = {**held_out.grids, "": held_out.counts["Jet"].astype(np.int32)}
    grids = [columns[variable.column] for variable in density.variables]
    streams = density_encode(density, grids)
    for (content, escapes), of in zip(streams, about["variables"], strict=True):
        assert not len(escapes)
        bits = 8 * len(content) - 64 * 8 + 8 * 31  # less what eight states take, of which 31 bits say nothing
        assert bits == pytest.approx(of["validation_bits"] * of["validation_values"], rel=0.01, abs=8 * 48)
    for decoded, grid in zip(density_decode(density, len(held_out), streams), grids, strict=True):
        assert (decoded == grid).all()


def test_command_line(path: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(recipe().to_text())
    folder, output = tmp_path / "folder", tmp_path / "mine.model"
    words = ["train", str(path), "--recipe", str(tmp_path / "mine.yaml"), "-o", str(output), "--folder", str(folder)]
    result = CliRunner().invoke(main, [*words, "--epochs", "1"])
    assert result.exit_code == 0, result.output
    about = told(Model.from_file(str(output)))
    assert f"density: {about['validation_bits_per_event']:.1f} bits per event" in result.output
    assert f"number of Jet {about['variables'][2]['validation_bits']:.2f}" in result.output
    assert {len(of["validation_loss"]) for of in about["variables"]} == {1}
    assert "Training of a density" in (folder / "training.html").read_text()
    assert json.loads((folder / "training.json").read_text())["density"] == about
    again = CliRunner().invoke(main, [*words, "--epochs", "1", "--resume"])
    assert again.exit_code == 0, again.output
    assert told(Model.from_file(str(output))) == about
