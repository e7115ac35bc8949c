"""Summaries: means, widths and their errors against numpy and toys; kinds, data sets and composition."""

from __future__ import annotations

import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import stats

from aeplugin.plots import naming
from aeplugin.plots.drawing import style
from aeplugin.plots.inputs import Context, Inputs, open_inputs
from aeplugin.plots.plot import Plot, Table
from aeplugin.plots.summaries import summary_plots
from aeplugin.plots.summaries.composition import Composition, Counts, draw_composition
from aeplugin.plots.summaries.resolutions import by_dataset, by_kind
from aeplugin.plots.summaries.spreads import Estimate, Spread
from aeplugin.recipe import Recipe
from pictures import PICTURE
from residual_toys import Columns, jets, write

RECIPE = r"""
collections:
  Object:
    columns:
      pt:  {tolerance: {rel: 0.02}, transform: log10, unit: MeV, label: '$p_\mathrm{T}$'}
      eta: {tolerance: {abs: 0.01}, label: '$\eta$', sentinels: [-999]}
      phi: {tolerance: {abs: 0.01}, unit: rad, periodic: true, label: '$\phi$'}
"""
EVENTS = 800
CODES = {"jet (j)": 0, "b-jet (b)": 1, "photon (g)": 6}


def of_kinds(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, Columns, Columns]:
    """Objects per event, weights of events, kinds of objects, and the objects before and after."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(4, EVENTS)
    original, moved = jets(int(counts.sum()), seed)
    kinds = rng.choice([0, 1, 6], int(counts.sum()), p=[0.7, 0.27, 0.03]).astype(np.int32)
    return counts, rng.normal(1, 0.4, EVENTS), kinds, original, moved


def open_sets(
    folder: Path, seeds: dict[str, int], recipe: str = RECIPE, *, weighted: bool = False, flat: bool = False
) -> Context:
    """A context of data sets with the objects that `of_kinds` makes of seeds; `flat`: moved within the tolerances."""
    pairs = []
    for name, seed in seeds.items():
        counts, weights, kinds, original, moved = of_kinds(seed)
        if flat:
            moved = flatly_moved(original, seed)
        pairs.append(
            tuple(
                write(folder / side / f"{name}.root", counts, {"Object": {**columns, "kind": kinds}}, {"w": weights})
                for side, columns in (("before", original), ("after", moved))
            )
        )
    looks = {"weight": "w"} if weighted else {}
    return open_inputs(Inputs(pairs, recipe=Recipe.from_text(recipe), looks=looks, step=150))


def flatly_moved(original: Columns, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    step = {name: rng.uniform(-1, 1, len(values)) for name, values in original.items()}
    return {
        "pt": (original["pt"] * (1 + 0.02 * step["pt"])).astype(np.float32),
        "eta": (original["eta"] + 0.01 * step["eta"]).astype(np.float32),
        "phi": (original["phi"] + 0.01 * step["phi"]).astype(np.float32),
    }


def summaries(context: Context) -> tuple[dict[str, Plot], dict[str, Table]]:
    items = list(summary_plots(context))
    naming.check_unique([item.name for item in items], "{variable}")
    plots = {item.name: item for item in items if isinstance(item, Plot)}
    return plots, {item.name: item for item in items if isinstance(item, Table)}


def draw(plot: Plot, looks: str = "atlas") -> Figure:
    with style.active(looks):
        figure = plot.draw()
        assert figure is not None
        figure.canvas.draw()
    return figure


def rows(table: Table, *keys: str) -> dict[tuple[object, ...], dict[str, Any]]:
    """Rows as dictionaries, by some of their columns."""
    named = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return {tuple(row[key] for key in keys): row for row in named}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return open_sets(tmp_path_factory.mktemp("two"), {"ttbar": 1, "zz": 2})


def spread_of(values: np.ndarray, weights: np.ndarray | None = None, parts: int = 1) -> Spread:
    spread = Spread()
    for part in np.array_split(np.arange(len(values)), parts):
        spread.update(values[part], None if weights is None else weights[part])
    return spread


@pytest.mark.parametrize("parts", [1, 4, 97])
def test_moments_are_those_of_scipy(parts: int) -> None:
    values = np.random.default_rng(1).gamma(2, 3, 3000) + 1e3
    values[5] = np.nan
    spread = spread_of(values, parts=parts)
    finite = np.delete(values, 5)
    assert spread.mean.value == pytest.approx(finite.mean(), rel=1e-13)
    assert spread.mean.error == pytest.approx(stats.sem(finite, ddof=0), rel=1e-9)
    assert spread.rms.value == pytest.approx(finite.std(), rel=1e-10)
    fourth = stats.moment(finite, 4)
    n = len(finite)
    variance = (fourth - finite.var() ** 2 * (n - 3) / (n - 1)) / n
    assert spread.rms.error == pytest.approx(np.sqrt(variance) / (2 * finite.std()), rel=1e-6)
    assert spread.iqr.value == pytest.approx(stats.iqr(finite) / 1.349, rel=0.1)


def test_weighted_moments() -> None:
    rng = np.random.default_rng(2)
    values, weights = rng.normal(3, 2, 5000), rng.normal(1, 0.7, 5000)
    spread = spread_of(values, weights, parts=6)
    mean = np.average(values, weights=weights)
    assert spread.mean.value == pytest.approx(mean)
    assert spread.rms.value == pytest.approx(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
    assert spread.entries == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert spread.mean.error == pytest.approx(spread.rms.value / np.sqrt(spread.entries))
    fourth = np.average((values - mean) ** 4, weights=weights) / spread.rms.value**4
    expected = spread.rms.value * np.sqrt((fourth - 1) / spread.entries) / 2
    assert spread.rms.error == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("shape", ["normal", "uniform", "student"])
def test_errors_are_how_toys_scatter(shape: str) -> None:
    rng = np.random.default_rng(3)
    draws = {
        "normal": lambda: rng.normal(0, 1, 500),
        "uniform": lambda: rng.uniform(-1, 1, 500),
        "student": lambda: rng.standard_t(10, 500),
    }
    names = ("mean", "rms", "iqr", "half_width")
    found = [[getattr(spread_of(draws[shape]()), name) for name in names] for _ in range(250)]
    values = np.array([[estimate.value for estimate in toy] for toy in found])
    errors = np.array([[estimate.error for estimate in toy] for toy in found])
    # 250 toys know their scatter to 4.5 %.
    np.testing.assert_allclose(errors.mean(axis=0) / values.std(axis=0), 1, atol=0.2)


def test_few_entries() -> None:
    assert np.isnan(Spread().mean.value)
    one = spread_of(np.array([0.5]))
    assert (one.mean.value, one.rms.value) == (0.5, 0)
    assert np.isnan([one.mean.error, one.rms.error, one.iqr.error, one.half_width.error]).all()
    same = spread_of(np.zeros(9))
    assert same.rms == Estimate(0, 0)
    assert same.iqr == Estimate(0, 0)
    cancelled = spread_of(np.array([1.0, 2.0]), np.array([1.0, -1.0]))
    assert np.isnan(cancelled.mean.value)


def test_quotients_have_errors() -> None:
    quotient = Estimate(3, 0.3).over(Estimate(2, 0.1))
    assert quotient.value == 1.5
    assert quotient.error == pytest.approx(1.5 * np.hypot(0.1, 0.05))
    assert np.isnan(Estimate(1, 1).over(Estimate(0, 1)).value)


def test_widths_by_kind(two: Context) -> None:
    _, tables = summaries(two)
    found = rows(tables["summary_by_kind"], "variable", "kind of object")
    _, _, kinds, original, moved = of_kinds(1)
    assert [key[1] for key in found if key[0] == "pt"] == ["jet (j)", "b-jet (b)", "photon (g)"]  # commonest first
    for label, code in CODES.items():
        chosen = kinds == code
        relative = moved["pt"][chosen].astype(float) / original["pt"][chosen] - 1
        row = found["pt", label]
        assert row["objects"] == chosen.sum()
        assert row["residual"] == "relative"
        assert row["mean"] == pytest.approx(relative.mean(), rel=1e-9)
        response = 1 + relative
        assert row["RMS"] == pytest.approx(response.std() / response.mean(), rel=1e-9)
        assert row["68 %"] == pytest.approx(np.quantile(np.abs(relative), 0.68) / response.mean(), rel=2e-3)
        assert row["IQR / 1.349"] == pytest.approx(stats.iqr(relative) / 1.349 / response.mean(), rel=2e-3)
        absolute = moved["eta"][chosen].astype(float) - original["eta"][chosen]
        row = found["eta", label]
        assert row["RMS"] == pytest.approx(absolute.std(), rel=1e-9)
        assert row["± RMS"] == pytest.approx(absolute.std() / np.sqrt(2 * chosen.sum()), rel=0.4)


def test_fitted_widths(two: Context) -> None:
    _, tables = summaries(two)
    found = rows(tables["summary_by_kind"], "variable", "kind of object")
    row = found["phi", "jet (j)"]
    assert abs(row["fitted sigma"] - 0.003) < 4 * row["± fitted sigma"]
    assert row["± fitted sigma"] < 0.0002
    # pt is 0.005 of a Student distribution with 4 degrees of freedom, whose core is like that of a normal one.
    assert found["pt", "jet (j)"]["fitted sigma"] == pytest.approx(0.005, rel=0.1)
    # All kinds are fitted with one shape, since sigma means something else in each.
    assert len({row["fit"] for (variable, _), row in found.items() if variable == "pt"}) == 1


def test_weights(tmp_path: Path) -> None:
    context = open_sets(tmp_path, {"ttbar": 1, "zz": 2}, weighted=True)
    plots, tables = summaries(context)
    counts, weights, kinds, original, moved = of_kinds(2)
    each = np.repeat(weights, counts)
    step = moved["eta"].astype(float) - original["eta"]
    row = rows(tables["summary_by_dataset"], "variable", "data set")["Object eta", "zz"]
    mean = np.average(step, weights=each)
    assert row["mean"] == pytest.approx(mean, rel=1e-9)
    assert row["RMS"] == pytest.approx(np.sqrt(np.average((step - mean) ** 2, weights=each)), rel=1e-9)
    assert row["objects"] == len(step)
    histogram = plots["summary_Object_eta_by_dataset"].histograms["zz"]
    assert histogram.sum(flow=True).value == pytest.approx(each.sum())
    shares = rows(tables["composition_shares"], "data set")["zz",]
    assert shares["objects"] == len(step)
    assert shares["jet (j) [%]"] == pytest.approx(100 * each[kinds == 0].sum() / each.sum())
    saved = plots["composition"].histograms["objects"]
    index = list(saved.axes[0]).index("zz"), list(saved.axes[1]).index("photon (g)")
    assert saved.view()[index]["value"] == pytest.approx(each[kinds == 6].sum())
    assert saved.view()[index]["variance"] == pytest.approx((each[kinds == 6] ** 2).sum())


def test_blocks_do_not_matter(two: Context, tmp_path: Path) -> None:
    pairs = [(pair.original, pair.reconstructed) for pair in two.pairs]
    whole = open_inputs(Inputs(pairs, recipe=Recipe.from_text(RECIPE)))
    for one, other in zip(by_kind(two), by_kind(whole), strict=True):
        for name, found in one.categories.items():
            assert found.widths["rms"].value == pytest.approx(other.categories[name].widths["rms"].value, rel=1e-12)
            assert found.widths["rms"].error == pytest.approx(other.categories[name].widths["rms"].error, rel=1e-9)
            assert (found.histogram.values(flow=True) == other.categories[name].histogram.values(flow=True)).all()


def test_a_flat_residual_has_no_fit_in_any_kind(tmp_path: Path) -> None:
    """Of a few photons a flat distribution may pass for a peak, but the many jets tell."""
    context = open_sets(tmp_path, {"ttbar": 1}, flat=True)
    _, tables = summaries(context)
    found = rows(tables["summary_by_kind"], "variable", "kind of object")
    assert len(found) == 9
    for row in found.values():
        assert row["fitted sigma"] is None
        assert row["fit"] == ""
        assert row["chi2 / ndf"] is None
    assert found["eta", "jet (j)"]["RMS"] == pytest.approx(0.01 / np.sqrt(3), rel=0.05)


def test_one_data_set_has_no_summary_by_data_set(tmp_path: Path) -> None:
    plots, tables = summaries(open_sets(tmp_path, {"ttbar": 1}))
    assert set(tables) == {"summary_by_kind", "composition_shares"}
    assert {"summary_pt_by_kind", "summary_eta_by_kind", "summary_phi_by_kind", "composition"} == set(plots)


def test_sentinels_are_no_residuals(tmp_path: Path) -> None:
    counts, _, kinds, original, moved = of_kinds(1)
    for side in (original, moved):
        side["eta"][::2] = -999
    paths = [
        write(tmp_path / side / "a.root", counts, {"Object": {**columns, "kind": kinds}})
        for side, columns in (("before", original), ("after", moved))
    ]
    context = open_inputs(Inputs([(paths[0], paths[1])], recipe=Recipe.from_text(RECIPE)))
    (subject,) = (subject for subject in by_kind(context) if subject.variable == "eta")
    chosen = (kinds == 0) & (original["eta"] != -999)
    found = subject.categories["jet (j)"]
    assert found.objects == chosen.sum()
    step = moved["eta"][chosen].astype(float) - original["eta"][chosen]
    assert found.widths["rms"].value == pytest.approx(step.std(), rel=1e-9)


def of_collections(folder: Path, recipe: str, names: tuple[str, ...], exact: tuple[str, ...] = ()) -> Context:
    """A file with several collections, some of which do not move."""
    counts = np.random.default_rng(4).poisson(3, EVENTS)
    sides: dict[str, dict[str, Columns]] = {"before": {}, "after": {}}
    for i, name in enumerate(names):
        original, moved = jets(int(counts.sum()), seed=i + 5)
        sides["before"][name], sides["after"][name] = original, original if name in exact else moved
    paths = [write(folder / side / "a.root", counts, collections) for side, collections in sides.items()]
    return open_inputs(Inputs([(paths[0], paths[1])], recipe=Recipe.from_text(recipe)))


COLUMNS = RECIPE[RECIPE.index("    columns") :]


def test_kinds_that_are_kept_exactly(tmp_path: Path) -> None:
    recipe = f"collections:\n  Jet:\n{COLUMNS}  Muon:\n{COLUMNS}  Electron:\n{COLUMNS}"
    context = of_collections(tmp_path, recipe, ("Jet", "Muon", "Electron"), exact=("Muon",))
    plots, tables = summaries(context)
    found = rows(tables["summary_by_kind"], "variable", "kind of object")
    assert {kind for _, kind in found} == {"Jet", "Electron"}
    assert "Kept exactly: Muon." in plots["summary_pt_by_kind"].caption
    texts = [text.get_text() for text in draw(plots["summary_pt_by_kind"]).texts]
    assert any("kept exactly: Muon" in text for text in texts)
    # Composition counts all of them.
    assert "Muon [%]" in tables["composition_shares"].columns


def test_collections_where_there_are_no_kinds(tmp_path: Path) -> None:
    columns = "    columns: {pt: {tolerance: {rel: 0.02}}}\n"
    recipe = f"collections:\n  Jet:\n{columns}  Muon:\n{columns}"
    counts = np.random.default_rng(4).poisson(3, EVENTS)
    sides: dict[str, dict[str, Columns]] = {"before": {}, "after": {}}
    for i, name in enumerate(("Jet", "Muon")):
        for side, values in zip(sides, jets(int(counts.sum()), seed=i + 5), strict=True):
            sides[side][name] = {"pt": values["pt"]}
    paths = [write(tmp_path / side / "a.root", counts, collections) for side, collections in sides.items()]
    plots, tables = summaries(open_inputs(Inputs([(paths[0], paths[1])], recipe=Recipe.from_text(recipe))))
    assert set(plots) == {"summary_pt_by_kind"}
    assert {row[3] for row in tables["summary_by_kind"].rows} == {"Jet", "Muon"}


def test_nothing_to_compare(tmp_path: Path) -> None:
    recipe = f"collections:\n  Jet:\n{COLUMNS}"
    assert summaries(of_collections(tmp_path, recipe, ("Jet",))) == ({}, {})


def test_a_data_set_without_the_columns(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    counts, _, kinds, original, moved = of_kinds(1)
    pairs = []
    for name in ("a", "b", "c"):
        columns = [v for v in ("pt", "eta", "phi") if name != "b" or v != "phi"]
        pairs.append(
            tuple(
                write(
                    tmp_path / side / f"{name}.root",
                    counts,
                    {"Object": {v: values[v] for v in columns} | {"kind": kinds}},
                )
                for side, values in (("before", original), ("after", moved))
            )
        )
    context = open_inputs(Inputs(pairs, recipe=Recipe.from_text(RECIPE)))
    with caplog.at_level(logging.WARNING):
        subjects = by_dataset(context)
    assert all(list(subject.categories) == ["a", "c"] for subject in subjects)
    assert "b: left out of Object, it lacks columns of it" in caplog.text


def test_composition(two: Context) -> None:
    plots, tables = summaries(two)
    found = rows(tables["composition_shares"], "data set")
    for name, seed in (("ttbar", 1), ("zz", 2)):
        kinds = of_kinds(seed)[2]
        row = found[name,]
        assert (row["events"], row["objects"]) == (EVENTS, len(kinds))
        for label, code in CODES.items():
            assert row[f"{label} [%]"] == pytest.approx(100 * (kinds == code).mean())
    saved = plots["composition"].histograms["objects"]
    assert list(saved.axes[0]) == ["ttbar", "zz"]
    assert list(saved.axes[1]) == ["jet (j)", "b-jet (b)", "photon (g)"]
    assert saved.values().sum() == sum(len(of_kinds(seed)[2]) for seed in (1, 2))


@pytest.mark.parametrize("looks", ["atlas", "cms", "plain"])
def test_shares_stand_within_their_parts(looks: str) -> None:
    """Many kinds and long names: no number is wider than its part of the bar, and the rarest kinds are others."""
    rng = np.random.default_rng(5)
    kinds = [f"AnalysisCollectionOfObjects{i}" for i in range(14)]
    names = [f"user.name.mc23_13p6TeV.{i}.PhPy8EG_A14_ttbar_hdamp258p75_nonallhad" for i in range(7)]
    counts = {}
    for name in names:
        numbers = (1000 / np.arange(1, 15) ** 2 * rng.uniform(0.5, 2, 14)).astype(int)
        counts[name] = {kind: Counts(int(n), float(n), float(n)) for kind, n in zip(kinds, numbers, strict=True)}
    found = Composition(dict.fromkeys(names, 100), counts)
    caption = style.Caption(style.Look(looks, "Simulation", 13), "Objects", "plain")
    with style.active(looks):
        figure = draw_composition(found, caption)
        (ax,) = figure.axes
        renderer = figure.canvas.get_renderer()
        labels = [text.get_window_extent(renderer) for text in ax.texts]
        bars = [bar.get_window_extent(renderer) for bar in ax.patches]
        ticks = [tick.get_window_extent(renderer) for tick in ax.get_yticklabels()]
    assert len(labels) >= len(names)
    for label in labels:
        assert any(bar.x0 <= label.x0 and label.x1 <= bar.x1 and bar.y0 < label.y0 < bar.y1 for bar in bars)
    assert all(tick.x0 > 0 for tick in ticks)
    assert all(upper.y0 > lower.y1 for upper, lower in pairwise(ticks))
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()][-1] == "others"
    assert legend.get_window_extent(renderer).x1 < figure.bbox.x1
    widths = np.array([bar.get_width() for bar in ax.patches]).reshape(-1, len(names))
    np.testing.assert_allclose(widths.sum(axis=0), 100)


@pytest.mark.parametrize("looks", ["atlas", "cms", "plain"])
def test_every_picture_in_every_style(two: Context, looks: str) -> None:
    plots, _ = summaries(two)
    for plot in plots.values():
        figure = draw(plot, looks)
        renderer = figure.canvas.get_renderer()
        for ax in figure.axes:
            box = ax.get_tightbbox(renderer)
            assert box.x0 >= 0
            assert box.y0 >= 0
            assert box.x1 <= figure.bbox.x1


@pytest.mark.parametrize("name", ["summary_pt_by_kind", "summary_Object_eta_by_dataset", "composition"])
@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture(name: str, two: Context) -> Figure:
    return draw(summaries(two)[0][name])
