"""Residuals: signs, wrapped angles, and what counts as within a tolerance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeplugin.recipe import Column
from aeplugin.residuals import bound, relative_residual, residual, residual_in_kind, within_tolerance, wrap_angle


def column(**more: Any) -> Column:
    return Column.model_validate({"tolerance": {"abs": 0.5}} | more)


RELATIVE = column(tolerance={"rel": 0.02})


@given(st.floats(-1e4, 1e4))
def test_wrapped_angles(angle: float) -> None:
    wrapped = float(wrap_angle(np.array(angle)))
    assert -math.pi <= wrapped <= math.pi  # the upper end only by rounding
    assert math.cos(wrapped) == pytest.approx(math.cos(angle), abs=1e-9)
    assert math.sin(wrapped) == pytest.approx(math.sin(angle), abs=1e-9)


def test_small_angles_keep_their_digits() -> None:
    np.testing.assert_allclose(wrap_angle(np.array([0.0, 1.5, -1.5, -math.pi])), [0, 1.5, -1.5, -math.pi], atol=1e-15)
    assert wrap_angle(np.array(math.pi)) == pytest.approx(-math.pi)


def test_residual_is_reconstructed_minus_original() -> None:
    original, reconstructed = np.array([3.1, 1.0], np.float32), np.array([-3.1, 1.25], np.float32)
    found = residual(original, reconstructed, column())
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [-6.2, 0.25], rtol=1e-6)
    np.testing.assert_allclose(
        residual(original, reconstructed, column(periodic=True)), [2 * np.pi - 6.2, 0.25], rtol=1e-5
    )


def test_residual_is_taken_in_double_precision() -> None:
    one = np.array([1.0], np.float32)
    tiny = np.array([-1e-12], np.float32)
    assert residual(one, tiny, column())[0] != -1.0
    assert residual(np.array([np.float32(3e38)]), np.array([np.float32(-3e38)]), column())[0] == pytest.approx(-6e38)


def test_relative_residual_and_zeros() -> None:
    original = np.array([2, -2, 0, 0, 0, 4], np.float32)
    reconstructed = np.array([3, -3, 1, -1, 0, np.nan], np.float32)
    found = relative_residual(original, reconstructed)
    np.testing.assert_array_equal(found, [0.5, 0.5, np.inf, -np.inf, np.nan, np.nan])
    np.testing.assert_array_equal(residual_in_kind(original, reconstructed, RELATIVE), found)
    np.testing.assert_array_equal(residual_in_kind(original, reconstructed, column()), [1, -1, 1, -1, 0, np.nan])


def test_within_tolerance() -> None:
    assert (bound(RELATIVE), bound(column())) == (0.02, 0.5)
    residuals = np.array([0.02, -0.02, np.nextafter(0.02, 1), np.nan, np.inf, -np.inf, 0, -0.0])
    assert within_tolerance(residuals, RELATIVE).tolist() == [True, True, False, False, False, False, True, True]
    assert not within_tolerance(np.array([np.nan]), column()).any()
