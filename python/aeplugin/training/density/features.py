"""What the network of each variable is told: all of it is decoded before the variable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aeplugin._core import GRID_LIMIT
from aeplugin.training.density.columns import CodedColumn
from aeplugin.training.density.information import parents
from aeplugin.training.density.layout import Layout
from aeplugin.training.density.order import Knowledge
from aeplugin.training.density.shapes import Shape

PARENTS = 8
"""At most so many other columns, the most informative ones, where physics does not say which."""
BACK = 3
"""Objects before this one whose momenta are features."""
POSITIONS = 4
"""The first objects, and the last, are told apart one by one."""
MOST_LABELS = 8
"""Distinct integers up to which a column becomes one feature for each."""


@dataclass(frozen=True)
class Feature:
    """As of `_core.DensityFeature`, without factor and offset."""

    source: str
    view: str = "linear"
    variable: int = 0
    back: int = 0
    category: int = 0


CONSTANT = Feature("index")
"""For variables of events, which are no objects with an index, it is 0."""


def features_of(
    index: int, layout: Layout, shapes: Sequence[Shape], known: Mapping[str, Knowledge], has_formula: bool
) -> list[Feature]:
    """The features of a variable, at least one."""
    choice = _Choice(layout, shapes, known)
    variable = layout.variables[index]
    if index in layout.events:
        found = choice.of_event(index)
    elif variable.column is None:
        found = choice.of_count(index)
    elif has_formula:
        found = choice.of_formula(index)
    else:
        found = choice.of_object(index)
    return list(dict.fromkeys(found)) or [CONSTANT]


class _Choice:
    def __init__(self, layout: Layout, shapes: Sequence[Shape], known: Mapping[str, Knowledge]) -> None:
        self._layout = layout
        self._shapes = shapes
        self._known = known

    def of_event(self, index: int) -> list[Feature]:
        """Other columns of the event."""
        before = range(index)
        return [f for i in self._parents(index, before, self._known[""]) for f in self._views("event", i)]

    def of_count(self, index: int) -> list[Feature]:
        """Columns of the event, and numbers of the objects that come before."""
        events = self._layout.missing or self._layout.events[:PARENTS]
        found = [f for i in events for f in self._views("event", i)]
        for i in range(self._layout.counts.start, index):
            found += [Feature("count", "linear", i), Feature("count", "equals", i, category=0)]
        return found

    def of_formula(self, index: int) -> list[Feature]:
        """Where the value of the formula lies within its integer, and what the object has."""
        own = [i for i in self._own(index) if not self._is_angle(i)]
        sizes = [Feature("own", "size", i) for i in own if self._is_signed(i)]
        return [Feature("phase"), *(f for i in own for f in self._views("own", i)), *sizes]

    def of_object(self, index: int) -> list[Feature]:
        """Where in the event the object stands, the event so far, the objects before, and the object so far.

        A momentum is told what matters for it and no more: few events would teach a network to see more in them.
        """
        layout = self._layout
        group = layout.variables[index].group.name
        momentum = layout.momentum(group)
        if momentum is None:
            return [*self._position(group), *self._balance(), *self._before(index, group), *self._of_object(index)]
        labels = [f for i in self._labels(group) for f in self._views("back", i, 1)]
        own = self._of_object(index)
        if index == momentum.pt:
            before = self._of_earlier(momentum.pt)
            return [*self._position(group), *self._balance(), *before, *labels, *own]
        if index == momentum.phi:
            before = self._views("back", momentum.pt, 1)
            return [*self._ending(group), Feature("missing"), *before, *labels, *own, Feature("phase")]
        if index == momentum.eta:
            apart = self._of_earlier(momentum.phi, "separation")
            return [*self._ending(group), Feature("longitudinal"), *self._of_earlier(index), *apart, *labels, *own]
        return [*self._position(group), *self._balance(), *self._before(index, group), *own]

    def _position(self, group: str) -> list[Feature]:
        number = self._layout.count_of(group)
        return [
            Feature("index"),
            *(Feature("index", "equals", category=k) for k in range(POSITIONS)),
            *(Feature("remaining", "equals", category=k) for k in range(1, POSITIONS + 1)),
            Feature("count", "linear", number),
            *(Feature("count", "linear", other) for other in self._layout.counts if other != number),
        ]

    def _ending(self, group: str) -> list[Feature]:
        """Whether the object is the first, and how many are left."""
        left = [Feature("remaining", "equals", category=k) for k in range(1, POSITIONS + 1)]
        return [Feature("index", "equals", category=0), *left, Feature("count", "linear", self._layout.count_of(group))]

    def _balance(self) -> list[Feature]:
        """What the momenta of the event so far add up to."""
        layout = self._layout
        if not layout.missing and not any(layout.momentum(group) for group in layout.objects):
            return []
        missing = self._views("event", layout.missing[0]) if layout.missing else []
        return [Feature("missing"), Feature("activity"), Feature("longitudinal"), *missing]

    def _of_earlier(self, index: int, view: str | None = None) -> list[Feature]:
        """A variable of some objects before."""
        places = [*(("back", d) for d in range(1, BACK + 1)), ("first", 0)]
        if view is not None:
            return [Feature(source, view, index, back) for source, back in places]
        return [f for source, back in places for f in self._views(source, index, back)]

    def _labels(self, group: str) -> list[int]:
        return [i for i in self._layout.objects[group] if self._column(i).kind == "exact"]

    def _before(self, index: int, group: str) -> list[Feature]:
        """Of the object before: its momentum, labels, and the variable itself."""
        momentum = self._layout.momentum(group)
        parts = [] if momentum is None else [i for i in (momentum.pt, momentum.eta) if i is not None]
        return [f for i in dict.fromkeys([*parts, *self._labels(group), index]) for f in self._views("back", i, 1)]

    def _of_object(self, index: int) -> list[Feature]:
        """What is decoded of the object."""
        own = self._own(index)
        return [f for i in own for f in (self._angle(i) if self._is_angle(i) else self._views("own", i))]

    def _own(self, index: int) -> list[int]:
        """Columns of the object that are decoded: labels and momentum, and those that tell most."""
        group = self._layout.variables[index].group.name
        before = range(self._layout.objects[group].start, index)
        momentum = self._layout.momentum(group)
        parts = set() if momentum is None else {momentum.pt, momentum.phi, momentum.eta}
        sure = [i for i in before if i in parts or self._column(i).kind == "exact"]
        others = [i for i in before if i not in sure]
        return [*sure, *self._parents(index, others, self._known[group])]

    def _parents(self, index: int, before: Iterable[int], known: Knowledge) -> list[int]:
        place = {known.place(self._column(i)): i for i in before}
        return [place[i] for i in parents(known.place(self._column(index)), list(place), known.nats, PARENTS)]

    def _views(self, source: str, index: int, back: int = 0) -> list[Feature]:
        """Of a column as a number; of one with few integers one feature for each; and of marks one each."""
        atoms = self._shapes[index].atoms
        if not self._shapes[index].range and len(atoms) <= MOST_LABELS:
            told = atoms[1:] if source != "back" and len(atoms) > 1 else atoms
            return [Feature(source, "equals", index, back, atom) for atom in told]
        marks = [atom for atom in atoms if abs(atom) > GRID_LIMIT][:2]
        equal = [Feature(source, "equals", index, back, mark) for mark in marks]
        return [Feature(source, "linear", index, back), *equal]

    def _angle(self, index: int) -> list[Feature]:
        return [Feature("own", view, index) for view in ("cosine", "sine")]

    def _is_angle(self, index: int) -> bool:
        """Whether it is the angle of an object's momentum, which has one to what is missing."""
        momentum = self._layout.momentum(self._layout.variables[index].group.name)
        return momentum is not None and index == momentum.phi

    def _is_signed(self, index: int) -> bool:
        shape = self._shapes[index]
        return shape.first < 0 < shape.first + (shape.range << shape.shift)

    def _column(self, index: int) -> CodedColumn:
        column = self._layout.variables[index].column
        assert column is not None  # of a count, which is no column
        return column
