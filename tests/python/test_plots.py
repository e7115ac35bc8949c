"""Plots: file names, contents with flow, statistics, and what is refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import hist
import matplotlib as mpl
import numpy as np
import pytest
import uhi.io.json
import uproot
from click.testing import CliRunner
from matplotlib.figure import Figure

from aeplugin.errors import InputError, RecipeError
from aeplugin.files import recipe_of
from aeplugin.plots import Inputs, Plot, collect, filling, make_plots, naming
from aeplugin.plots.__main__ import main
from aeplugin.plots.drawing import style
from aeplugin.plots.drawing.panels import Span
from aeplugin.plots.inputs import open_inputs
from aeplugin.plots.variables import differences
from aeplugin.readers import other_objects
from aeplugin.recipe import Column, Recipe, Tolerance
from aeplugin.residuals import is_missing
from pictures import PICTURE

RECIPE = r"""
collections:
  Jet:
    columns:
      pt:  {tolerance: {rel: 0.02}, transform: log10, unit: MeV, label: '$p_\mathrm{T}$'}
      phi: {tolerance: {abs: 0.01}, unit: rad, periodic: true}
    network: {hidden: [8, 4], latents: 1}
plots: {topic: test}
"""
RNG = np.random.default_rng(3)


def write(path: Path, counts: np.ndarray, columns: dict[str, np.ndarray]) -> Path:
    with uproot.recreate(path) as file:
        file.mkrntuple("Events", {f"Jet_{name}": ak.unflatten(values, counts) for name, values in columns.items()})
    return path


@pytest.fixture
def recipe() -> Recipe:
    return Recipe.from_text(RECIPE)


@pytest.fixture
def counts() -> np.ndarray:
    return np.random.default_rng(4).poisson(3, 400)


@pytest.fixture
def values(counts: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Original and reconstructed columns; the angle crosses +-pi, and one value becomes NaN."""
    objects, rng = int(counts.sum()), np.random.default_rng(5)
    pt = rng.lognormal(11, 0.8, objects).astype(np.float32)
    phi = rng.uniform(-np.pi, np.pi, objects).astype(np.float32)
    phi[0] = 3.1410
    moved = (phi + 0.004 * rng.normal(size=objects)).astype(np.float32)
    moved[0] = -3.1412
    smeared = (pt * (1 + 0.01 * rng.standard_t(3, objects))).astype(np.float32)
    smeared[7] = np.nan
    return {"pt": pt, "phi": phi}, {"pt": smeared, "phi": moved}


@pytest.fixture
def files(tmp_path: Path, counts: np.ndarray, values: tuple[dict[str, np.ndarray], ...]) -> tuple[Path, Path]:
    names = "original.root", "reconstructed.root"
    return tuple(write(tmp_path / name, counts, columns) for name, columns in zip(names, values, strict=True))


@pytest.fixture
def study(files: tuple[Path, Path], recipe: Recipe) -> filling.Study:
    return study_of(*files, recipe, step=150)


def study_of(original: Path, reconstructed: Path, recipe: Recipe, **settings: Any) -> filling.Study:
    context = open_inputs(Inputs([(original, reconstructed)], recipe, **settings))
    (study,) = filling.study(context.pair, context.groups[:1])
    return study


def plot(
    original: Path,
    reconstructed: Path,
    recipe: Recipe | None,
    output: Path,
    formats: Sequence[str] = ("png",),
    **more: Any,
) -> list[Path]:
    """The plots of variables: pictures only."""
    inputs = Inputs([(original, reconstructed)], recipe, **{"date": "2026-02-03", **more})
    written = make_plots(inputs, output, sections=["variables"], formats=formats)
    return [path for path in written if path.suffix in (".png", ".pdf")]


def test_writes_each_plot_in_both_formats(files: tuple[Path, Path], recipe: Recipe, tmp_path: Path) -> None:
    settings = dict(mpl.rcParams)
    seen = []
    inputs = Inputs([files], recipe, date="2026-02-03")
    written = make_plots(
        inputs, tmp_path / "plots", sections=["variables"], progress=lambda what, done: seen.append(done)
    )
    prefix = "2026-02-03_test_ae-2-8-4-1_"
    plots = ["pt_input", "pt_residual", "pt_relative_residual", "pt_response", "phi_input", "phi_residual"]
    names = {f"Jet_{name}{scale}.{kind}" for name in plots for scale in ("", "_log") for kind in ("pdf", "png")}
    names |= {f"residuals.{kind}" for kind in ("csv", "tex", "md")} | {"histograms.json", "histograms.root"}
    assert {path.name for path in written} == {prefix + name for name in names}
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {path.name for path in written}
    for path in written:
        begin = {".pdf": b"%PDF", ".png": b"\x89PNG", ".root": b"root", ".json": b"{"}.get(path.suffix, b"")
        assert path.read_bytes().startswith(begin)
    assert dict(mpl.rcParams) == settings
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_histograms_with_flow_hold_every_object(
    study: filling.Study, values: tuple[dict[str, np.ndarray], ...]
) -> None:
    found, filled = study.found, study.filled
    objects = len(values[0]["pt"])
    assert found.objects == objects
    assert filled.originals["pt"].sum(flow=True) == objects
    assert filled.reconstructed["pt"].sum(flow=True) == objects - 1
    assert found.reconstructed["pt"].nonfinite == 1
    assert filled.residuals["phi", "residual"].sum(flow=True) == objects
    assert filled.residuals["pt", "relative_residual"].sum(flow=True) == objects - 1
    assert filled.pairs["pt", "phi"].sum(flow=True) == objects - 1
    histogram = filled.residuals["pt", "relative_residual"]
    expected = np.histogram(values[1]["pt"] / values[0]["pt"].astype(float) - 1, histogram.axes[0].edges)[0]
    assert np.abs(histogram.values() - expected).sum() <= 2  # numpy's own rounding at edges
    # What is drawn is all of it: the bins and the strips at both ends.
    drawn = sum(histogram.values(flow=True)[part].sum() for part, _ in Span.of([histogram]).parts())
    assert drawn == objects - 1


def test_statistics_are_those_of_numpy(study: filling.Study, values: tuple[dict[str, np.ndarray], ...]) -> None:
    judged = study.found.judged["pt", "relative_residual"]
    original, reconstructed = (columns["pt"].astype(float) for columns in values)
    expected = (reconstructed - original) / original
    expected = expected[np.isfinite(expected)]
    sample = judged.sample
    assert sample.mean == pytest.approx(expected.mean(), rel=1e-9)
    assert sample.rms == pytest.approx(np.sqrt(np.mean(expected**2)), rel=1e-12)
    for q in (0.68, 0.95):
        assert sample.abs_quantile(q) == pytest.approx(np.quantile(np.abs(expected), q), rel=6e-4)
    assert judged.share_beyond == pytest.approx(((np.abs(expected) > 0.02).sum() + 1) / len(original))
    assert judged.broken == 1
    lines = differences.statistics(("pt", "relative_residual"), judged, judged, "%")
    assert lines[1] == f"RMS {100 * np.sqrt(np.mean(expected**2)):.3g} %"
    assert "Not finite: 1" in lines


def test_blocks_do_not_change_the_statistics(study: filling.Study, files: tuple[Path, Path], recipe: Recipe) -> None:
    whole = study_of(*files, recipe).found
    blocks = study.found
    for key, judged in whole.judged.items():
        assert blocks.judged[key].sample.rms == pytest.approx(judged.sample.rms, rel=1e-12)
        assert blocks.judged[key].sample.quantile(0.3) == judged.sample.quantile(0.3)
    np.testing.assert_allclose(blocks.correlation, whole.correlation, atol=1e-12)


def test_angles_wrap(study: filling.Study) -> None:
    sample = study.found.judged["phi", "residual"].sample
    assert max(-sample.min, sample.max) < 0.1


def test_special_values_kept_exactly_are_within_tolerance() -> None:
    column = Column(tolerance=Tolerance(rel=0.02))
    original = np.array([0, np.nan, np.inf, -np.inf, 5, 0, np.nan], np.float32)
    reconstructed = np.array([0, np.nan, np.inf, np.inf, 5, 1, 3], np.float32)
    judged = filling.Judged()
    filling.judge(judged, ("x", "relative_residual"), column, original, reconstructed)
    assert (judged.sample.count, judged.special, judged.broken) == (1, 3, 3)
    assert judged.share_beyond == pytest.approx(3 / 7)


def test_different_objects_in_an_event(
    tmp_path: Path, files: tuple[Path, Path], recipe: Recipe, counts: np.ndarray
) -> None:
    changed = counts.copy()
    changed[217] += 1
    some = np.ones(int(changed.sum()), np.float32)
    other = write(tmp_path / "other.root", changed, {"pt": some, "phi": some})
    with pytest.raises(
        InputError, match=rf"other.root.* has {changed[217]} objects in event 217 .*expected {counts[217]}"
    ):
        plot(files[0], other, recipe, tmp_path / "plots", step=100)
    assert not (tmp_path / "plots").exists()


@pytest.mark.parametrize("events", [350, 400 - 100])
def test_different_number_of_events(
    tmp_path: Path, files: tuple[Path, Path], recipe: Recipe, counts: np.ndarray,
    values: tuple[dict[str, np.ndarray], ...], events: int
) -> None:  # fmt: skip
    objects = int(counts[:events].sum())
    short = write(tmp_path / "short.root", counts[:events], {k: v[:objects] for k, v in values[1].items()})
    with pytest.raises(InputError, match=rf"short.root: ends after {events} events, but .*original.root has more"):
        plot(files[0], short, recipe, tmp_path / "plots", step=100)
    with pytest.raises(InputError, match=rf"short.root: ends after {events} events"):
        plot(short, files[1], recipe, tmp_path / "plots", step=100)


def test_no_objects(tmp_path: Path, recipe: Recipe) -> None:
    empty = np.empty(0, np.float32)
    path = write(tmp_path / "empty.root", np.zeros(5, int), {"pt": empty, "phi": empty})
    with pytest.raises(InputError, match="no objects in 'Jet', so there is nothing to plot"):
        plot(path, path, recipe, tmp_path / "plots")


def test_a_collection_without_objects_is_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    collection = "{columns: {pt: {tolerance: {abs: 1}}}}"
    recipe = Recipe.from_text(f"collections: {{Muon: {collection}, Jet: {collection}}}")
    jets = ak.Array([[1.0], [2.0, 3.0]])
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("Events", {"Jet_pt": jets, "Muon_pt": jets[:, :0]})
    written = plot(tmp_path / "a.root", tmp_path / "a.root", recipe, tmp_path / "plots")
    names = ["Jet_pt_input", "Jet_pt_input_log", "Jet_pt_residual", "Jet_pt_residual_log"]
    assert [path.stem.split("_", 3)[3] for path in written] == names
    assert "Muon: not drawn, the collection has no objects" in caplog.text


def test_few_events_and_exact_values(tmp_path: Path, recipe: Recipe) -> None:
    """Three events, residuals all zero: nothing to scale an axis by."""
    columns = {"pt": np.array([3e4, 5e4, 5e4], np.float32), "phi": np.array([1, 2, 3], np.float32)}
    path = write(tmp_path / "few.root", np.ones(3, int), columns)
    assert len(plot(path, path, recipe, tmp_path / "plots", ["pdf"])) == 12


def test_nothing_finite_is_skipped_with_a_message(
    tmp_path: Path, recipe: Recipe, caplog: pytest.LogCaptureFixture
) -> None:
    good = {"pt": np.array([3e4, 5e4], np.float32), "phi": np.array([1, 2], np.float32)}
    original = write(tmp_path / "a.root", np.ones(2, int), good)
    broken = write(tmp_path / "b.root", np.ones(2, int), good | {"pt": np.full(2, np.nan, np.float32)})
    with caplog.at_level(logging.WARNING):
        written = plot(original, broken, recipe, tmp_path / "plots")
    drawn = [path.stem.split("Jet_")[1] for path in written if not path.stem.endswith("_log")]
    assert drawn == ["pt_input", "phi_input", "phi_residual"]
    assert "Jet_pt_residual: not drawn, no residual is finite" in caplog.text


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{date}_{varaible}", "unknown placeholder {varaible}.*did you mean 'variable'"),
        ("{}_{variable}", "unknown placeholder {}"),
        ("{variable.x}", "unknown placeholder"),
        ("{variable", "malformed pattern"),
        ("{topic}", "two plots the name 'test'"),
        ("a/{variable}", "without folders"),
    ],
)
def test_wrong_patterns(tmp_path: Path, files: tuple[Path, Path], pattern: str, message: str) -> None:
    recipe = Recipe.from_text(RECIPE.replace("topic: test", f"topic: test, name: '{pattern}'"))
    with pytest.raises(RecipeError, match=message):
        plot(*files, recipe, tmp_path / "plots")


def test_wrong_date_and_label(tmp_path: Path, files: tuple[Path, Path], recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="got '3 Feb', expected YYYY-MM-DD"):
        plot(*files, recipe, tmp_path, date="3 Feb")
    with pytest.raises(RecipeError, match="variable 'pt': not valid mathtext"):
        plot(*files, Recipe.from_text(RECIPE.replace("mathrm", "mathrn")), tmp_path)


def test_network_name(recipe: Recipe) -> None:
    assert naming.network_name(recipe.collections["Jet"]) == "ae-2-8-4-1"
    assert naming.network_name(recipe.collections["Jet"], "plain") == "plain"


def test_compressed_and_decompressed_files_give_the_same_plots(
    tmp_path: Path, files: tuple[Path, Path], recipe: Recipe
) -> None:
    """The recipe is the one inside; the network in the file names is the codec that was taken."""
    rdf = pytest.importorskip("aeplugin.rdf")
    rdf.compress(files[0], tmp_path / "c.root", recipe)
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root")
    written = {}
    for name in ("c", "d"):
        arguments = [str(files[0]), str(tmp_path / f"{name}.root"), "-o", str(tmp_path / name), "--date", "2026-02-03"]
        options = ["--format", "png", "--network", "x", "--sections", "variables"]
        result = CliRunner().invoke(main, [*arguments, *options])
        assert result.exit_code == 0, result.output
        written[name] = {path.name: path.read_bytes() for path in (tmp_path / name).glob("*.[!r]*")}
    assert len(written["c"]) == 12 + 3 + 1
    assert written["c"] == written["d"]
    (first, *_) = plot(files[0], tmp_path / "c.root", None, tmp_path / "names")
    assert first.name == "2026-02-03_test_plain_Jet_pt_input.png"
    found = study_of(files[0], tmp_path / "c.root", recipe, step=150).found
    assert found.objects > 0
    assert all(judged.share_beyond == 0 for judged in found.judged.values())


def test_globs_and_exact_columns(tmp_path: Path, files: tuple[Path, Path]) -> None:
    globs = Recipe.from_text("collections: {Jet: {columns: {phi: {tolerance: exact}, '*': {tolerance: {rel: 0.02}}}}}")
    written = plot(*files, globs, tmp_path / "plots")
    assert {path.stem.split("Jet_")[1].split("_")[0] for path in written} == {"pt"}
    exact = Recipe.from_text("columns: {Jet_pt: {tolerance: exact}}")
    with pytest.raises(RecipeError, match="nothing to plot"):
        plot(*files, exact, tmp_path / "plots")


def test_recipe_of_a_decompressed_file(tmp_path: Path, files: tuple[Path, Path]) -> None:
    arguments = [*map(str, files), "-o", str(tmp_path / "plots"), "--format", "png", "--sections", "variables"]
    missing = CliRunner().invoke(main, arguments)
    assert missing.exit_code == 1
    assert "reconstructed.root: there is no recipe inside; give one with --recipe" in missing.stderr
    with uproot.update(files[1]) as file:
        file["aeplugin_recipe"] = RECIPE
    assert recipe_of(files[1]) == Recipe.from_text(RECIPE)
    assert recipe_of(files[0]) is None
    assert other_objects(files[1], "Events") == []
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("17 files")


def test_command(tmp_path: Path, files: tuple[Path, Path]) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    runner = CliRunner()
    arguments = [*map(str, files), "-o", str(tmp_path / "plots"), "--recipe", str(tmp_path / "recipe.yaml")]
    looks = ["--label", "Internal", "--energy", "13.6", "--luminosity", "140", "--style", "cms"]
    result = runner.invoke(main, [*arguments, "--format", "png", "--sections", "variables", *looks])
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert len(list((tmp_path / "plots").glob("*.png"))) == 12
    missing = runner.invoke(main, [str(tmp_path / "no.root"), *arguments[1:]])
    assert missing.exit_code == 1
    assert missing.stderr.startswith("error: ")
    assert missing.stderr.count("\n") == 1
    for wrong in (["--format", "svg"], ["--sections", "everything"], ["--style", "lhcb"]):
        assert runner.invoke(main, [*arguments, *wrong]).exit_code == 2
    odd = runner.invoke(main, arguments[1:])
    assert odd.exit_code == 2
    assert "got 1 file, expected pairs" in odd.stderr


def test_saved_histograms_are_those_of_the_plots(files: tuple[Path, Path], recipe: Recipe, tmp_path: Path) -> None:
    inputs = Inputs([files], recipe)
    *_, as_json, as_root = make_plots(inputs, tmp_path, sections=["variables"], formats=["png"])
    saved = json.loads(as_json.read_text(), object_hook=uhi.io.json.object_hook)
    filled = study_of(*files, recipe).filled
    residual = hist.Hist(saved["Jet_phi_residual/residual"])
    assert residual == filled.residuals["phi", "residual"]
    assert residual.axes[0].tolerance == 0.01
    with uproot.open(as_root) as file:
        contents = file["Jet_phi_residual/residual"].values(flow=True)
        np.testing.assert_array_equal(contents, residual.values(flow=True))
        assert file["Jet_phi_residual/residual"].axis().member("fTitle") == "residual of phi [rad]"
        assert str(file["Jet_phi_residual/residual_tolerance"]) == "0.01"
        assert set(file.keys(cycle=False, filter_classname="TH1*")) == set(saved)


def test_weights(tmp_path: Path, recipe: Recipe, counts: np.ndarray, values: tuple[dict[str, np.ndarray], ...]) -> None:
    weights = RNG.uniform(0.5, 2, len(counts))
    weights[::7] *= -1
    paths = []
    for name, columns in zip("ab", values, strict=True):
        paths.append(tmp_path / f"{name}.root")
        with uproot.recreate(paths[-1]) as file:
            content = {f"Jet_{v}": ak.unflatten(array, counts) for v, array in columns.items()}
            file.mkrntuple("Events", {**content, "weight": weights})
    study = study_of(*paths, recipe, looks={"weight": "weight"}, step=111)
    expected = np.repeat(weights, counts)
    histogram, phi = study.filled.originals["phi"], values[0]["phi"].astype(float)
    contents = np.histogram(phi, histogram.axes[0].edges, weights=expected)[0]
    np.testing.assert_allclose(histogram.values(), contents)
    np.testing.assert_allclose(
        histogram.variances(), np.histogram(phi, histogram.axes[0].edges, weights=expected**2)[0]
    )
    sample = study.found.originals["phi"]
    assert sample.mean == pytest.approx(np.average(phi, weights=expected))
    assert sample.rms == pytest.approx(np.sqrt(np.average(phi**2, weights=expected)))
    order = np.argsort(phi)
    median = phi[order][np.searchsorted(np.maximum.accumulate(np.cumsum(expected[order])), 0.5 * expected.sum())]
    assert sample.quantile(0.5) == pytest.approx(median, rel=1e-3)
    assert plot(*paths, recipe, tmp_path / "plots", looks={"weight": "weight"})
    with pytest.raises(InputError, match="no column 'weihgt' with one weight per event; did you mean 'weight'"):
        plot(*paths, recipe, tmp_path / "plots", looks={"weight": "weihgt"})


def test_columns_outside_collections(tmp_path: Path) -> None:
    """Those with one value per event stand together, lists alone."""
    recipe = Recipe.from_text(
        "columns: {MET_pt: {tolerance: {rel: 0.02}, unit: MeV}, MET_phi: {tolerance: {abs: 0.01}, periodic: true}, "
        "'Aux.x': {tolerance: {abs: 1}}, kept: {tolerance: exact}}"
    )
    columns = {"MET_pt": RNG.lognormal(10, 1, 50), "MET_phi": RNG.uniform(-3, 3, 50), "kept": np.arange(50.0)}
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("Events", dict.fromkeys(columns, "float32") | {"Aux.x": "var * float32"})
        file["Events"].extend(columns | {"Aux.x": ak.unflatten(RNG.normal(0, 9, 100), np.full(50, 2))})
    context = open_inputs(Inputs([(tmp_path / "a.root",) * 2], recipe))
    assert [(group.name, list(group.columns), group.single) for group in context.groups] == [
        ("Event", ["MET_pt", "MET_phi"], True),
        ("Aux_x", ["values"], False),
    ]
    written = plot(tmp_path / "a.root", tmp_path / "a.root", recipe, tmp_path / "plots")
    assert {path.stem.split("plain_")[1] for path in written if "_input" in path.stem and "_log" not in path.stem} == {
        "Event_MET_pt_input", "Event_MET_phi_input", "Aux_x_values_input"
    }  # fmt: skip


@pytest.mark.parametrize("style_name", ["atlas", "cms", "plain"])
def test_labels_of_styles(style_name: str) -> None:
    look = style.Look(style_name, "Internal", 13.6, 140)
    with style.active(look.style):
        figure = style.new_figure(6, 5)
        ax = figure.subplots()
        inside = style.experiment_label(ax, look, extra="plain")
        texts = [text.get_text() for text in figure.findobj(mpl.text.Text)]
    assert any("Internal" in text for text in texts)
    assert any("13.6" in text and "TeV" in text for text in texts)
    assert any("140" in text for text in texts)
    assert any("Internal" in text.get_text() for text in inside) == (style_name != "cms")
    assert dict(mpl.rcParams)["font.size"] == mpl.rcParamsDefault["font.size"]


@pytest.mark.parametrize(
    "name", ["Jet_pt_input", "Jet_phi_input_log", "Jet_phi_residual", "Jet_pt_relative_residual_log", "Jet_pt_response"]
)
@pytest.mark.mpl_image_compare(**PICTURE)
def test_pictures(files: tuple[Path, Path], recipe: Recipe, name: str) -> Figure:
    return drawn(Inputs([files], recipe), name)


@pytest.mark.parametrize("style_name", ["cms", "plain"])
@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture_in_other_styles(files: tuple[Path, Path], recipe: Recipe, style_name: str) -> Figure:
    looks = {"style": style_name, "text": "Preliminary", "energy": 13.6, "luminosity": 59.8}
    return drawn(Inputs([files], recipe, looks=looks), "Jet_pt_input")


def drawn(inputs: Inputs, name: str) -> Figure:
    context, contents = collect(inputs, ["variables"])
    (found,) = (item for item in contents if item.name == name and isinstance(item, Plot))
    with style.active(context.look.style):
        return found.draw()


def test_weights_that_are_none(tmp_path: Path, recipe: Recipe, counts: np.ndarray) -> None:
    objects = int(counts.sum())
    columns = {f"Jet_{name}": ak.unflatten(np.full(objects, 1.5, np.float32), counts) for name in ("pt", "phi")}
    weights = {"zero": np.zeros(len(counts)), "nan": np.where(np.arange(len(counts)) == 7, np.nan, 1.0)}
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("Events", columns | weights)
    pair = tmp_path / "a.root", tmp_path / "a.root"
    with pytest.raises(InputError, match="the weights in 'zero' of all Jet add up to 0; expected a positive sum"):
        plot(*pair, recipe, tmp_path / "plots", looks={"weight": "zero"})
    with pytest.raises(InputError, match="column 'nan': the weight of event 7 is not finite"):
        plot(*pair, recipe, tmp_path / "plots", looks={"weight": "nan"}, step=5)


def test_sentinels_are_no_values(tmp_path: Path) -> None:
    """They neither stretch the axis nor count as residuals; in columns of whole numbers they may not even fit."""
    recipe = Recipe.from_text("collections: {Jet: {columns: {x: {tolerance: {abs: 0.01}, sentinels: [-999]}}}}")
    values = RNG.uniform(0, 1, 400).astype(np.float32)
    values[::10] = -999
    path = write(tmp_path / "a.root", np.full(200, 2), {"x": values})
    study = study_of(path, path, recipe)
    assert study.filled.originals["x"].axes[0].edges[0] > -0.1
    assert study.found.originals["x"].count == 360
    judged = study.found.judged["x", "residual"]
    assert (judged.sample.count, judged.special, judged.broken) == (360, 40, 0)
    column = recipe.collections["Jet"].columns["x"]
    np.testing.assert_array_equal(is_missing(np.array([25, 3], np.uint8), column), False)


def test_data_sets_of_one_name(tmp_path: Path, files: tuple[Path, Path], recipe: Recipe) -> None:
    pairs = []
    for folder, name in (("a", "s"), ("b", "s"), ("c", "s-1")):
        (tmp_path / folder).mkdir()
        pairs.append((tmp_path / folder / f"{name}.root", files[1]))
        pairs[-1][0].write_bytes(files[0].read_bytes())
    names = [pair.name for pair in open_inputs(Inputs(pairs, recipe)).pairs]
    assert names == ["s-1", "s-2", "s-1-2"]


def test_a_dollar_in_a_name_is_told(files: tuple[Path, Path], recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no valid mathtext"):
        plot(*files, recipe, tmp_path / "plots", looks={"text": "$x_{$"})
