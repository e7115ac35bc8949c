"""Streaming statistics against numpy, for any values and any division into blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aeplugin.statistics import Correlation, Sample

# Within the range that the documentation promises 0.05 % for; zero is a value like any other.
magnitudes = st.floats(1e-18, 1e18)
values = st.one_of(magnitudes, magnitudes.map(lambda x: -x), st.just(0.0))
arrays = hnp.arrays(np.float64, st.integers(1, 60), elements=values)
TOLERANCE = 5.1e-4


def sample_of(array: np.ndarray, parts: int = 1) -> Sample:
    sample = Sample()
    for part in np.array_split(array, parts):
        sample.update(part)
    return sample


@settings(max_examples=120)
@given(arrays, st.integers(1, 5), st.floats(0, 1))
def test_quantiles(array: np.ndarray, parts: int, q: float) -> None:
    """An interpolated quantile is as exact as the two order statistics that it lies between."""
    sample = sample_of(array, parts)
    ordered = np.sort(array)
    position = q * (len(array) - 1)
    neighbours = ordered[[math.floor(position), math.ceil(position)]]
    allowed = TOLERANCE * np.abs(neighbours).max() + 1e-20
    assert sample.quantile(q) == pytest.approx(np.quantile(array, q), abs=allowed, rel=0)
    sizes = np.sort(np.abs(array))
    allowed = TOLERANCE * sizes[math.ceil(position)] + 1e-20
    assert sample.abs_quantile(q) == pytest.approx(np.quantile(np.abs(array), q), abs=allowed, rel=0)


@settings(max_examples=60)
@given(arrays, st.integers(1, 5))
def test_moments(array: np.ndarray, parts: int) -> None:
    sample = sample_of(array, parts)
    size = np.abs(array).max()
    assert (sample.count, sample.nonfinite) == (len(array), 0)
    assert (sample.min, sample.max) == (array.min(), array.max())
    assert sample.mean == pytest.approx(array.mean(), abs=1e-12 * size, rel=0)
    assert sample.rms == pytest.approx(np.sqrt(np.mean((array / (size or 1)) ** 2)) * size, rel=1e-9)
    assert sample.integers == bool((array == np.rint(array)).all())


def test_values_that_are_not_finite_are_counted_apart() -> None:
    sample = sample_of(np.array([1, np.nan, np.inf, -np.inf, 3], np.float32))
    assert (sample.count, sample.nonfinite, sample.mean) == (2, 3, 2)
    assert sample.quantile(1) == pytest.approx(3, rel=TOLERANCE)
    sample.update(np.full(5, np.nan))
    assert (sample.count, sample.nonfinite) == (2, 8)


def test_nothing() -> None:
    for sample in (Sample(), sample_of(np.array([np.nan])), sample_of(np.empty(0))):
        assert sample.count == 0
        for number in (sample.mean, sample.rms, sample.quantile(0.5), sample.abs_quantile(0.5)):
            assert math.isnan(number)


def test_ends_beyond_the_histograms() -> None:
    sample = sample_of(np.array([-1e30, 1e-30, 1e30]))
    quantiles = [sample.quantile(q) for q in (0, 0.5, 1)]
    assert quantiles == pytest.approx([-1e20, 0, 1e20], rel=TOLERANCE)
    assert (sample.min, sample.max) == (-1e30, 1e30)


def test_large_sample() -> None:
    array = np.random.default_rng(1).standard_t(2, 50_000).astype(np.float32)
    sample = sample_of(array, 7)
    for q in (0.001, 0.16, 0.84, 0.999):
        assert sample.quantile(q) == pytest.approx(np.quantile(array.astype(float), q), rel=TOLERANCE)
    for q in (0.68, 0.95, 0.999):
        assert sample.abs_quantile(q) == pytest.approx(np.quantile(np.abs(array.astype(float)), q), rel=TOLERANCE)


@settings(max_examples=40)
@given(
    hnp.arrays(np.float64, st.tuples(st.integers(3, 30), st.just(3)), elements=st.floats(-100, 100)), st.integers(1, 4)
)
def test_correlation(rows: np.ndarray, parts: int) -> None:
    rows = rows + np.random.default_rng(0).normal(size=rows.shape)  # no column is constant
    correlation = Correlation(3)
    for part in np.array_split(rows + 1e3, parts):
        correlation.update(part)
    np.testing.assert_allclose(correlation.matrix(), np.corrcoef(rows.T), atol=1e-7)


def test_correlation_of_a_constant_is_undefined() -> None:
    correlation = Correlation(2)
    correlation.update(np.array([[1.0, 2.0], [1.0, 3.0]]))
    matrix = correlation.matrix()
    assert math.isnan(matrix[0, 1])
    assert matrix[1, 1] == pytest.approx(1)
