"""The worst objects and events of a data set: by each residual, and by a model's score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import hist
import numpy as np

from aeplugin import residuals
from aeplugin._core import Autoencoder, Model
from aeplugin.plots.binning import BINS, Bins
from aeplugin.plots.filling import compute, empty, fill_finite, key_in_kind
from aeplugin.plots.pairs import Block, Group, Pair
from aeplugin.readers import Objects
from aeplugin.scores import score_objects
from aeplugin.statistics import Sample


@dataclass
class Worst:
    """Keeps those rows of a stream that are the worst.

    Attributes:
        number: how many to keep.
        badness: of those kept, the worst first, shape (kept,); infinite where something is no longer a number.
        rows: by name the values of those kept, shape (kept,) each.
    """

    number: int
    badness: np.ndarray = field(default_factory=lambda: np.empty(0))
    rows: dict[str, np.ndarray] = field(default_factory=dict)

    def update(self, badness: np.ndarray, rows: Mapping[str, np.ndarray]) -> None:
        """Add rows, shape (any,) each; of equally bad ones the earlier is kept."""
        chosen = _largest(badness, self.number)
        joined = np.concatenate([self.badness, badness[chosen]])
        order = np.argsort(-joined, kind="stable")[: self.number]
        self.rows = {
            name: np.concatenate([self.rows.get(name, values[:0]), values[chosen]])[order]
            for name, values in rows.items()
        }
        self.badness = joined[order]


def _largest(badness: np.ndarray, number: int) -> np.ndarray:
    """Positions of the largest, in their order in the file."""
    if len(badness) <= number:
        return np.arange(len(badness))
    threshold = np.partition(badness, len(badness) - number)[len(badness) - number]
    above, equal = np.flatnonzero(badness > threshold), np.flatnonzero(badness == threshold)
    return np.sort(np.concatenate([above, equal[: number - len(above)]]))


@dataclass
class Ranking:
    """The worst by one measure, and how all are distributed.

    Attributes:
        name: for file names: "Jet_pt_residual", "Jet_score", "events_residual".
        measure: what is measured, in words, and its `unit`.
        group: the objects that are ranked; None for events.
        worst: with event and (for objects) index, and for each variable its original and reconstructed value, called
            ``pt`` and ``pt_reconstructed``; for events the numbers of objects.
        sample: of the measure, of all.
        bulk: its histogram, of all.
    """

    name: str
    measure: str
    unit: str
    group: Group | None
    worst: Worst
    sample: Sample = field(default_factory=Sample)
    bulk: hist.Hist | None = None


_UNIT = "tolerances"
MOST_RANKED = 8
"""Variables of a group whose residuals rank its objects: the first, for nobody reads hundreds of rankings."""


def rank(pair: Pair, groups: list[Group], model: Model | None, number: int) -> list[Ranking]:
    """Rank the objects of every group and the events of a data set, in two passes.

    Objects are ranked by each residual in kind, over the tolerance, and by the reconstruction error of the model's
    network; events by the root of the mean square of all their residuals over the tolerances, and by the mean of the
    errors of their objects.

    Args:
        number: how many of each to keep.
    """
    judges: list[_Residuals | _Events | _Scores] = [_Residuals(group, number) for group in groups]
    judges.append(_Events(groups, number))
    judges += [_Scores(group, model, number) for group in groups if _has_network(model, group)]
    files = {group.name: group.files for group in groups}
    for block in pair.blocks(files):
        for judge in judges:
            for ranking, badness, rows in judge.measure(block):
                ranking.worst.update(badness, rows)
                ranking.sample.update(badness)
    rankings = [ranking for judge in judges for ranking in judge.rankings if _is_ranked(ranking)]
    for ranking in rankings:
        title = f"{ranking.measure} [{ranking.unit}]" if ranking.unit else ranking.measure
        ranking.bulk = empty(_bins(ranking.sample), title, pair.weight is not None)
    for block in pair.blocks(files):
        for judge in judges:
            for ranking, badness, _ in judge.measure(block):
                if ranking.bulk is not None:
                    weights = block.weights if ranking.group is None else block.object_weights(ranking.group.name)
                    fill_finite(ranking.bulk, badness, weights)
    return rankings


def _is_ranked(ranking: Ranking) -> bool:
    """Whether anything differs from anything else; a residual that is 0 everywhere ranks nothing."""
    return bool(len(ranking.worst.badness)) and ranking.worst.badness[0] > 0


def _bins(sample: Sample) -> Bins:
    """Of a measure, which is positive: logarithmic, up to the worst."""
    high = sample.max if sample.max > 0 else 1.0
    low = sample.quantile(0.001, positive=True)
    return Bins(np.geomspace(min(low, high / 10) if low > 0 else high / 1000, 1.02 * high, BINS + 1), log=True)


Measured = Iterator[tuple[Ranking, np.ndarray, dict[str, np.ndarray]]]


class _Residuals:
    """Ranks the objects of a group by each residual."""

    def __init__(self, group: Group, number: int) -> None:
        self._group = group
        self.rankings = [
            Ranking(f"{group.name}_{variable}_residual", f"|residual of {variable}|", _UNIT, group, Worst(number))
            for variable in list(group.columns)[:MOST_RANKED]
        ]

    def measure(self, block: Block) -> Measured:
        before, after = block.before[self._group.name], block.after[self._group.name]
        rows = _rows(self._group, block)
        for ranking, variable in zip(self.rankings, self._group.columns, strict=False):
            yield ranking, _in_tolerances(self._group, variable, before, after), rows


class _Events:
    """Ranks events by all their residuals."""

    def __init__(self, groups: list[Group], number: int) -> None:
        self._groups = groups
        self.rankings = [Ranking("events_residual", "RMS of all residuals", _UNIT, None, Worst(number))]

    def measure(self, block: Block) -> Measured:
        squares, values = np.zeros(block.events), np.zeros(block.events)
        rows = {"event": block.start + np.arange(block.events)}
        for group in self._groups:
            before, after = block.before[group.name], block.after[group.name]
            event = np.repeat(np.arange(block.events), before.counts)
            for variable in group.columns:
                moved = _in_tolerances(group, variable, before, after)
                squares += np.bincount(event, moved**2, block.events)
                values += before.counts
            if group.single:
                rows |= {variable: before.columns[variable] for variable in group.columns}
            else:
                rows[f"number of {group.name}"] = before.counts
        with np.errstate(invalid="ignore"):
            yield self.rankings[0], np.where(values > 0, np.sqrt(squares / np.maximum(values, 1)), 0.0), rows


class _Scores:
    """Ranks the objects of a group, and its events, by the reconstruction error of the model's network."""

    def __init__(self, group: Group, model: Model | None, number: int) -> None:
        assert model is not None
        self._group = group
        collection = model.collection(group.name)
        self._variables = [column.variable for column in collection.columns]
        self._autoencoder = Autoencoder(collection)
        self.rankings = [
            Ranking(f"{group.name}_score", "reconstruction error", "", group, Worst(number)),
            Ranking(f"{group.name}_event_score", "mean reconstruction error", "", None, Worst(number)),
        ]

    def measure(self, block: Block) -> Measured:
        objects = block.before[self._group.name]
        ordered = Objects(objects.counts, {variable: objects.columns[variable] for variable in self._variables})
        errors, scores = (_bad_if_undefined(values) for values in score_objects(self._autoencoder, ordered))
        yield self.rankings[0], errors, _rows(self._group, block)
        events = block.start + np.arange(block.events)
        yield self.rankings[1], scores, {"event": events, f"number of {self._group.name}": objects.counts}


def _has_network(model: Model | None, group: Group) -> bool:
    """Whether the model has a network for the objects, all of whose inputs are there."""
    found = [c for c in model.collections if c.name == group.name] if model is not None else []
    return bool(found) and all(column.variable in group.columns for column in found[0].columns)


def _rows(group: Group, block: Block) -> dict[str, np.ndarray]:
    before, after = block.before[group.name], block.after[group.name]
    event = np.repeat(np.arange(block.events), before.counts)
    first = np.repeat(np.cumsum(before.counts) - before.counts, before.counts)
    rows = {"event": block.start + event, "index": np.arange(len(event)) - first}
    for variable in group.columns:
        rows[variable] = before.columns[variable]
        rows[f"{variable}_reconstructed"] = after.columns[variable]
    return rows


def _in_tolerances(group: Group, variable: str, before: Objects, after: Objects) -> np.ndarray:
    """|residual in kind| over the tolerance; 0 for special values that were kept, infinite for lost ones."""
    column = group.columns[variable]
    original, reconstructed = before.columns[variable], after.columns[variable]
    moved = np.abs(compute(key_in_kind(variable, column), column, original, reconstructed)) / residuals.bound(column)
    moved[residuals.same_bits(original, reconstructed)] = 0
    return _bad_if_undefined(moved)


def _bad_if_undefined(values: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), np.inf, values.astype(np.float64))
