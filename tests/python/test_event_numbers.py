"""Random numbers of events: uniform, the same in any order of reading, and unlike each other in other streams."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aeplugin.event_numbers import event_uniform

MANY = 200_000
GOLDEN = [0.46985451742523887, 0.7549932461290277, 0.23673861915885153]
GOLDEN_FILE = [0.6954320986674009]


def test_they_are_what_they_have_always_been() -> None:
    """Else a training with the same seed would hold out other events."""
    assert event_uniform(1, "validation", 0, 0, 3).tolist() == GOLDEN
    assert event_uniform(1, "validation", 3, 5, 6).tolist() == GOLDEN_FILE


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 300), min_size=2, max_size=6))
def test_boundaries_of_blocks_do_not_matter(seed: int, marks: list[int]) -> None:
    marks = sorted(marks)
    whole = event_uniform(seed, "fraction", 2, marks[0], marks[-1])
    parts = [event_uniform(seed, "fraction", 2, *ends) for ends in pairwise(marks)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_far_entries_cost_nothing_and_are_others() -> None:
    far = event_uniform(1, "fraction", 0, 10**15, 10**15 + 1000)
    assert far.shape == (1000,)
    assert not np.isin(far, event_uniform(1, "fraction", 0, 0, 100_000)).any()


def test_they_are_uniform() -> None:
    numbers = event_uniform(7, "fraction", 0, 0, MANY)
    assert numbers.dtype == np.float64
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert stats.kstest(numbers, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 5 / np.sqrt(MANY)


@pytest.mark.parametrize(
    "other",
    [(8, "fraction", 0), (7, "validation", 0), (7, "fraction", 1), (71, "fraction", 0), (7, "1,fraction", 0)],
    ids=str,
)
def test_other_seeds_streams_and_files_have_other_numbers(other: tuple[int, str, int]) -> None:
    one, two = event_uniform(7, "fraction", 0, 0, MANY), event_uniform(*other, 0, MANY)
    assert abs(np.corrcoef(one, two)[0, 1]) < 5 / np.sqrt(MANY)
    assert abs(np.corrcoef(one[1:], two[:-1])[0, 1]) < 5 / np.sqrt(MANY)
    both = np.count_nonzero((one < 0.5) & (two < 0.2)) / MANY  # half of the data keeps its share held out
    assert both == pytest.approx(0.1, abs=5 * np.sqrt(0.1 / MANY))


@pytest.mark.parametrize("ends", [(-1, 0, 3), (0, -1, 3), (0, 4, 3)])
def test_impossible_entries_are_refused(ends: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="expected 0 <= file and 0 <= start <= stop"):
        event_uniform(1, "fraction", *ends)
    assert event_uniform(1, "fraction", 0, 4, 4).shape == (0,)
