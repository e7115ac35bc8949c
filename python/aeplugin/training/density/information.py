"""How much columns tell about each other, and the order and the parents that follow from it.

The mutual information of two columns is estimated from the counts of a two-dimensional histogram with bins of about
equal content, less its bias (ka - 1)(kb - 1) / 2n (G. Miller, 1955). Columns are ordered as Prim's algorithm would add
them to a tree of the largest information (C. Chow and C. Liu, IEEE Trans. Inf. Theory 14 (1968) 462).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

BINS = 24
SAMPLE = 20_000
"""Values of a column that are looked at: enough to see 0.01 bits."""
NOTHING = 0.005
"""Information, in nats, below which one column is not worth a feature of another."""


def information(columns: Sequence[np.ndarray]) -> np.ndarray:
    """The mutual information of each pair of columns, in nats, shape (columns, columns); 0 on the diagonal.

    Args:
        columns: integers, all of one shape (values,); evenly spread ones of them are looked at.
    """
    binned = [_binned(column[:: max(1, len(column) // SAMPLE)]) for column in columns]
    found = np.zeros((len(columns), len(columns)))
    for i, one in enumerate(binned):
        for j in range(i):
            found[i, j] = found[j, i] = _mutual(one, binned[j])
    return found


def ordered(
    first: Sequence[int], rest: Collection[int], known: np.ndarray, needs: Mapping[int, Collection[int]]
) -> list[int]:
    """Columns in an order in which each has much information in those before it.

    Args:
        first: those that come first, in this order.
        known: what `information` gives.
        needs: for each column those that must come before it; without circles.
    """
    order, left = list(first), sorted(rest)
    while left:
        ready = [i for i in left if not set(needs.get(i, ())) & set(left)]
        gain = [known[i, order].max() if order else known[i].sum() for i in ready]
        best = ready[int(np.argmax(gain))]
        order.append(best)
        left.remove(best)
    return order


def parents(of: int, before: Sequence[int], known: np.ndarray, most: int) -> list[int]:
    """Those of the columns `before` that tell most about one, the best first."""
    worth = [i for i in before if known[of, i] > NOTHING]
    return sorted(worth, key=lambda i: -known[of, i])[:most]


def _binned(values: np.ndarray) -> np.ndarray:
    """Numbers of bins of about equal content, from 0; equal integers are in one bin."""
    edges = np.unique(np.quantile(values, np.arange(1, BINS) / BINS)) if len(values) else np.zeros(0)
    return np.searchsorted(edges, values, side="left")


def _mutual(one: np.ndarray, other: np.ndarray) -> float:
    total = len(one)
    if not total:
        return 0.0
    counts = np.bincount(one * BINS + other, minlength=BINS * BINS).reshape(BINS, BINS) / total
    rows, columns = counts.sum(1), counts.sum(0)
    filled = counts > 0
    found = (counts[filled] * np.log(counts[filled] / np.outer(rows, columns)[filled])).sum()
    bias = ((rows > 0).sum() - 1) * ((columns > 0).sum() - 1) / (2 * total)
    return max(float(found - bias), 0.0)
