"""Two passes over the objects of a data set by kind, in step and in blocks: statistics and ranges, then histograms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field

import hist
import numpy as np

from aeplugin import residuals
from aeplugin.plots.binning import Bins, residual_bins, value_bins
from aeplugin.plots.drawing import wording
from aeplugin.plots.drawing.style import CYCLE
from aeplugin.plots.filling import empty, fill_finite, ordinary
from aeplugin.plots.kinds_of_objects import Kinds, Member
from aeplugin.plots.pairs import Pair
from aeplugin.recipe import Column
from aeplugin.statistics import Sample

FEWEST = 20
"""Objects of a kind whose distribution is drawn by itself."""
OTHERS = "others"
ALL = "all"
_MOST_OBJECTS = 60
"""Objects of a kind per event that have a bin of their own."""


@dataclass
class Survey:
    """The first pass.

    Attributes:
        objects: by kind.
        values: of the original, by variable; weighted so that every kind of a block has the same say in the range.
        residuals: in kind, of what may move, by variable.
        moving: for each variable the kinds with a residual that is not zero.
        most: the largest number of objects of a kind in an event.
    """

    objects: Counter[str] = field(default_factory=Counter)
    values: dict[str, Sample] = field(default_factory=dict)
    residuals: dict[str, Sample] = field(default_factory=dict)
    moving: dict[str, set[str]] = field(default_factory=dict)
    most: int = 0

    @property
    def names(self) -> dict[str, str]:
        """For each kind the name that it is drawn under: its own, or "others" for the rarest where there are many.

        The commonest comes first.
        """
        order = sorted((kind for kind in self.objects if self.objects[kind]), key=lambda k: (-self.objects[k], k))
        own = order if len(order) <= len(CYCLE) else order[: len(CYCLE) - 1]
        return {kind: kind if kind in own else OTHERS for kind in order}

    @property
    def numbers(self) -> Counter[str]:
        """Objects by the names of kinds, the commonest first but for the others."""
        numbers: Counter[str] = Counter()
        for kind, name in self.names.items():
            numbers[name] += self.objects[kind]
        return numbers

    def moves(self, variable: str, name: str) -> bool:
        """Whether a variable moves for any of the kinds called `name`."""
        return any(called == name and kind in self.moving[variable] for kind, called in self.names.items())


class Moments:
    """Mean and width of values before, after, and of residuals; of finite ones."""

    def __init__(self) -> None:
        self.before, self.after, self.residual = Sample(), Sample(), Sample()

    def add(self, values: Sequence[np.ndarray], weights: np.ndarray | None) -> None:
        """Values before, after, and residuals, shape (objects,) each."""
        for target, added in zip((self.before, self.after, self.residual), values, strict=True):
            target.update(added, weights)


def mean_and_width(sample: Sample) -> tuple[float | None, float | None]:
    """Mean and standard deviation (about the mean, of n values over n); None where there is none."""
    return (sample.mean, sample.deviation) if sample.weight > 0 else (None, None)


ByKind = dict[str, hist.Hist]


@dataclass
class Filled:
    """The second pass: histograms by variable, then by the name of a kind that is drawn.

    Those of the original and the reconstructed come in pairs: fine ones, whose sum is smooth, and wide ones, which are
    smooth for a kind of middling numbers.
    """

    fine: dict[str, tuple[ByKind, ByKind]]
    wide: dict[str, tuple[ByKind, ByKind]]
    residuals: dict[str, ByKind]
    multiplicity: ByKind
    moments: dict[str, dict[str, Moments]]
    log: dict[str, bool]
    rare: list[str]
    """Kinds without wide histograms and residuals: of so few objects that they would be all spikes."""


def rule_of(member: Member, kinds: Kinds, variable: str) -> Column:
    """What the recipe says of a variable of the objects of one kind."""
    return kinds.rules[member.group][variable]


def in_kind(column: Column) -> bool:
    """Whether the residual in kind is the relative one."""
    return column.tolerance.rel is not None


def shown_rule(kinds: Kinds, variable: str) -> Column | None:
    """The column whose kind of residual is drawn: the first that may move; None where nothing may."""
    return next((rules[variable] for rules in kinds.rules.values() if not rules[variable].tolerance.is_exact), None)


def common_tolerance(kinds: Kinds, variable: str) -> float | None:
    """The tolerance of a variable, if it is the same for all kinds that may move."""
    every = {str(rules[variable].tolerance) for rules in kinds.rules.values() if not rules[variable].tolerance.is_exact}
    shown = shown_rule(kinds, variable)
    return residuals.bound(shown) if shown is not None and len(every) == 1 else None


def _residual(member: Member, kinds: Kinds, variable: str) -> np.ndarray:
    """Residuals of the kind that is drawn for the variable; NaN for what has none."""
    shown = shown_rule(kinds, variable) or kinds.columns[variable]
    before, after = member.before.columns[variable], member.after.columns[variable]
    with np.errstate(invalid="ignore"):
        return residuals.residual_in_kind(ordinary(before, rule_of(member, kinds, variable)), after, shown)


def survey(pair: Pair, kinds: Kinds) -> Survey:
    """The first pass: how many objects of each kind, and the ranges of values and residuals.

    Raises:
        InputError: see `Pair.blocks`.
    """
    found = Survey(
        values={v: Sample() for v in kinds.columns},
        residuals={v: Sample() for v in kinds.columns if shown_rule(kinds, v) is not None},
        moving={v: set() for v in kinds.columns},
    )
    for block in pair.blocks(kinds.groups):
        for member in kinds.in_step(block):
            found.objects[member.kind] += len(member.before)
            found.most = max(found.most, int(member.before.counts.max(initial=0)))
            for variable in kinds.columns:
                rule = rule_of(member, kinds, variable)
                values = ordinary(member.before.columns[variable], rule)
                found.values[variable].update(values, np.full(len(values), 1 / max(len(values), 1)))
                if rule.tolerance.is_exact or variable not in found.residuals:
                    continue
                moved = _residual(member, kinds, variable)
                found.residuals[variable].update(moved, member.weights)
                if (np.isfinite(moved) & (moved != 0)).any():
                    found.moving[variable].add(member.kind)
    return found


def fill(pair: Pair, kinds: Kinds, found: Survey) -> Filled:
    """The second pass: histograms in the ranges that `survey` found, of the kinds that are drawn."""
    weighted = pair.weight is not None
    names, numbers = found.names, found.numbers
    drawn, common = list(numbers), [name for name, number in numbers.items() if number >= FEWEST] or list(numbers)
    count = _lower_median([numbers[name] for name in common])
    fine = {v: value_bins(found.values[v], _binned_as(kinds, v)) for v in kinds.columns}
    wide = {v: value_bins(sampled(found.values[v], count), _binned_as(kinds, v)) for v in kinds.columns}
    filled = Filled(
        fine={v: _pair(drawn, fine[v], kinds, v, weighted) for v in kinds.columns},
        wide={v: _pair(common, wide[v], kinds, v, weighted) for v in kinds.columns},
        residuals={v: _residual_histograms(kinds, found, v, common, weighted) for v in found.residuals},
        multiplicity=_by_kind(drawn, _numbers(found.most), "objects of the kind in an event", weighted),
        moments={v: {name: Moments() for name in (ALL, *drawn)} for v in kinds.columns},
        log={v: binning.log for v, binning in fine.items()},
        rare=[name for name in drawn if name not in common],
    )
    for block in pair.blocks(kinds.groups):
        counts = {name: np.zeros(block.events) for name in drawn}
        for member in kinds.in_step(block):
            if member.kind in names:
                counts[names[member.kind]] += member.before.counts
                for variable in kinds.columns:
                    _fill(filled, member, kinds, variable, names[member.kind])
        for name, number in counts.items():
            fill_finite(filled.multiplicity[name], number, block.weights)
    return filled


def _lower_median(numbers: Sequence[int]) -> int:
    return sorted(numbers)[(len(numbers) - 1) // 2]


def sampled(sample: Sample, count: int) -> Sample:
    """The same statistics as if of `count` values, for wider bins."""
    fewer = copy(sample)
    fewer.count = min(count, sample.count)
    return fewer


def _binned_as(kinds: Kinds, variable: str) -> Column:
    """The column for bins: with the tolerance, so that bins fit its grid, only where all share it."""
    column = kinds.columns[variable]
    if common_tolerance(kinds, variable) is None:
        return column.model_copy(update={"tolerance": Column.model_validate({"tolerance": "exact"}).tolerance})
    shown = shown_rule(kinds, variable)
    return column if shown is None else column.model_copy(update={"tolerance": shown.tolerance})


def _numbers(most: int) -> Bins:
    return Bins(np.arange(min(most, _MOST_OBJECTS) + 2) - 0.5)


def _by_kind(names: Sequence[str], bins: Bins, title: str, weighted: bool) -> ByKind:
    return {name: empty(bins, title, weighted) for name in names}


def _pair(names: Sequence[str], bins: Bins, kinds: Kinds, variable: str, weighted: bool) -> tuple[ByKind, ByKind]:
    """Empty histograms of the original and of the reconstructed."""
    title = wording.axis_title(variable, kinds.columns[variable].unit, 0)
    return _by_kind(names, bins, title, weighted), _by_kind(names, bins, title, weighted)


def _residual_histograms(kinds: Kinds, found: Survey, variable: str, names: Sequence[str], weighted: bool) -> ByKind:
    """For those of the kinds called `names` that move: what is kept exactly would be one spike at zero."""
    moving = [name for name in names if found.moves(variable, name)]
    shown = shown_rule(kinds, variable)
    assert shown is not None
    rules = [rules[variable] for rules in kinds.rules.values()]
    tolerances = [residuals.bound(rule) for rule in rules if in_kind(rule) == in_kind(shown)]
    count = _lower_median([found.numbers[name] for name in moving]) if moving else 0
    bins = residual_bins(sampled(found.residuals[variable], count), max(tolerances))
    title = f"{'relative ' if in_kind(shown) else ''}residual of {variable}"
    unit = "" if in_kind(shown) else shown.unit
    return _by_kind(moving, bins, wording.axis_title(title, unit, 0), weighted)


def _fill(filled: Filled, member: Member, kinds: Kinds, variable: str, name: str) -> None:
    rule, weights = rule_of(member, kinds, variable), member.weights
    before, after = (ordinary(side.columns[variable], rule) for side in (member.before, member.after))
    moved = _residual(member, kinds, variable)
    for originals, reconstructed in (filled.fine[variable], filled.wide[variable]):
        if name in originals:
            fill_finite(originals[name], before, weights)
            fill_finite(reconstructed[name], after, weights)
    if name in filled.residuals.get(variable, {}):
        fill_finite(filled.residuals[variable][name], moved, weights)
    for category in (name, ALL):
        filled.moments[variable][category].add((before, after, moved), weights)
