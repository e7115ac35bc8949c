"""The selection of a recipe for the columns of one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import awkward as ak
import numpy as np

from aeplugin.channels import channel_columns, events_of, in_channel
from aeplugin.errors import RecipeError
from aeplugin.event_numbers import event_uniform
from aeplugin.readers import Groups
from aeplugin.recipe_training import Selection
from aeplugin.selection.columns import FileColumns
from aeplugin.selection.evaluation import Values
from aeplugin.selection.leptons import no_leptons
from aeplugin.selection.meaning import Expression, understand

STREAM = "fraction"
"""The random numbers that decide which events a fraction of them has."""

_NO_LEPTONS = "no electrons or muons"


@dataclass(frozen=True)
class Applied:
    """What one cut says of a block.

    Attributes:
        cut: its name: the expression, "channel 2b", "no electrons or muons", "fraction 0.5".
        collection: that whose objects it selects, or None where it selects events.
        mask: shape (objects of all events of the block,), or (events,).
    """

    cut: str
    collection: str | None
    mask: np.ndarray


class Selector:
    """Carries out a selection on blocks of events of one file; worker processes may have a copy.

    Attributes:
        used: the columns of the file that `apply` looks at.
        columns: those of them that are in none of the groups.
        idle: expressions of `objects` that are about none of the groups, and so change nothing here.
    """

    def __init__(
        self,
        selection: Selection,
        groups: Groups,
        schema: Mapping[str, str],
        seed: int,
        where: str | Path,
        others: Groups = MappingProxyType({}),
    ) -> None:
        """
        Args:
            groups: for each collection whose objects are wanted its variables and their columns, which the file has.
            schema: for each column of the file its type, as `aeplugin.recipe_files.schema_of` gives them.
            seed: of the fraction.
            where: names the file in errors.
            others: the recipe's other collections, which expressions may call by their names.

        Raises:
            RecipeError: the selection does not fit the file; all problems are told at once.
        """
        self._groups, self._seed, self._where = groups, seed, str(where)
        self._fraction, self._channel = selection.fraction, selection.channel
        self._events: list[Expression] = []
        self._objects: list[Expression] = []
        file = FileColumns({**others, **groups}, schema)
        of_channel: tuple[str, ...] = ()
        idle: list[str] = []
        problems = _Problems(f"{where}: training.selection")
        if selection.channel is not None:
            with problems.about("channel"):
                of_channel = channel_columns(selection.channel, schema)
        if selection.lepton_veto:
            with problems.about("lepton_veto"):
                self._events.append(replace(_about_events(no_leptons(schema), file), text=_NO_LEPTONS))
        for text in selection.events:
            with problems.about("events"):
                self._events.append(_about_events(text, file))
        for text in selection.objects:
            with problems.about("objects"):
                expression = _about_objects(text, file)
                if expression.collection in groups:
                    self._objects.append(expression)
                else:
                    idle.append(text)
        problems.raise_any()
        self.idle = tuple(idle)
        self._needed = self._columns_needed(file)
        counting = [next(iter(columns.values())) for columns in groups.values()]
        self.used = tuple(dict.fromkeys((*counting, *of_channel, *self._needed)))
        in_groups = {column for columns in groups.values() for column in columns.values()}
        self.columns = tuple(column for column in self.used if column not in in_groups)

    def _columns_needed(self, file: FileColumns) -> dict[str, str | None]:
        """For each column of the expressions its collection, with one column of each group whose objects are cut."""
        needed: dict[str, str | None] = {}
        for expression in (*self._events, *self._objects):
            needed |= expression.columns
        for expression in self._objects:
            column = next(iter(self._groups[expression.collection or ""].values()))
            needed[column] = file.collection(column)
        return needed

    def apply(self, file: int, start: int, arrays: Mapping[str, ak.Array]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Which events of a block are selected, shape (events,), and for each group which objects, flat.

        Objects are those of all events of the block, also of those that are not selected: shape (objects,).

        Args:
            file: its index among the files that are read together.
            start: the entry of the file that the block begins with.
            arrays: at least the columns `used`, for the events of the block.

        Raises:
            InputError: columns of a collection differ in the number of objects of an event.
        """
        events = np.ones(len(next(iter(arrays.values()))), bool)
        objects = {}
        for name, columns in self._groups.items():
            objects[name] = np.ones(int(objects_per_event(arrays[next(iter(columns.values()))]).sum()), bool)
        for applied in self.steps(file, start, arrays):
            if applied.collection is None:
                events &= applied.mask
            else:
                objects[applied.collection] &= applied.mask
        return events, objects

    def steps(self, file: int, start: int, arrays: Mapping[str, ak.Array]) -> Iterator[Applied]:
        """The same cut by cut, each for all events and objects of the block: what `apply` joins."""
        if self._fraction < 1:
            stop = start + len(next(iter(arrays.values())))
            chosen = event_uniform(self._seed, STREAM, file, start, stop) < self._fraction
            yield Applied(f"fraction {self._fraction:g}", None, chosen)
        if self._channel is not None:
            yield Applied(f"channel {self._channel}", None, in_channel(events_of(arrays), self._channel))
        if self._needed:
            values = Values(arrays, self._needed, self._where)
            for expression in self._events:
                yield Applied(expression.text, None, values.evaluate(expression))
            for expression in self._objects:
                yield Applied(expression.text, expression.collection, values.evaluate(expression))


class _Problems:
    """What is wrong with a selection, so that all of it is told at once."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._found: list[str] = []

    @contextmanager
    def about(self, key: str) -> Iterator[None]:
        """What is found wrong inside this block is wrong with that key of the selection."""
        try:
            yield
        except RecipeError as error:
            self._found.append(f"{self._where}.{key}: {error}")

    def raise_any(self) -> None:
        """Raise what was found, if anything."""
        if self._found:
            raise RecipeError("\n".join(self._found))


def _about_events(text: str, file: FileColumns) -> Expression:
    expression = understand(text, file)
    if expression.collection is not None:
        raise RecipeError(
            f"{text!r}: gives one value per object of {expression.collection}; expected one per event: say any(...) or "
            "all(...), or say it in objects"
        )
    return expression


def _about_objects(text: str, file: FileColumns) -> Expression:
    expression = understand(text, file)
    if expression.collection is not None:
        return expression
    if (single := file.single_collection(tuple(expression.columns))) is not None:
        return replace(expression, collection=single)
    if file.objects_are_entries:
        return expression
    raise RecipeError(
        f"{text!r}: gives one value per event; expected a column with one value per object, such as that of a "
        "collection of the recipe; what events have to fulfil is said in events"
    )


def objects_per_event(array: ak.Array) -> np.ndarray:
    """How many values a column has in each event, shape (events,); 1 where it has no lists."""
    return ak.to_numpy(ak.num(array)) if array.ndim > 1 else np.ones(len(array), np.int64)
