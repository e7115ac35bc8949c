"""Cuts on quantities of events, and how many events change side of them."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from aeplugin.errors import RecipeError, nearest
from aeplugin.plots.drawing.wording import amount
from aeplugin.plots.physics.event_quantities import Quantity
from aeplugin.plots.plot import Cell, Section, Table

_COMPARE: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Cut:
    """A condition on a quantity; an event without a value does not pass it."""

    quantity: Quantity
    sign: str
    value: float

    @property
    def text(self) -> str:
        """As in a recipe, with the unit: ``HT > 600000 MeV``."""
        return f"{self.quantity.name} {self.sign} {self.value:.12g} {self.quantity.unit}".strip()

    @property
    def label(self) -> str:
        """The same in mathtext."""
        sign = self.sign.replace(">=", "\u2265").replace("<=", "\u2264")
        return f"{self.quantity.title} {sign} {amount(self.value, self.quantity.unit)}"

    def passes(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Which events pass, shape (events,), given the quantities' values."""
        with np.errstate(invalid="ignore"):
            return _COMPARE[self.sign](values[self.quantity.name], self.value)


def parse_cuts(texts: Sequence[str], quantities: Sequence[Quantity]) -> list[Cut]:
    """The cuts of a recipe, ``NAME OP NUMBER`` each, with OP one of <, <=, > and >=.

    Raises:
        RecipeError: a text is not of this form, or names something that the file's events do not have.
    """
    known = {quantity.name: quantity for quantity in quantities if not quantity.per_jet}
    return [_parse(text, known) for text in texts]


def _parse(text: str, known: Mapping[str, Quantity]) -> Cut:
    where = f"plots.cuts: {text!r}"
    parts = re.fullmatch(r"\s*(\w+)\s*(<=|>=|<|>)\s*(\S+)\s*", text)
    if parts is None:
        raise RecipeError(f"{where}: expected NAME OP NUMBER with OP one of <, <=, >, >=, as in 'HT > 600e3'")
    name, sign, number = parts.groups()
    if name not in known:
        there = f"there are {', '.join(known)}" if known else "there are none"
        raise RecipeError(f"{where}: this file's events have no {name!r}{nearest(name, list(known))} ({there})")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RecipeError(f"{where}: {number!r} is no finite number")
    return Cut(known[name], sign, value)


def median_cut(quantity: Quantity, median: float) -> Cut:
    """The cut where most events lie near it: at the median, rounded to two digits."""
    return Cut(quantity, ">", float(f"{median:.1e}"))


@dataclass
class Tally:
    """Events that pass before, that pass after, that pass after only (gained), and that pass before only (lost)."""

    before: float = 0
    after: float = 0
    gained: float = 0
    lost: float = 0

    def add(self, before: np.ndarray, after: np.ndarray, weights: np.ndarray | None) -> None:
        """Count events, or sum their `weights`; which pass, shape (events,) each."""
        chosen = {"before": before, "after": after, "gained": after & ~before, "lost": before & ~after}
        for name, passes in chosen.items():
            added = int(passes.sum()) if weights is None else float(weights[passes].sum())
            setattr(self, name, getattr(self, name) + added)

    @property
    def changed(self) -> float:
        """Events that change side, as a share of those that pass before; NaN where none does."""
        return (self.gained + self.lost) / self.before if self.before else math.nan

    @property
    def net(self) -> float:
        """Relative change of the number that pass; NaN where none does."""
        return (self.after - self.before) / self.before if self.before else math.nan

    @property
    def net_error(self) -> float:
        """Its statistical uncertainty, of counts: gains and losses fluctuate independently."""
        return math.sqrt(self.gained + self.lost) / self.before if self.before else math.nan


@dataclass
class Step:
    """What one cut, or several together, do: numbers of events, and sums of their weights."""

    cuts: tuple[Cut, ...]
    counts: Tally = field(default_factory=Tally)
    weights: Tally = field(default_factory=Tally)

    def update(
        self, before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], weights: np.ndarray | None
    ) -> None:
        """Add events, given the quantities' values on both sides."""
        passes = [np.logical_and.reduce([cut.passes(values) for cut in self.cuts]) for values in (before, after)]
        self.counts.add(passes[0], passes[1], None)
        if weights is not None:
            self.weights.add(passes[0], passes[1], weights)


@dataclass
class Selection:
    """Cuts, each alone and one after the other.

    Attributes:
        alone: for each cut what it does alone.
        flow: for the first cut, the first two and so on what they do together; empty for one cut, which is alone.
    """

    alone: list[Step]
    flow: list[Step]

    @staticmethod
    def of(cuts: Sequence[Cut]) -> Selection:
        """The selection that takes events that pass all `cuts`."""
        flow = [Step(tuple(cuts[: i + 1])) for i in range(len(cuts))] if len(cuts) > 1 else []
        return Selection([Step((cut,)) for cut in cuts], flow)

    def update(
        self, before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], weights: np.ndarray | None
    ) -> None:
        """Add events, given the quantities' values on both sides."""
        for step in (*self.alone, *self.flow):
            step.update(before, after, weights)


def selection_table(selection: Selection, weighted: bool, network: str) -> Table:
    """Events before, after, gained and lost, for each cut alone and for the cut flow; with sums of weights beside."""
    rows: list[tuple[Cell, ...]] = []
    for how, steps in (("alone", selection.alone), ("in turn", selection.flow)):
        for step in steps:
            counts, sums = step.counts, step.weights
            share = (_per_cent(counts.changed), _per_cent(counts.net), _per_cent(counts.net_error))
            row = (step.cuts[-1].text, how, counts.before, counts.after, counts.gained, counts.lost, *share)
            rows.append((*row, sums.before, sums.after, sums.gained, sums.lost) if weighted else row)
    columns = ("cut", "applied", "before", "after", "gained", "lost", "changed [%]", "net [%]", "net error [%]")
    sums_of_weights = tuple(f"{name} (weights)" for name in ("before", "after", "gained", "lost"))
    return Table(
        name="selection",
        section=Section.physics,
        title="Events that change side of a cut",
        caption="Events that pass each cut alone, and those that pass it and all above it (in turn), before and after. "
        "Gained are those that pass only after, lost those that pass only before; changed (both) and net (the one less "
        "the other) are relative to the events that pass before, and the error of net is statistical.",
        columns=columns + (sums_of_weights if weighted else ()),
        rows=rows,
        network=network,
    )


def _per_cent(share: float) -> float | None:
    return None if math.isnan(share) else 100 * share
