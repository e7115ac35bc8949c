"""Bins of plots, and the statistics that they come from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aeplugin.plots.binning import residual_bins, value_bins
from aeplugin.recipe import Column, Tolerance
from aeplugin.statistics import Correlation, Sample

RNG = np.random.default_rng(3)


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
    edges = value_bins(sample, Column(tolerance=Tolerance(abs=0.0001))).edges
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


def test_bins_fit_the_grid() -> None:
    """Reconstructed values are in the bins of their originals, whatever the tolerance: no moire."""
    for tolerance in ({"rel": 0.02}, {"rel": 0.005}, {"abs": 0.01}):
        column = Column(tolerance=Tolerance(**tolerance))
        values = RNG.uniform(1, 100, 20_000) if "rel" in tolerance else RNG.uniform(-1, 1, 20_000)
        sample = Sample()
        sample.update(values)
        bins = value_bins(sample, column)
        assert bins.log == ("rel" in tolerance)
        grid = np.log(values) if bins.log else values
        step = 2 * (np.log1p(0.02) if tolerance == {"rel": 0.02} else np.log1p(0.005) if bins.log else 0.01)
        moved = np.round(grid / step) * step
        moved = np.exp(moved) if bins.log else moved
        before, after = (np.histogram(array, bins.edges)[0] for array in (values, moved))
        assert np.abs(before - after).sum() <= 2
        assert 20 <= len(bins.edges) <= 70
    turn = value_bins(sample_of(RNG.uniform(-3, 3, 5000)), Column(tolerance=Tolerance(abs=0.01), periodic=True)).edges
    np.testing.assert_allclose(np.mod(turn / 0.02, 1), 0.5, atol=1e-9)
    assert turn[0] < -np.pi < np.pi < turn[-1]


def sample_of(values: np.ndarray) -> Sample:
    sample = Sample()
    sample.update(values)
    return sample


def test_weights_that_cancel_in_a_block() -> None:
    values = RNG.normal(50, 1, 1003)
    weights = np.append(np.ones(1000), [0.3, -0.1, -0.2])
    sample = Sample()
    for part in (slice(0, 1000), slice(1000, 1003)):
        sample.update(values[part], weights[part])
    assert sample.mean == pytest.approx(np.average(values, weights=weights), rel=1e-12)
    expected = np.average((values - sample.mean) ** 2, weights=weights)
    assert sample.deviation == pytest.approx(math.sqrt(expected), rel=1e-9)


def test_a_tiny_tolerance_takes_no_time() -> None:
    sample = sample_of(RNG.uniform(-3, 3, 600))
    edges = value_bins(sample, Column(tolerance=Tolerance(abs=1e-12), periodic=True)).edges
    assert len(edges) < 70
