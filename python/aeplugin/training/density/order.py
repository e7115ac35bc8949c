"""The coding order of columns: what is known of physics first, the rest by how much columns tell about each other."""

from __future__ import annotations

from collections.abc import Sequence

from aeplugin.recipe_resolution import formula_variables
from aeplugin.training.density.columns import CodedColumn, CodedGroup
from aeplugin.training.density.events import Events
from aeplugin.training.density.information import information, ordered
from aeplugin.training.density.layout import Layout, momentum_columns


class Knowledge:
    """How much each column tells about others of its kind: those of the same collection, or all of the event."""

    def __init__(self, columns: Sequence[CodedColumn], events: Events) -> None:
        self._place = {column.column: i for i, column in enumerate(columns)}
        self.nats = information([events.grids[column.column] for column in columns])

    def place(self, column: CodedColumn) -> int:
        """Its row and column of `nats`."""
        return self._place[column.column]


def make_layout(
    groups: Sequence[CodedGroup], missing: tuple[CodedColumn, ...], events: Events
) -> tuple[Layout, dict[str, Knowledge]]:
    """The coding order, and for each group, and "" for all columns of the event, what its columns tell of each other.

    Objects have integers such as their kind first, then pt, phi and eta, then the rest; what a formula predicts comes
    after what the formula names. Events have their missing momentum first.
    """
    singles = [column for group in groups if group.is_single for column in group.columns]
    known = {"": Knowledge(singles, events)}
    of_events = _in_order(singles, list(missing), known[""])
    sorted_groups = []
    for group in groups:
        if group.is_single:
            sorted_groups.append(group)
            continue
        known[group.name] = Knowledge(group.columns, events)
        exact = [column for column in group.columns if column.kind == "exact"]
        momentum = [column for column in momentum_columns(group).values() if not column.formula]
        columns = _in_order(group.columns, [*exact, *momentum], known[group.name])
        sorted_groups.append(CodedGroup(group.name, False, tuple(columns)))
    return Layout(sorted_groups, of_events, missing), known


def _in_order(columns: Sequence[CodedColumn], first: Sequence[CodedColumn], known: Knowledge) -> list[CodedColumn]:
    by_variable = {(column.group, column.variable): i for i, column in enumerate(columns)}
    needs = {
        i: [by_variable[column.group, name] for name in formula_variables(column.formula)]
        for i, column in enumerate(columns)
        if column.formula
    }
    # What a formula predicts, and nothing needs, tells the others least: it comes last.
    needed = {i for names in needs.values() for i in names}
    last = [i for i in needs if i not in needed]
    ahead = [columns.index(column) for column in first]
    rest = set(range(len(columns))) - set(ahead) - set(last)
    order = ordered(ahead, rest, known.nats, needs)
    order = ordered(order, last, known.nats, needs)
    return [columns[i] for i in order]
