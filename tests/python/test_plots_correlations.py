"""Correlations: matrices, contours and profiles against numpy; what is left out; and what the pictures look like."""

from __future__ import annotations

import logging
from itertools import pairwise
from pathlib import Path

import hist
import numpy as np
import pytest
from matplotlib.figure import Figure

from aeplugin.plots.correlations import contours, correlation_plots, matrices, profiles, widest
from aeplugin.plots.correlations.relations import relate
from aeplugin.plots.drawing import headings, labels, style
from aeplugin.plots.inputs import Context
from aeplugin.plots.plot import Plot
from aeplugin.statistics import Correlation
from pictures import PICTURE
from residual_toys import RECIPE, jets, open_pair

EVENTS = 500
COUNTS = np.random.default_rng(0).poisson(4, EVENTS)
OBJECTS = int(COUNTS.sum())


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return open_pair(tmp_path_factory.mktemp("toy"), COUNTS, *jets(OBJECTS))


@pytest.fixture(scope="module")
def plots(context: Context) -> dict[str, Plot]:
    return {plot.name: plot for plot in correlation_plots(context) if isinstance(plot, Plot)}


def draw(plot: Plot, looks: str = "atlas") -> Figure:
    with style.active(looks):
        figure = plot.draw()
        assert figure is not None
        figure.canvas.draw()
    return figure


def covariance_to_correlation(covariance: np.ndarray) -> np.ndarray:
    widths = np.sqrt(np.diag(covariance))
    return covariance / np.outer(widths, widths)


def test_weighted_correlation_is_that_of_numpy() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(600, 4)) @ rng.normal(size=(4, 4)) + 1e4
    weights = rng.exponential(1, 600)
    correlation = Correlation(4)
    for part in np.array_split(np.arange(600), 5):
        correlation.update(rows[part], weights[part])
    expected = covariance_to_correlation(np.cov(rows.T, aweights=weights))
    np.testing.assert_allclose(correlation.matrix(), expected, atol=1e-9)


def test_negative_weights_count_as_they_are() -> None:
    rng = np.random.default_rng(2)
    rows, weights = rng.normal(size=(900, 2)), rng.normal(1, 1, 900)
    correlation = Correlation(2)
    for part in np.array_split(np.arange(900), 4):
        correlation.update(rows[part], weights[part])
    centered = rows - (weights @ rows) / weights.sum()
    expected = covariance_to_correlation((weights[:, np.newaxis] * centered).T @ centered)
    np.testing.assert_allclose(correlation.matrix(), expected, atol=1e-12)


@pytest.mark.parametrize("parts", [1, 3, 7])
def test_each_coefficient_is_over_the_objects_that_have_both(parts: int) -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 3)) + 50
    rows[rng.random(rows.shape) < 0.3] = np.nan
    rows[:200, 1] = np.inf  # the first blocks know nothing of it
    correlation = Correlation(3)
    for part in np.array_split(rows, parts):
        correlation.update(part)
    for i in range(3):
        for j in range(3):
            both = np.isfinite(rows[:, i]) & np.isfinite(rows[:, j])
            expected = np.corrcoef(rows[both, i], rows[both, j])[0, 1]
            assert correlation.matrix()[i, j] == pytest.approx(expected, abs=1e-12)


def test_a_constant_that_no_sum_hits_exactly_has_no_correlation() -> None:
    rows = np.column_stack([np.full(1001, 0.1), np.random.default_rng(4).normal(size=1001)])
    correlation = Correlation(2)
    for part in np.array_split(rows, 3):
        correlation.update(part)
    assert np.isnan(correlation.matrix()[0]).all()


def test_matrices_are_those_of_numpy(context: Context, plots: dict[str, Plot]) -> None:
    original, reconstructed = jets(OBJECTS)
    phi = original["phi"].astype(float)
    step = (reconstructed["phi"].astype(float) - phi + np.pi) % (2 * np.pi) - np.pi
    moved = {**reconstructed, "phi": phi + step}  # crossing +-pi is no jump
    before, after = (np.corrcoef([side[v].astype(float) for v in ("pt", "eta", "phi")]) for side in (original, moved))
    residuals = np.corrcoef(
        [
            moved["pt"].astype(float) / original["pt"] - 1,
            moved["eta"].astype(float) - original["eta"],
            step,
        ]
    )
    expected = {"input": before, "reconstructed": after, "difference": after - before, "residual": residuals}
    for kind, matrix in expected.items():
        plot = plots[f"Jet_correlation_{kind}"]
        np.testing.assert_allclose(plot.histograms["coefficients"].values(), matrix, atol=1e-9)
        assert list(plot.histograms["coefficients"].axes[0]) == ["pt", "eta", "phi"]
    assert np.abs(after - before).max() < 1e-3


def test_weights_are_respected(tmp_path: Path) -> None:
    weights = np.random.default_rng(5).exponential(1, EVENTS)
    original, reconstructed = jets(OBJECTS)
    context = open_pair(tmp_path, COUNTS, original, reconstructed, weights=weights)
    plots = {plot.name: plot for plot in correlation_plots(context) if isinstance(plot, Plot)}
    each = np.repeat(weights, COUNTS)
    rows = np.array([original[v].astype(float) for v in ("pt", "eta", "phi")])
    expected = covariance_to_correlation(np.cov(rows, aweights=each))
    found = plots["Jet_correlation_input"].histograms["coefficients"].values()
    np.testing.assert_allclose(found, expected, atol=1e-9)
    moved = np.array([reconstructed[v].astype(float) for v in ("pt", "eta", "phi")])
    moved[0] = moved[0] / rows[0] - 1
    moved[1:] = (moved[1:] - rows[1:] + np.pi) % (2 * np.pi) - np.pi
    found = plots["Jet_correlation_residual"].histograms["coefficients"].values()
    np.testing.assert_allclose(found, covariance_to_correlation(np.cov(moved, aweights=each)), atol=1e-9)
    profile = plots["Jet_eta_profile"].histograms["pt"]
    assert profile.sum(flow=True).value == pytest.approx(each.sum())
    assert profile.sum(flow=True).variance == pytest.approx((each**2).sum())


def test_small_weights_show(tmp_path: Path) -> None:
    """Cross sections of 1e-9: colours and axes are theirs, and the contours those of equal weights."""
    context = open_pair(tmp_path, COUNTS, *jets(OBJECTS), weights=np.full(EVENTS, 1e-9))
    corner = next(plot for plot in correlation_plots(context) if plot.name == "Jet_residual_corner")
    figure = draw(corner)
    diagonal, pair, bar = figure.axes[0], figure.axes[3], figure.axes[-1]
    fullest = max(corner.histograms[name].values().max() for name in ("pt_eta", "pt_phi", "eta_phi"))
    assert bar.get_ylim() == pytest.approx((0.8e-9, fullest))
    assert diagonal.get_ylim()[1] == pytest.approx(1.12 * corner.histograms["pt"].values().max())
    assert len(pair.collections) == 2  # mesh and contours


def test_missing_values_are_left_out_and_counted(tmp_path: Path) -> None:
    original, reconstructed = jets(OBJECTS)
    for side in (original, reconstructed):
        side["pt"][::5] = np.nan
        side["eta"][1::7] = -5
    reconstructed["eta"][3] = np.inf  # what came back is broken
    recipe = RECIPE.replace("{abs: 0.01}, label: '$\\eta$'", "{abs: 0.01}, label: '$\\eta$', sentinels: [-5]")
    assert "sentinels" in recipe
    context = open_pair(tmp_path, COUNTS, original, reconstructed, recipe=recipe)
    plots = {plot.name: plot for plot in correlation_plots(context) if isinstance(plot, Plot)}
    has_eta = original["eta"] != -5
    has_eta[3] = False
    both = np.isfinite(original["pt"]) & has_eta
    found = plots["Jet_correlation_input"]
    expected = np.corrcoef(original["pt"][both].astype(float), original["eta"][both])[0, 1]
    assert found.histograms["coefficients"].values()[0, 1] == pytest.approx(expected, abs=1e-9)
    lack = OBJECTS - int(both.sum())
    assert f"{lack} of {OBJECTS:,}".replace(",", "\u2009") in found.caption
    assert f"most often pt ({(~np.isfinite(original['pt'])).sum()})" in found.caption
    draw(found)
    # No sentinel in the profile either, as input or as the residual's own value.
    assert plots["Jet_phi_profile"].histograms["eta"].sum(flow=True) == has_eta.sum()
    assert plots["Jet_eta_profile"].histograms["phi"].sum(flow=True) == has_eta.sum()


def test_relations_do_not_depend_on_blocks(context: Context, tmp_path: Path) -> None:
    whole = open_pair(tmp_path, COUNTS, *jets(OBJECTS), step=10_000)
    one, other = (relate(each.studies[0], ["eta"]) for each in (context, whole))
    np.testing.assert_allclose(one.original.matrix(), other.original.matrix(), atol=1e-12)
    assert (one.by_input["pt", "eta"].values(flow=True) == other.by_input["pt", "eta"].values(flow=True)).all()
    assert (one.by_event["pt"].values(flow=True) == other.by_event["pt"].values(flow=True)).all()


def test_profiles_are_quantiles(plots: dict[str, Plot]) -> None:
    original, reconstructed = jets(OBJECTS)
    residual = reconstructed["eta"].astype(float) - original["eta"]
    histogram = plots["Jet_eta_profile"].histograms["eta"]
    found = profiles.profile(histogram)
    edges = histogram.axes[0].edges
    width = histogram.axes[1].widths[0]
    where = np.digitize(original["eta"].astype(float), edges) - 1
    drawn = 0
    for i in range(len(edges) - 1):
        inside = residual[where == i]
        if len(inside) < profiles.FEWEST:
            assert np.isnan(found[:, i]).all()
            continue
        drawn += 1
        low, high = (np.quantile(inside, (0.025, 0.16, 0.5, 0.84, 0.975), method=m) for m in ("lower", "higher"))
        assert (found[:, i] > low - 1.5 * width).all()
        assert (found[:, i] < high + 1.5 * width).all()
    assert drawn > 5
    # The slope of the toy: residual = 0.0005 eta.
    middle = 0.5 * (edges[:-1] + edges[1:])
    known = np.isfinite(found[2])
    assert np.polyfit(middle[known], found[2][known], 1)[0] == pytest.approx(5e-4, rel=0.3)


def test_profile_of_counts_that_are_known() -> None:
    histogram = hist.Hist(hist.axis.Regular(3, 0, 3), hist.axis.Regular(4, 0, 4), storage=hist.storage.Int64())
    histogram.fill(np.full(100, 0.5), np.repeat([0.5, 1.5, 2.5, 3.5], 25))
    histogram.fill(np.full(60, 1.5), np.repeat([1.5, 9.0], [40, 20]))  # a third of them beyond the axis
    histogram.fill(np.full(5, 2.5), np.zeros(5))
    found = profiles.profile(histogram, (0.25, 0.5, 0.9))
    np.testing.assert_allclose(found[:, 0], [1, 2, 3.6])
    np.testing.assert_allclose(found[:, 1], [1.375, 1.75, 4])
    assert np.isnan(found[:, 2]).all()


def test_profile_counts_effective_entries() -> None:
    histogram = hist.Hist(hist.axis.Regular(2, 0, 2), hist.axis.Regular(9, -1, 1), storage=hist.storage.Weight())
    histogram.fill(np.full(40, 0.5), np.zeros(40), weight=np.tile([1.0, 0.01], 20))  # hardly more than 20 entries
    histogram.fill(np.full(40, 1.5), np.zeros(40), weight=np.tile([3.0, -1.0], 20))  # (40)^2 / 200 = 8
    found = profiles.profile(histogram, (0.5,))
    assert found[0, 0] == pytest.approx(0, abs=1e-12)
    assert np.isnan(found[0, 1])


def test_events_in_runs(context: Context, plots: dict[str, Plot]) -> None:
    histogram = plots["Jet_residual_by_event"].histograms["pt"]
    edges = histogram.axes[0].edges
    assert (edges[0], edges[-1]) == (0, EVENTS)
    expected = [COUNTS[int(low) : int(high)].sum() for low, high in pairwise(edges)]
    np.testing.assert_array_equal(histogram.project(0).values(), expected)


def test_contours_hold_their_share() -> None:
    rng = np.random.default_rng(6)
    rows = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 50_000)
    axes = (hist.axis.Regular(41, -4, 4), hist.axis.Regular(41, -4, 4))
    histogram = hist.Hist(*axes, storage=hist.storage.Int64())
    histogram.fill(*rows.T)
    contents, density = histogram.values(), contours.smoothed(histogram)
    heights = []
    for share in contours.SHARES:
        height = contours.level(density, contents, share * len(rows))
        assert height is not None
        assert contents[density > height].sum() / len(rows) == pytest.approx(share, abs=0.01)
        heights.append(height)
    # Of a normal distribution the height at the edge of a share p is 1 - p of the peak's; smoothing lowers the peak.
    np.testing.assert_allclose(np.array(heights) / density.max(), [0.35, 0.06], atol=0.04)
    with style.active("atlas"):
        ax = style.new_figure(3, 3).subplots()
        assert contours.draw_contours(ax, histogram)
        (drawn,) = ax.collections
        assert len(drawn.get_paths()) == 2


def test_no_contour_that_the_panel_does_not_hold() -> None:
    histogram = hist.Hist(hist.axis.Regular(9, -1, 1), hist.axis.Regular(9, -1, 1), storage=hist.storage.Int64())
    histogram.fill(np.append(np.zeros(90), np.full(10, 5.0)), np.zeros(100))
    assert contours.level(contours.smoothed(histogram), histogram.values(), 95) is None
    assert contours.level(contours.smoothed(histogram), histogram.values(), 68) is not None
    ax = style.new_figure(3, 3).subplots()
    histogram.reset()
    assert not contours.draw_contours(ax, histogram)
    histogram.fill(np.zeros(10), np.zeros(10))
    assert not contours.draw_contours(ax, histogram)
    assert not ax.collections


def test_many_variables(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    names = [f"variable_with_a_long_name_{i}" for i in range(13)]
    original = {name: rng.normal(size=OBJECTS).astype(np.float32) for name in names}
    sizes = dict(zip(names, rng.permutation(13) + 1.0, strict=True))
    moved = {
        name: (values + 0.01 * sizes[name] * rng.normal(size=OBJECTS)).astype(np.float32)
        for name, values in original.items()
    }
    columns = "".join(f"      {name}: {{tolerance: {{abs: 0.05}}}}\n" for name in names)
    recipe = f"collections:\n  Jet:\n    columns:\n{columns}"
    context = open_pair(tmp_path, COUNTS, original, moved, recipe=recipe)
    plots = {plot.name: plot for plot in correlation_plots(context) if isinstance(plot, Plot)}
    (study,) = context.studies
    largest = [name for name in names if sizes[name] > 3]
    assert widest(study, 10) == largest
    corner = plots["Jet_residual_corner"]
    assert "10 of 13 variables with the largest RMS" in corner.caption
    assert set(corner.histograms) == {*largest, *(f"{x}_{y}" for i, y in enumerate(largest) for x in largest[:i])}
    texts = [text.get_text() for text in draw(corner).texts]
    assert any("10 of 13 variables" in text for text in texts)
    assert set(plots[f"Jet_{names[3]}_profile"].histograms) == set(names[:8])
    assert "first 8 of 13" in plots[f"Jet_{names[3]}_profile"].caption
    assert len(plots["Jet_residual_by_event"].histograms) == 8
    for name in ("Jet_correlation_input", "Jet_residual_by_event", f"Jet_{names[0]}_profile"):
        draw(plots[name])


@pytest.mark.parametrize("looks", ["atlas", "cms", "plain"])
@pytest.mark.parametrize("case", ["one object", "all the same", "nothing lost", "nothing finite"])
def test_strange_files(case: str, looks: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    counts = np.array([1]) if case == "one object" else COUNTS
    original, moved = jets(int(counts.sum()))
    if case == "all the same":
        for name in original:
            original[name][:], moved[name][:] = 1.25, 1.2500001
    if case == "nothing lost":
        moved = original
    if case == "nothing finite":
        for side in (original, moved):
            side["pt"][:] = np.nan
    with caplog.at_level(logging.INFO):
        plots = {
            plot.name: plot
            for plot in correlation_plots(open_pair(tmp_path, counts, original, moved))
            if isinstance(plot, Plot)
        }
    for plot in plots.values():
        draw(plot, looks)
    drawn = {
        "one object": {"Jet_residual_corner"},
        "all the same": {"Jet_residual_corner"},
        "nothing lost": {f"Jet_{name}" for name in (
            "residual_corner", "correlation_input", "correlation_reconstructed", "correlation_difference",
        )},
        "nothing finite": {f"Jet_{name}" for name in (
            "correlation_input", "correlation_reconstructed", "correlation_difference", "eta_profile", "phi_profile",
            "residual_by_event",
        )},
    }  # fmt: skip
    assert set(plots) == drawn[case]
    left_out = {"nothing lost": "the residual is always the same", "nothing finite": "no object has finite residuals"}
    assert left_out.get(case, "no two variables vary") in caplog.text


def test_a_group_of_one_variable_has_no_correlations(tmp_path: Path) -> None:
    original, moved = jets(OBJECTS)
    recipe = "collections: {Jet: {columns: {eta: {tolerance: {abs: 0.01}}}}}"
    context = open_pair(tmp_path, COUNTS, {"eta": original["eta"]}, {"eta": moved["eta"]}, recipe=recipe)
    assert list(correlation_plots(context)) == []


@pytest.mark.parametrize(
    ("label", "lines"),
    [
        ("pt", ["pt"]),
        (r"$p_\mathrm{T}^\mathrm{a\ long\ one}$ of jets", [r"$p_\mathrm{T}^\mathrm{a\ long\ one}$ of jets"]),
        ("ptvarcone30_Nonprompt_All", ["ptvarcone30_", "Nonprompt_All"]),
        ("JetConstitScaleMomentum_pt", ["JetConstitScale", "Momentum_pt"]),
        ("electron (e+) and muon (m-)", ["electron (e+) and", "muon (m-)"]),
        ("withoutanyplacetobreakit", ["withoutanyplacetobreakit"]),
    ],
)
def test_long_labels(label: str, lines: list[str]) -> None:
    assert labels.wrap(label).split("\n") == lines


@pytest.mark.parametrize(("size", "largest", "written"), [(4, 3.2e-5, "3.2"), (15, 3.2e-5, "32"), (4, 0.25, "2.5")])
def test_numbers_of_a_difference(size: int, largest: float, written: str) -> None:
    matrix = np.zeros((size, size))
    matrix[0, 1] = matrix[1, 0] = largest
    matrix[0, 2] = np.nan
    caption = style.Caption(style.Look("atlas", "Simulation", 13), "Jets", "plain")
    with style.active("atlas"):
        figure = matrices.draw_matrix(matrix, ["x"] * size, "Difference", [], caption, difference=True)
    ax, bar = figure.axes
    texts = [text.get_text() for text in ax.texts]
    assert texts[1] == texts[size] == written
    assert texts[2] == "\u2013"
    assert "-0" not in " ".join(texts)
    exponent = int(np.floor(np.log10(largest))) - (size > 12)
    assert f"10^{{{exponent}}}" in bar.get_ylabel()
    assert ax.collections[0].norm.vmax == largest


def test_no_numbers_where_there_is_no_room() -> None:
    caption = style.Caption(style.Look("atlas", "Simulation", 13), "Jets", "plain")
    with style.active("atlas"):
        figure = matrices.draw_matrix(np.eye(40), [f"v{i}" for i in range(40)], "Correlation", [], caption)
    assert not figure.axes[0].texts


@pytest.mark.parametrize("looks", ["atlas", "cms", "plain"])
@pytest.mark.parametrize("width", [3.4, 9.0])
def test_headings_do_not_overlap(looks: str, width: float) -> None:
    look = style.Look(looks, "Simulation Internal", 13.6, 140)
    caption = style.Caption(look, "Jets", "ae-4-200-200-20-3")
    with style.active(looks):
        figure = style.new_figure(width + 2, 5)
        top = headings.height(width)
        ax = figure.add_axes((1 / (width + 2), 0.1, width / (width + 2), 0.9 - top / 5))
        lines = ax.plot([1, 2], [1, 2]) + ax.plot([1, 2], [2, 1])
        headings.write(
            figure, caption, ["14 334 jets", "12 without a finite residual"], (lines, ["Median", "Tolerance"])
        )
        renderer = figure.canvas.get_renderer()
        boxes = [artist.get_window_extent(renderer) for artist in (*figure.texts, *figure.legends)]
    for i, box in enumerate(boxes):
        assert box.y0 >= ax.get_window_extent().y1 - 1
        assert box.y1 <= figure.bbox.y1
        assert box.x1 <= ax.get_window_extent().x1 + 2
        assert not any(box.overlaps(other) for other in boxes[:i])


@pytest.mark.parametrize(
    "name",
    [
        "Jet_residual_corner",
        "Jet_correlation_input",
        "Jet_correlation_difference",
        "Jet_eta_profile",
        "Jet_residual_by_event",
    ],
)
@pytest.mark.mpl_image_compare(**PICTURE)
def test_picture(name: str, plots: dict[str, Plot]) -> Figure:
    return draw(plots[name])
