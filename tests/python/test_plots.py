"""Plots: file names, contents with flow, statistics, and what is refused."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import awkward as ak
import matplotlib as mpl
import numpy as np
import pytest
import uproot
from click.testing import CliRunner

from aeplugin.errors import InputError, RecipeError
from aeplugin.files import recipe_of
from aeplugin.plots import differences, filling, make_plots, naming
from aeplugin.plots.__main__ import main
from aeplugin.plots.binning import residual_bins, value_bins
from aeplugin.plots.panels import Span
from aeplugin.readers import other_objects
from aeplugin.recipe import Column, Recipe, Tolerance
from aeplugin.statistics import Correlation, Sample

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
    return RNG.poisson(3, 400)


@pytest.fixture
def values(counts: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Original and reconstructed columns; the angle crosses +-pi, and one value becomes NaN."""
    objects = int(counts.sum())
    pt = RNG.lognormal(11, 0.8, objects).astype(np.float32)
    phi = RNG.uniform(-np.pi, np.pi, objects).astype(np.float32)
    phi[0] = 3.1410
    moved = (phi + 0.004 * RNG.normal(size=objects)).astype(np.float32)
    moved[0] = -3.1412
    smeared = (pt * (1 + 0.01 * RNG.standard_t(3, objects))).astype(np.float32)
    smeared[7] = np.nan
    return {"pt": pt, "phi": phi}, {"pt": smeared, "phi": moved}


@pytest.fixture
def files(tmp_path: Path, counts: np.ndarray, values: tuple[dict[str, np.ndarray], ...]) -> tuple[Path, Path]:
    names = "original.root", "reconstructed.root"
    return tuple(write(tmp_path / name, counts, columns) for name, columns in zip(names, values, strict=True))


@pytest.fixture
def source(files: tuple[Path, Path], recipe: Recipe) -> filling.Source:
    return filling.Source(*files, "Jet", recipe.collections["Jet"], step=150)


def test_writes_each_plot_in_both_formats(files: tuple[Path, Path], recipe: Recipe, tmp_path: Path) -> None:
    settings = dict(mpl.rcParams)
    seen = []
    written = make_plots(
        *files, recipe, tmp_path / "plots", date="2026-02-03", progress=lambda what, done: seen.append(done)
    )
    plots = ["pt_input", "pt_residual", "pt_relative_residual", "pt_response", "phi_input", "phi_residual"]
    stems = [f"2026-02-03_test_ae-2-8-4-1_Jet_{plot}" for plot in [*plots, "residual_corner"]]
    assert {path.name for path in written} == {f"{stem}.{kind}" for stem in stems for kind in ("pdf", "png")}
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {path.name for path in written}
    for path in written:
        assert path.read_bytes().startswith(b"%PDF" if path.suffix == ".pdf" else b"\x89PNG")
    assert dict(mpl.rcParams) == settings
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_histograms_with_flow_hold_every_object(
    source: filling.Source, values: tuple[dict[str, np.ndarray], ...]
) -> None:
    found = filling.survey(source)
    filled = filling.fill(source, found)
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


def test_statistics_are_those_of_numpy(source: filling.Source, values: tuple[dict[str, np.ndarray], ...]) -> None:
    judged = filling.survey(source).judged["pt", "relative_residual"]
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
    lines = differences.statistics(judged, judged, "%")
    assert lines[1] == f"RMS {100 * np.sqrt(np.mean(expected**2)):.3g} %"
    assert "Not finite: 1" in lines


def test_blocks_do_not_change_the_statistics(source: filling.Source, files: tuple[Path, Path]) -> None:
    whole = filling.survey(filling.Source(*files, source.name, source.collection))
    blocks = filling.survey(source)
    for key, judged in whole.judged.items():
        assert blocks.judged[key].sample.rms == pytest.approx(judged.sample.rms, rel=1e-12)
        assert blocks.judged[key].sample.quantile(0.3) == judged.sample.quantile(0.3)
    np.testing.assert_allclose(blocks.correlation, whole.correlation, atol=1e-12)


def test_angles_wrap(source: filling.Source) -> None:
    sample = filling.survey(source).judged["phi", "residual"].sample
    assert max(-sample.min, sample.max) < 0.1


def test_special_values_kept_exactly_are_within_tolerance() -> None:
    column = Column(tolerance=Tolerance(rel=0.02))
    original = np.array([0, np.nan, np.inf, -np.inf, 5, 0, np.nan], np.float32)
    reconstructed = np.array([0, np.nan, np.inf, np.inf, 5, 1, 3], np.float32)
    judged = filling.Judged()
    filling._judge(judged, ("x", "relative_residual"), column, original, reconstructed)
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
        make_plots(files[0], other, recipe, tmp_path / "plots", step=100)
    assert not (tmp_path / "plots").exists()


@pytest.mark.parametrize("events", [350, 400 - 100])
def test_different_number_of_events(
    tmp_path: Path, files: tuple[Path, Path], recipe: Recipe, counts: np.ndarray,
    values: tuple[dict[str, np.ndarray], ...], events: int
) -> None:  # fmt: skip
    objects = int(counts[:events].sum())
    short = write(tmp_path / "short.root", counts[:events], {k: v[:objects] for k, v in values[1].items()})
    with pytest.raises(InputError, match=rf"short.root: ends after {events} events, but .*original.root has more"):
        make_plots(files[0], short, recipe, tmp_path / "plots", step=100)
    with pytest.raises(InputError, match=rf"short.root: ends after {events} events"):
        make_plots(short, files[1], recipe, tmp_path / "plots", step=100)


def test_no_objects(tmp_path: Path, recipe: Recipe) -> None:
    empty = np.empty(0, np.float32)
    path = write(tmp_path / "empty.root", np.zeros(5, int), {"pt": empty, "phi": empty})
    with pytest.raises(InputError, match="no objects in 'Jet', so there is nothing to plot"):
        make_plots(path, path, recipe, tmp_path / "plots")


def test_a_collection_without_objects_is_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    collection = "{columns: {pt: {tolerance: {abs: 1}}}}"
    recipe = Recipe.from_text(f"collections: {{Muon: {collection}, Jet: {collection}}}")
    jets = ak.Array([[1.0], [2.0, 3.0]])
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("Events", {"Jet_pt": jets, "Muon_pt": jets[:, :0]})
    written = make_plots(tmp_path / "a.root", tmp_path / "a.root", recipe, tmp_path / "plots", formats=["png"])
    assert [path.stem.split("_", 3)[3] for path in written] == ["Jet_pt_input", "Jet_pt_residual"]
    assert "Muon: not drawn, the collection has no objects" in caplog.text


def test_few_events_and_exact_values(tmp_path: Path, recipe: Recipe) -> None:
    """Three events, residuals all zero: nothing to scale an axis by."""
    columns = {"pt": np.array([3e4, 5e4, 5e4], np.float32), "phi": np.array([1, 2, 3], np.float32)}
    path = write(tmp_path / "few.root", np.ones(3, int), columns)
    assert len(make_plots(path, path, recipe, tmp_path / "plots", formats=["pdf"])) == 7


def test_nothing_finite_is_skipped_with_a_message(
    tmp_path: Path, recipe: Recipe, caplog: pytest.LogCaptureFixture
) -> None:
    good = {"pt": np.array([3e4, 5e4], np.float32), "phi": np.array([1, 2], np.float32)}
    original = write(tmp_path / "a.root", np.ones(2, int), good)
    broken = write(tmp_path / "b.root", np.ones(2, int), good | {"pt": np.full(2, np.nan, np.float32)})
    with caplog.at_level(logging.WARNING):
        written = make_plots(original, broken, recipe, tmp_path / "plots", formats=["png"])
    assert [path.stem.split("Jet_")[1] for path in written] == ["pt_input", "phi_input", "phi_residual"]
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
        make_plots(*files, recipe, tmp_path / "plots")


def test_wrong_date_and_label(tmp_path: Path, files: tuple[Path, Path], recipe: Recipe) -> None:
    with pytest.raises(RecipeError, match="got '3 Feb', expected YYYY-MM-DD"):
        make_plots(*files, recipe, tmp_path, date="3 Feb")
    with pytest.raises(RecipeError, match="variable 'pt': not valid mathtext"):
        make_plots(*files, Recipe.from_text(RECIPE.replace("mathrm", "mathrn")), tmp_path)


def test_network_name(recipe: Recipe) -> None:
    assert naming.network_name(recipe.collections["Jet"]) == "ae-2-8-4-1"
    assert naming.network_name(recipe.collections["Jet"], "plain") == "plain"


def test_quantiles_of_either_sign_and_any_size() -> None:
    values = np.concatenate([-RNG.lognormal(0, 5, 500), np.zeros(20), RNG.lognormal(3, 5, 700), [np.nan, np.inf]])
    sample = Sample()
    for part in np.array_split(values, 3):
        sample.update(part)
    finite = values[np.isfinite(values)]
    assert (sample.count, sample.nonfinite) == (1220, 2)
    assert (sample.min, sample.max) == (finite.min(), finite.max())
    for q in (0, 0.01, 0.3, 0.41, 0.6, 0.99, 1):
        assert sample.quantile(q) == pytest.approx(np.quantile(finite, q, method="linear"), rel=1.1e-3)
    assert sample.quantile(0.5, positive=True) == pytest.approx(np.quantile(finite[finite > 0], 0.5), rel=1.1e-3)
    assert math.isnan(Sample().quantile(0.5))


def test_correlation_is_that_of_numpy() -> None:
    rows = RNG.normal(size=(500, 3)) @ RNG.normal(size=(3, 3)) + 1e4
    correlation = Correlation(3)
    for part in np.array_split(rows, 4):
        correlation.update(part)
    np.testing.assert_allclose(correlation.matrix(), np.corrcoef(rows.T), atol=1e-9)


def test_bins_are_round_and_leave_outliers_to_the_flow() -> None:
    sample = Sample()
    sample.update(np.append(RNG.uniform(0, 1, 5000), [1e6, -1e6]))
    edges = value_bins(sample, Column(tolerance=Tolerance(abs=0.1))).edges
    assert edges[0] == pytest.approx(0, abs=0.05)
    assert edges[-1] == pytest.approx(1, abs=0.05)
    whole = Sample()
    whole.update(RNG.poisson(3, 1000).astype(float))
    np.testing.assert_array_equal(np.diff(value_bins(whole, Column(tolerance=Tolerance(abs=0.1))).edges), 1)
    angles = Sample()
    angles.update(np.array([-np.pi, np.pi], np.float32))
    turn = value_bins(angles, Column(tolerance=Tolerance(abs=0.1), periodic=True)).edges
    assert turn[0] < -np.float32(np.pi)
    assert turn[-1] > np.float32(np.pi)


def test_tolerance_lies_on_an_edge_and_zero_within_a_bin() -> None:
    sample = Sample()
    sample.update(RNG.normal(0, 0.01, 5000))
    edges = residual_bins(sample, 0.02).edges
    assert np.abs(edges - 0.02).min() < 1e-12
    assert np.abs(edges).min() > 1e-4
    np.testing.assert_allclose(edges, -edges[::-1])


def test_compressed_and_decompressed_files_give_the_same_plots(
    tmp_path: Path, files: tuple[Path, Path], recipe: Recipe
) -> None:
    """The recipe is the one inside; the network in the file names is the codec that was taken."""
    from aeplugin import rdf

    rdf.compress(files[0], tmp_path / "c.root", recipe)
    rdf.decompress(tmp_path / "c.root", tmp_path / "d.root")
    written = {}
    for name in ("c", "d"):
        arguments = [str(files[0]), str(tmp_path / f"{name}.root"), "-o", str(tmp_path / name), "--date", "2026-02-03"]
        result = CliRunner().invoke(main, [*arguments, "--format", "png", "--network", "x"])
        assert result.exit_code == 0, result.output
        written[name] = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
    assert len(written["c"]) == 7
    assert written["c"] == written["d"]
    (first, *_) = make_plots(files[0], tmp_path / "c.root", None, tmp_path / "names", date="2026-02-03")
    assert first.name == "2026-02-03_test_plain_Jet_pt_input.pdf"
    source = filling.Source(files[0], tmp_path / "c.root", "Jet", recipe.collections["Jet"], step=150)
    found = filling.survey(source)
    assert found.objects > 0
    assert all(judged.share_beyond == 0 for judged in found.judged.values())


def test_globs_and_exact_columns(tmp_path: Path, files: tuple[Path, Path]) -> None:
    globs = Recipe.from_text("collections: {Jet: {columns: {phi: {tolerance: exact}, '*': {tolerance: {rel: 0.02}}}}}")
    written = make_plots(*files, globs, tmp_path / "plots", formats=["png"], date="2026-02-03")
    assert {path.stem.split("Jet_")[1].split("_")[0] for path in written} == {"pt"}
    exact = Recipe.from_text("columns: {Jet_pt: {tolerance: exact}}")
    with pytest.raises(RecipeError, match="nothing to plot"):
        make_plots(*files, exact, tmp_path / "plots")


def test_recipe_of_a_decompressed_file(tmp_path: Path, files: tuple[Path, Path]) -> None:
    arguments = [*map(str, files), "-o", str(tmp_path / "plots"), "--format", "png"]
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
    assert result.stdout.startswith("7 files")


def test_command(tmp_path: Path, files: tuple[Path, Path]) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    runner = CliRunner()
    arguments = [*map(str, files), "-o", str(tmp_path / "plots"), "--recipe", str(tmp_path / "recipe.yaml")]
    result = runner.invoke(main, [*arguments, "--format", "png", "--label", "Internal", "--energy", "13.6"])
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert len(list((tmp_path / "plots").glob("*.png"))) == 7
    missing = runner.invoke(main, [str(tmp_path / "no.root"), *arguments[1:]])
    assert missing.exit_code == 1
    assert missing.stderr.startswith("error: ")
    assert missing.stderr.count("\n") == 1
    assert runner.invoke(main, [*arguments, "--format", "svg"]).exit_code == 2
