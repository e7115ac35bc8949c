"""The variables of a density in coding order, and which of them have a meaning in physics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aeplugin.training.density.columns import CodedColumn, CodedGroup


@dataclass(frozen=True)
class Momentum:
    """Indices of the variables that are the momentum of a collection's objects."""

    pt: int
    phi: int
    eta: int | None


@dataclass(frozen=True)
class Variable:
    """What is coded in one place of the order: a column, or the number of objects of a group where `column` is None."""

    group: CodedGroup
    column: CodedColumn | None

    @property
    def name(self) -> str:
        """For reports: "Jet_pt", or "number of Jet"."""
        return self.column.column if self.column else f"number of {self.group.name}"


class Layout:
    """Variables in coding order, and indices among them.

    Attributes:
        events, counts: indices of what an event has once, and of the numbers of objects.
        objects: for each group with lists the indices of its variables.
    """

    def __init__(
        self, groups: Sequence[CodedGroup], events: Sequence[CodedColumn], missing: tuple[CodedColumn, ...] = ()
    ) -> None:
        """
        Args:
            groups: the columns of those with lists are in coding order.
            events: the columns of all others, in coding order.
            missing: size and angle of the missing momentum, among `events`.
        """
        of = {column.column: group for group in groups for column in group.columns}
        lists = [group for group in groups if not group.is_single]
        self.variables = [
            *(Variable(of[column.column], column) for column in events),
            *(Variable(group, None) for group in lists),
            *(Variable(group, column) for group in lists for column in group.columns),
        ]
        self.events = range(len(events))
        self.counts = range(len(events), len(events) + len(lists))
        self.objects: dict[str, range] = {}
        start = len(events) + len(lists)
        for group in lists:
            self.objects[group.name] = range(start, start := start + len(group.columns))
        self.missing = tuple(self.index(column) for column in missing)

    def index(self, column: CodedColumn) -> int:
        """That of the variable of a column."""
        return next(i for i, variable in enumerate(self.variables) if variable.column == column)

    def count_of(self, group: str) -> int:
        """The index of a group's number of objects."""
        return next(i for i in self.counts if self.variables[i].group.name == group)

    def momentum(self, group: str) -> Momentum | None:
        """That of the objects of a group; None where it has none."""
        found = momentum_columns(next(v.group for v in self.variables if v.group.name == group))
        if "pt" not in found or "phi" not in found:
            return None
        eta = found.get("eta")
        return Momentum(self.index(found["pt"]), self.index(found["phi"]), self.index(eta) if eta else None)


def momentum_columns(group: CodedGroup) -> dict[str, CodedColumn]:
    """The columns of a collection that are called pt, phi and eta, in upper or lower case, as far as they are there.

    An angle phi is periodic, and all of them may move.
    """
    by_name = {column.variable.lower(): column for column in reversed(group.columns) if column.kind != "exact"}
    phi = by_name.get("phi")
    if phi is not None and not (phi.periodic and phi.kind == "abs"):
        del by_name["phi"]
    return {name: column for name in ("pt", "phi", "eta") if (column := by_name.get(name))}
