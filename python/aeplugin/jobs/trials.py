"""Trials of a scan: a recipe with other values of some of its fields."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product
from typing import Any, Literal

import numpy as np
from pydantic import Field, JsonValue, model_serializer, model_validator

from aeplugin.documents import Strict
from aeplugin.errors import RecipeError, nearest
from aeplugin.recipe import Number, Recipe
from aeplugin.recipe_training import PRESETS

Search = Literal["grid", "random", "optuna"]
Objective = Literal["bits", "loss", "fraction"]
Changes = dict[str, Any]
"""Fields of a recipe and their values."""

_OF_PRESETS = frozenset(key for preset in PRESETS.values() for key in preset)
"""What a preset says of a network, or leaves at its default."""
_DIGITS = 4
"""Of numbers out of a range: more say nothing, and make tables wide."""


class Values(Strict):
    """What a field is tried with: a list of values, or a range of numbers, as in {low: 1e-4, high: 1e-2, log: true}."""

    choices: list[JsonValue] = Field(default=[])
    low: Number | None = None
    high: Number | None = None
    log: bool = Field(default=False, description="every decade is as likely as the next one")
    integer: bool = Field(default=False, description="whole numbers only")

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, content: Any) -> Any:
        return {"choices": content} if isinstance(content, list) else content

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Values:
        if self.low is None and self.high is None:
            return self
        if self.low is None or self.high is None or self.choices:
            raise ValueError("expected a list of values, or both 'low' and 'high'")
        if not self.low < self.high:
            raise ValueError(f"'low' must be less than 'high', got {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"with 'log' the numbers must be greater than 0, got low {self.low:g}")
        if self.integer and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError(f"with 'integer' both ends must be whole, got {self.low:g} and {self.high:g}")
        return self

    @model_serializer
    def _plain(self) -> list[Any] | dict[str, Any]:
        if not self.is_range:
            return self.choices
        flags = {name: True for name in ("log", "integer") if getattr(self, name)}
        return {"low": self._end("low"), "high": self._end("high"), **flags}

    @property
    def is_range(self) -> bool:
        """Whether it is a range of numbers."""
        return self.low is not None

    @property
    def number(self) -> float:
        """How many values there are; infinite for a range of all numbers."""
        if not self.is_range:
            return len(self.choices)
        low, high = self.ends
        return high - low + 1 if self.integer else math.inf

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends of a range."""
        assert self.low is not None  # as checked above
        assert self.high is not None
        return self.low, self.high

    @property
    def examples(self) -> list[Any]:
        """All values of a list; of a range both ends and, unless it is of whole numbers, one that is none."""
        if not self.is_range:
            return self.choices
        low, high = self.ends
        inner = [] if self.integer else [low + (high - low) / math.e]
        return [self._end("low"), self._end("high"), *inner]

    def draw(self, rng: np.random.Generator) -> Any:
        """A value by chance."""
        if not self.is_range:
            return self.choices[int(rng.integers(len(self.choices)))]
        low, high = self.ends
        reach = 0.5 if self.integer else 0.0  # the first and the last whole number are as likely as others
        first, last = low - reach, high + reach
        fraction = rng.random()
        value = first * (last / first) ** fraction if self.log else first + (last - first) * fraction
        return self.rounded(value)

    def rounded(self, value: float) -> float | int:
        """A number of a range as trials have it."""
        low, high = self.ends
        whole = round(value) if self.integer else float(f"{value:.{_DIGITS}g}")
        nearby = min(max(whole, low), high)
        return int(nearby) if self.integer else float(nearby)

    def _end(self, which: Literal["low", "high"]) -> float | int:
        value = self.ends[which == "high"]
        return int(value) if self.integer else value


Scan = dict[str, Values]


def grid(scan: Mapping[str, Values]) -> list[Changes]:
    """All combinations of the values of a scan."""
    lists = [values.choices for values in scan.values()]
    return [dict(zip(scan, values, strict=True)) for values in product(*lists)]


def random_trials(scan: Mapping[str, Values], number: int, seed: int) -> list[Changes]:
    """So many different combinations; of two numbers the larger gives the same ones and more."""
    return list(islice(draw_different(scan, np.random.default_rng(seed)), number))


def draw_different(
    scan: Mapping[str, Values], rng: np.random.Generator, seen: Iterable[Changes] = ()
) -> Iterator[Changes]:
    """Combinations by chance, none of them twice nor among those `seen`, as long as there are others."""
    known = {key_of(changes) for changes in seen}
    while len(known) < combinations(scan):
        changes = {field: values.draw(rng) for field, values in scan.items()}
        if key_of(changes) not in known:
            known.add(key_of(changes))
            yield changes


def combinations(scan: Mapping[str, Values]) -> float:
    """How many different trials there can be; infinite where a field may have any number of a range."""
    return math.prod(_different(values) for values in scan.values())


def _different(values: Values) -> float:
    return values.number if values.is_range else len({json.dumps(value) for value in values.choices})


def key_of(changes: Changes) -> str:
    """A text that is the same for the same values."""
    return json.dumps(changes, sort_keys=True)


def check_scan(recipe: Recipe, scan: Mapping[str, Values]) -> None:
    """Try every value on the recipe, so that a misspelt field is told before anything runs.

    Raises:
        RecipeError: see `with_fields`; a field is one of the network for whole events.
    """
    for field, values in scan.items():
        if field.split(".")[0] == "events":
            raise RecipeError(
                f"scan: {field!r} is of the network for whole events, which a scan does not train: it compresses "
                "nothing; expected a field of 'collections', 'columns' or 'training'"
            )
        for value in values.examples:
            with_fields(recipe, {field: value})


def with_fields(recipe: Recipe, changes: Changes) -> Recipe:
    """The recipe with other values of some fields, named as in "collections.Jet.network.latents".

    A `*` on the way stands for every name there, as in "collections.*.normalisation". A preset of a network replaces
    what the recipe says of the same network, but not other fields among the changes.

    Raises:
        RecipeError: there is no such field, or the recipe breaks the schema with it.
    """
    if not changes:
        return recipe
    content = recipe.model_dump(mode="json", exclude_none=True)
    for field, value in sorted(changes.items(), key=lambda item: not item[0].endswith(".preset")):
        *way, last = field.split(".")
        for inner in _places(content, way, field):
            if last == "preset" and isinstance(value, str) and value in PRESETS:
                for key in _OF_PRESETS:
                    inner.pop(key, None)
            inner[last] = value
    return Recipe.from_text(json.dumps(content), where=f"scan: {changes}")


def _places(content: dict[str, Any], way: list[str], field: str) -> list[dict[str, Any]]:
    """The mappings that the way to a field leads to."""
    if not way:
        return [content]
    first, *rest = way
    names = list(content) if first == "*" else [first]
    found = [inner for name in names if isinstance(inner := content.get(name), dict)]
    if not found or len(found) < len(names):
        raise RecipeError(f"scan: the recipe has no {field!r}{nearest(first, list(content))}")
    return [place for inner in found for place in _places(inner, rest, field)]


def objective_of(facts: Mapping[str, Any], objective: Objective) -> float:
    """The number by which trials are ranked, of all collections with a network, each by its number of objects.

    Args:
        facts: what a trial told.

    Returns:
        Bits per object, the loss, or the fraction of objects whose variables are all within their tolerances.
    """
    key = {"bits": "bits", "loss": "loss", "fraction": "within"}[objective]
    return mean_over_objects(facts, key)


def mean_over_objects(facts: Mapping[str, Any], key: str) -> float:
    """A number of each collection of a trial, averaged over objects; NaN where there are none."""
    collections = [each for each in facts["collections"].values() if each["objects"]]
    objects = sum(each["objects"] for each in collections)
    known = all(each[key] is not None for each in collections)
    if not objects or not known:
        return math.nan
    return float(sum(each["objects"] * each[key] for each in collections) / objects)


def is_maximised(objective: Objective) -> bool:
    """Whether more of it is better."""
    return objective == "fraction"
