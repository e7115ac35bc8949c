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


def within(original: list[float], reconstructed: list[float], rule: Column, dtype: str = "f4") -> list[bool]:
    return within_tolerance(np.array(original, dtype), np.array(reconstructed, dtype), rule).tolist()


def test_within_tolerance() -> None:
    assert (bound(RELATIVE), bound(column())) == (0.02, 0.5)
    assert within([1, 1, 1, -1, -1], [1.5, 0.5, 1.5000001, -1.5, -0.25], column()) == [True, True, False, True, False]
    assert within([100, 100, 100, -100], [102, 98, 102.00001, -102], RELATIVE) == [True, True, False, True]
    # As the promise is defined, and not after a division, whose rounding may lead beyond it.
    assert within([0.7], [0.7 * 1.02], RELATIVE, "f8") == [abs(0.7 * 1.02 - 0.7) <= 0.02 * 0.7]


def test_special_values_must_not_move() -> None:
    nan, inf = float("nan"), float("inf")
    rule = column(sentinels=[-999])
    assert within([nan, inf, -inf, -999, 1], [nan, inf, -inf, -999, 1], rule) == [True] * 5
    assert within([nan, inf, inf, -999, 1], [1, 1, -inf, -999.1, nan], rule) == [False] * 5
    assert within([0, 0, -0.0, 0], [0, 1e-9, 0.0, 0.0], RELATIVE) == [True, False, False, True]
    other_nan = np.array([0x7FC00001], "u4").view("f4")
    assert not within_tolerance(other_nan, np.array([nan], "f4"), rule)[0]


def test_exact_values_are_the_same_to_the_last_bit() -> None:
    exact = column(tolerance="exact")
    assert within([1, 0, 0], [1, -0.0, 1e-45], exact) == [True, False, False]
    assert within_tolerance(np.array([1, 2]), np.array([1, 3]), exact).tolist() == [True, False]


def test_angles_are_not_wrapped_where_the_promise_is_judged() -> None:
    assert within([3.14], [-3.14], column(periodic=True)) == [False]
    angles = np.array([0.1, -3.0, 3.0, 0.30000000000000004])
    assert wrap_angle(angles).tolist() == angles.tolist()
