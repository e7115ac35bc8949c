"""ROC curves against brute force, with ties, weights and more scores than are kept apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aeplugin import roc as module
from aeplugin.roc import Roc, Scores, roc

FEW_VALUES = arrays.arrays(np.float32, st.integers(1, 30), elements=st.integers(-3, 6).map(float))
ANY_VALUES = arrays.arrays(
    np.float32, st.integers(1, 30), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
)


def scores_of(values: np.ndarray, weights: np.ndarray | None = None, parts: int = 1) -> Scores:
    made = Scores()
    for part in np.array_split(np.arange(len(values)), parts):
        made.update(values[part], None if weights is None else weights[part])
    return made


def curve(signal: np.ndarray, background: np.ndarray) -> Roc:
    made = roc(scores_of(signal), scores_of(background))
    assert made is not None
    return made


@given(st.one_of(FEW_VALUES, ANY_VALUES), st.one_of(FEW_VALUES, ANY_VALUES))
def test_every_point_and_the_area_by_brute_force(signal: np.ndarray, background: np.ndarray) -> None:
    found = curve(signal, background)
    thresholds = sorted({*signal.tolist(), *background.tolist()}, reverse=True)
    assert len(found.signal) == len(found.background) == len(thresholds) + 1
    assert (found.background[0], found.signal[0]) == (0, 0)
    for i, threshold in enumerate(thresholds, 1):
        assert found.signal[i] == pytest.approx(np.mean(signal >= threshold))
        assert found.background[i] == pytest.approx(np.mean(background >= threshold))
    pairs = [(s > b) + 0.5 * (s == b) for s in signal.tolist() for b in background.tolist()]
    assert found.auc == pytest.approx(np.mean(pairs), abs=1e-12)
    for share in (0.01, 0.1, 0.25, 0.5, 1.0):
        allowed = [t for t in thresholds if np.mean(background >= t) <= share + 1e-12]
        expected = max((float(np.mean(signal >= t)) for t in allowed), default=0.0)
        assert found.signal_at(share) == pytest.approx(expected)


@given(FEW_VALUES, st.data())
def test_weights_are_as_good_as_repetition(values: np.ndarray, data: st.DataObject) -> None:
    repeats = np.array(data.draw(st.lists(st.integers(1, 4), min_size=len(values), max_size=len(values))))
    other = np.arange(-4, 7, dtype=np.float32)
    weighted = roc(scores_of(values, repeats.astype(float)), scores_of(other))
    repeated = roc(scores_of(np.repeat(values, repeats)), scores_of(other))
    assert weighted is not None
    assert repeated is not None
    np.testing.assert_allclose(weighted.signal, repeated.signal)
    np.testing.assert_array_equal(weighted.background, repeated.background)


@given(ANY_VALUES, st.integers(1, 5))
def test_blocks_do_not_matter(values: np.ndarray, parts: int) -> None:
    whole, blocks = scores_of(values), scores_of(values, parts=parts)
    np.testing.assert_array_equal(whole.values, blocks.values)
    np.testing.assert_array_equal(whole.weights, blocks.weights)
    assert whole.events == blocks.events == len(values)


def test_perfect_useless_and_reversed_scores() -> None:
    low, high = np.arange(50, dtype=np.float32), np.arange(100, 150, dtype=np.float32)
    assert curve(high, low).auc == 1
    assert curve(low, high).auc == 0
    assert curve(low, low).auc == 0.5
    same = np.full(40, 3, np.float32)
    assert curve(same, same).auc == 0.5
    np.testing.assert_array_equal(curve(same, same).background, [0, 1])


def test_values_that_are_not_finite_are_counted_and_left_out() -> None:
    values = np.array([1, np.nan, 2, np.inf, -np.inf], np.float32)
    sample = scores_of(values, np.array([1.0, 5.0, 2.0, 7.0, 9.0]))
    assert (sample.events, sample.nonfinite, sample.weight) == (2, 3, 3.0)
    assert sample.effective_events == pytest.approx(9 / 5)


@pytest.mark.parametrize("weights", [np.empty(0), np.array([0.0]), np.array([2.0, -3.0])])
def test_no_curve_without_events(weights: np.ndarray) -> None:
    nothing = scores_of(np.arange(len(weights), dtype=np.float32), weights)
    something = scores_of(np.ones(3, np.float32))
    assert roc(nothing, something) is None
    assert roc(something, nothing) is None


def test_negative_weights_never_turn_the_curve_round() -> None:
    rng = np.random.default_rng(5)
    values, weights = rng.normal(size=500).astype(np.float32), rng.choice([1.0, 1.0, 1.0, -1.0], 500)
    made = roc(scores_of(values, weights), scores_of(values))
    assert made is not None
    assert (np.diff(made.signal) >= 0).all()
    assert made.signal.max() == 1


def test_samples_together() -> None:
    rng = np.random.default_rng(6)
    parts = [rng.exponential(size=n).astype(np.float32) for n in (10, 0, 300)]
    together, whole = Scores.together(map(scores_of, parts)), scores_of(np.concatenate(parts))
    np.testing.assert_array_equal(together.values, whole.values)
    assert (together.events, together.weight) == (310, 310)


def test_more_scores_than_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded, and the curve is that of the exact scores but for near ties."""
    rng = np.random.default_rng(7)
    signal, background = (rng.lognormal(mean, 1, 60_000).astype(np.float32) for mean in (0.4, 0))
    exact = curve(signal, background)
    monkeypatch.setattr(module, "LIMIT", 20_000)
    bounded = [scores_of(values, parts=11) for values in (signal, background)]
    for sample in bounded:
        assert len(sample.values) <= 20_000
        assert sample.bits <= 16
        assert sample.weight == 60_000
    found = roc(*bounded)
    assert found is not None
    assert found.auc == pytest.approx(exact.auc, abs=1e-4)
    assert found.signal_at(0.01) == pytest.approx(exact.signal_at(0.01), abs=1e-3)
    mixed = roc(scores_of(signal[:1000]), bounded[1])  # of which one sample keeps all its bits
    assert mixed is not None
    assert mixed.auc == pytest.approx(curve(signal[:1000], background).auc, abs=1e-4)


@given(ANY_VALUES, st.integers(0, 23))
def test_cutting_keeps_the_order(values: np.ndarray, bits: int) -> None:
    ordered = np.sort(values)
    cut = module._cut(ordered, bits)
    assert (np.diff(cut) >= 0).all() or np.isinf(np.diff(cut)).any()
    normal = np.abs(ordered) > 1e-37
    assert (np.abs(cut - ordered)[normal] <= 2.0**-bits * np.abs(ordered[normal])).all()


def test_uncertainties_are_those_of_repeated_experiments() -> None:
    rng = np.random.default_rng(8)
    curves = [curve(rng.normal(1, 1, 400).astype("f4"), rng.normal(0, 1, 2000).astype("f4")) for _ in range(400)]
    areas = np.array([made.auc for made in curves])
    assert np.mean([made.auc_uncertainty for made in curves]) == pytest.approx(areas.std(), rel=0.15)
    found = [made.efficiency(0.02) for made in curves]
    values = np.array([each.value for each in found if each])
    assert len(values) == 400
    assert np.mean([each.uncertainty for each in found if each]) == pytest.approx(values.std(), rel=0.15)
    assert values.mean() == pytest.approx(0.146, abs=0.01)  # of normal distributions one deviation apart


def test_too_few_events_for_a_figure_of_merit() -> None:
    background = np.arange(1000, dtype=np.float32)
    made = curve(np.array([995.5, 2000], np.float32), background)
    assert made.efficiency(1e-3) is None
    found = made.efficiency(1e-2)  # ten events
    assert found is not None
    assert found.value == 1
    assert 0 < found.uncertainty < 1
    assert math.isfinite(made.auc_uncertainty)


def test_uncertainty_of_a_share_is_half_of_wilsons_interval() -> None:
    """Against the interval's own formula, at one standard deviation: also where all or none are chosen."""
    for chosen, events in ((0, 10), (10, 10), (3, 10), (250, 1000)):
        share = chosen / events
        center, half = (share + 1 / (2 * events)) / (1 + 1 / events), module._binomial(share, events)
        for end in (center - half, center + half):  # where |share - end| is one standard deviation of `end`
            assert (share - end) ** 2 == pytest.approx(end * (1 - end) / events, abs=1e-12)
