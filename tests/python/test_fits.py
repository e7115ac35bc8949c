"""Fits of peaks: the shapes' integrals, parameters of toys within their errors, and what is no peak."""

from __future__ import annotations

import logging

import hist
import numpy as np
import pytest
from scipy import integrate, stats

from aeplugin.plots.summaries import shapes
from aeplugin.plots.summaries.fits import Fit, fit_crystal_ball, fit_gaussian_core, fit_peak

TAILS = (0.3, 1.2, 1.1, 3.0, 2.0, 8.0)
"""mean, sigma, alpha_low, n_low, alpha_high, n_high"""


def filled(values: np.ndarray, reach: float, bins: int = 60, weights: np.ndarray | None = None) -> hist.Hist:
    storage = hist.storage.Int64() if weights is None else hist.storage.Weight()
    histogram = hist.Hist(hist.axis.Regular(bins, -reach, reach), storage=storage)
    histogram.fill(values, weight=weights)
    return histogram


def crystal_ball_density(x: float, mean: float, sigma: float, a: float, n: float, b: float, m: float) -> float:
    """Not normalised; as textbooks write it."""
    t = (x - mean) / sigma
    if t < -a:
        return (n / a) ** n * np.exp(-(a**2) / 2) * (n / a - a - t) ** -n
    if t > b:
        return (m / b) ** m * np.exp(-(b**2) / 2) * (m / b - b + t) ** -m
    return np.exp(-(t**2) / 2)


def draw_crystal_ball(rng: np.random.Generator, number: int) -> np.ndarray:
    """Random numbers by inverting the shape's own integral on a fine grid."""
    x = np.linspace(-60, 60, 400_001)
    return np.interp(rng.uniform(size=number), shapes.crystal_ball(x, *TAILS), x)


def test_integral_of_the_crystal_ball_function() -> None:
    whole = integrate.quad(crystal_ball_density, -np.inf, np.inf, args=TAILS)[0]
    x = np.linspace(-8, 8, 17)
    expected = [integrate.quad(crystal_ball_density, -np.inf, end, args=TAILS)[0] / whole for end in x]
    np.testing.assert_allclose(shapes.crystal_ball(x, *TAILS), expected, atol=1e-8)


def test_one_tail_is_that_of_scipy() -> None:
    x = np.linspace(-9, 9, 91)
    np.testing.assert_allclose(
        shapes.crystal_ball(x, 0, 1, 1.3, 4, 8, 50), stats.crystalball(1.3, 4).cdf(x), atol=1e-12
    )
    np.testing.assert_allclose(shapes.gauss(x, 0.5, 2), stats.norm(0.5, 2).cdf(x), atol=1e-15)


def test_huge_exponents_do_not_overflow() -> None:
    cdf = shapes.crystal_ball(np.linspace(-50, 50, 101), 0, 1, 0.1, 100, 0.1, 100)
    assert np.isfinite(cdf).all()
    assert (np.diff(cdf) >= 0).all()


@pytest.mark.parametrize("shape", ["gauss", "crystal_ball"])
def test_toys_scatter_as_their_errors_say(shape: str) -> None:
    rng = np.random.default_rng(5)
    pulls = []
    for _ in range(60):
        if shape == "gauss":
            fit = fit_gaussian_core(filled(rng.normal(0.3, 1.2, 2000), 6), "toy")
        else:
            fit = fit_crystal_ball(filled(draw_crystal_ball(rng, 5000), 10, bins=100), "toy")
        assert fit is not None
        assert fit.valid
        pulls.append([(fit.values[name] - true) / fit.errors[name] for name, true in (("mean", 0.3), ("sigma", 1.2))])
    pulls = np.array(pulls)
    assert (np.abs(pulls.mean(axis=0)) < 4 / np.sqrt(len(pulls))).all()
    assert (np.abs(pulls.std(axis=0) - 1) < 0.35).all()


def test_tails_of_a_large_toy() -> None:
    fit = fit_crystal_ball(filled(draw_crystal_ball(np.random.default_rng(2), 200_000), 12, bins=120), "toy")
    assert fit is not None
    assert fit.good
    names = ("mean", "sigma", "alpha_low", "n_low", "alpha_high", "n_high")
    for name, true in zip(names, TAILS, strict=True):
        assert abs(fit.values[name] - true) < 4 * fit.errors[name], name


def test_bins_as_wide_as_the_peak() -> None:
    """Integrals over bins: the width of a bin does not add to that of the peak."""
    values = np.random.default_rng(3).normal(0, 1, 400_000)
    fit = fit_crystal_ball(filled(values, 9, bins=18), "toy")
    assert fit is not None
    assert abs(fit.values["sigma"] - 1) < 4 * fit.errors["sigma"]
    assert fit.errors["sigma"] < 0.005


@pytest.mark.parametrize("scale", [1e-6, 1e5])
def test_units_do_not_matter(scale: float) -> None:
    values = np.random.default_rng(4).standard_t(4, 5000)
    for method in (fit_gaussian_core, fit_crystal_ball):
        fit, scaled = method(filled(values, 5), "toy"), method(filled(values * scale, 5 * scale), "toy")
        assert fit is not None
        assert scaled is not None
        assert scaled.values["sigma"] == pytest.approx(scale * fit.values["sigma"], rel=1e-3)
        assert scaled.errors["sigma"] == pytest.approx(scale * fit.errors["sigma"], rel=2e-2)
        assert scaled.chi2 == pytest.approx(fit.chi2, rel=1e-2)


def test_core_of_a_peak_with_tails() -> None:
    rng = np.random.default_rng(6)
    values = np.concatenate([rng.normal(0, 1, 9000), rng.normal(0, 8, 1000)])
    fit = fit_gaussian_core(filled(values, 12, bins=120), "toy")
    assert fit is not None
    assert fit.good
    assert fit.values["sigma"] == pytest.approx(1.03, abs=0.05)  # a little of the tails is below the core
    assert fit.window[1] - fit.window[0] == pytest.approx(4 * fit.values["sigma"], abs=0.4)


def test_equal_weights_change_nothing() -> None:
    values = np.random.default_rng(7).normal(0, 1, 3000)
    fit = fit_gaussian_core(filled(values, 4), "toy")
    weighted = fit_gaussian_core(filled(values, 4, weights=np.full(3000, 2.5)), "toy")
    assert fit is not None
    assert weighted is not None
    assert weighted.values["sigma"] == pytest.approx(fit.values["sigma"], rel=2e-3)
    assert weighted.errors["sigma"] == pytest.approx(fit.errors["sigma"], rel=2e-2)
    assert weighted.chi2 == pytest.approx(fit.chi2, rel=2e-2)
    assert weighted.entries == pytest.approx(2.5 * fit.entries)


def test_weights_that_differ_and_negative_ones() -> None:
    rng = np.random.default_rng(8)
    values, weights = rng.normal(0, 1, 20_000), rng.normal(1, 1, 20_000)
    fit = fit_gaussian_core(filled(values, 4, weights=weights), "toy")
    plain = fit_gaussian_core(filled(values, 4), "toy")
    assert fit is not None
    assert plain is not None
    assert fit.good
    assert abs(fit.values["sigma"] - 1) < 4 * fit.errors["sigma"]
    # The effective number of entries is half of theirs.
    assert fit.errors["sigma"] / plain.errors["sigma"] == pytest.approx(np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("number", [400, 1000, 20_000])
@pytest.mark.parametrize("reach", [1.0, 1.4])
def test_a_flat_residual_is_no_peak(number: int, reach: float, caplog: pytest.LogCaptureFixture) -> None:
    values = np.random.default_rng(9).uniform(-1, 1, number)
    bins = 60 if number > 1000 else 28
    histogram = filled(values, reach, bins)
    for method in (fit_gaussian_core, fit_crystal_ball):
        fit = method(histogram, "flat")
        assert fit is None or not fit.good
    with caplog.at_level(logging.INFO):
        assert fit_peak(histogram, "flat") is None
    assert "flat: neither a Crystal Ball function nor a Gaussian core is a good fit" in caplog.text


def test_the_best_shape_is_taken() -> None:
    rng = np.random.default_rng(10)
    tailed = fit_peak(filled(draw_crystal_ball(rng, 20_000), 10), "toy")
    assert tailed is not None
    assert tailed.shape == "crystal_ball"
    # A second peak beside the core is none of the Crystal Ball's business.
    values = np.concatenate([rng.normal(0, 1, 20_000), rng.normal(7, 0.4, 3000)])
    core = fit_peak(filled(values, 9, bins=90), "toy")
    assert core is not None
    assert core.shape == "gauss"
    assert core.values["sigma"] == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.empty(0), "there are too few entries"),
        (np.random.default_rng(1).normal(0, 0.3, 10), "there are too few entries"),
        (np.zeros(1000), "all entries lie in 1 bins"),
        (np.random.default_rng(1).normal(0, 0.01, 1000), "all entries lie in 4 bins"),
        (np.full(1000, 5.0), "there are too few entries"),
    ],
)
def test_degenerate_histograms(values: np.ndarray, message: str, caplog: pytest.LogCaptureFixture) -> None:
    histogram = filled(values, 1)
    with caplog.at_level(logging.INFO):
        assert fit_gaussian_core(histogram, "zero residuals") is None
        assert fit_crystal_ball(histogram, "zero residuals") is None
    assert caplog.text.count(f"zero residuals: not fitted, {message}") == 2


def test_a_core_of_few_bins(caplog: pytest.LogCaptureFixture) -> None:
    rng = np.random.default_rng(11)
    values = np.concatenate([rng.normal(0, 0.02, 5000), rng.uniform(-1, 1, 300)])
    with caplog.at_level(logging.INFO):
        assert fit_gaussian_core(filled(values, 1), "narrow") is None
    assert "narrow: no Gaussian fitted, its core has but" in caplog.text


def test_expected_contents() -> None:
    values = np.random.default_rng(12).normal(0.2, 1, 5000)
    histogram = filled(values, 5)
    fit = fit_crystal_ball(histogram, "toy")
    assert fit is not None
    expected = fit.expected(histogram.axes[0].edges)
    assert expected.sum() == pytest.approx(histogram.sum())
    filled_bins = expected > 5
    pulls = (histogram.values() - expected)[filled_bins] / np.sqrt(expected[filled_bins])
    assert abs(pulls.mean()) < 4 / np.sqrt(len(pulls))
    assert 0.6 < pulls.std() < 1.4


def test_what_is_good() -> None:
    def fit(chi2: float, ndf: int, valid: bool = True, sigma: float = 1, error: float = 0.1) -> Fit:
        values, errors = {"mean": 0.0, "sigma": sigma}, {"mean": 0.1, "sigma": error}
        return Fit("gauss", values, errors, chi2, ndf, valid, (-2, 2), 100)

    assert fit(10, 10).good
    assert fit(21, 10).good  # probability 2 %
    assert not fit(24, 10).good  # 0.8 %
    assert fit(140, 100).good  # 0.5 %, but near
    assert not fit(10, 10, valid=False).good
    assert not fit(0, 0).good
    assert not fit(10, 10, sigma=2.5).good  # wider than the window
    assert not fit(10, 10, error=0.3).good


def test_goodness_counts_bins_and_parameters() -> None:
    """chi2 of the right shape is its number of degrees of freedom: bins - 1 for the norm, - 2 for mean and sigma."""
    fit = fit_gaussian_core(filled(np.random.default_rng(3).normal(0, 1, 200_000), 4, bins=80), "toy")
    assert fit is not None
    width = 8 / 80
    bins = round((fit.window[1] - fit.window[0]) / width)
    assert fit.ndf == bins - 1 - 2
