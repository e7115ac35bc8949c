"""The codec `autoregressive` by docs/format.md and docs/model-file.md, in numpy and without aeplugin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from format_entropy import Decoder, Shape, borders
from format_functions import arctan2, cosh, log, sine, sinh, within
from format_grids import GRID_LIMIT, Formula, Grid
from format_networks import NetworkLayer, Reader, sections

Array = NDArray[Any]

NO_VARIABLE = 2**32 - 1


class Location(IntEnum):
    NONE, FORMULA, DIRECTION, PREVIOUS = range(4)


class Source(IntEnum):
    EVENT, COUNT, INDEX, REMAINING, OWN, BACK, FIRST, MISSING, ACTIVITY, LONGITUDINAL, PHASE = range(11)


class View(IntEnum):
    LINEAR, EQUALS, SIZE, COSINE, SINE, SEPARATION = range(6)


@dataclass
class Feature:
    source: int
    """A `Source`."""
    view: int
    """A `View`."""
    variable: int
    back: int
    category: int
    factor: float
    offset: float


@dataclass
class Variable:
    """One of the integers of an event; those without a name are the counts of their group."""

    group: str
    name: str
    column: str
    tolerance: str
    tolerance_value: float
    is_double: bool
    location: int
    """A `Location`."""
    formula: str
    is_periodic: bool
    first: int
    shape: Shape
    is_descending: bool
    within: int
    atoms: Array
    features: list[Feature] = field(default_factory=list)
    layers: list[NetworkLayer] = field(default_factory=list)


@dataclass
class Momentum:
    """Variables of the momentum of objects or, without eta, of an event."""

    pt: int
    phi: int
    eta: int = NO_VARIABLE


@dataclass
class Density:
    variables: list[Variable]
    momenta: list[Momentum]
    missing: Momentum | None

    def __post_init__(self) -> None:
        counted = {variable.group for variable in self.variables if not variable.name}
        self.of_events = [i for i, variable in enumerate(self.variables)
                          if not variable.name or variable.group not in counted]  # fmt: skip
        objects = [i for i in range(len(self.variables)) if i not in self.of_events]
        self.groups: dict[str, list[int]] = {}
        """Object variables by group."""
        for i in objects:
            self.groups.setdefault(self.variables[i].group, []).append(i)
        self.counts = {v.group: i for i, v in enumerate(self.variables) if not v.name}


class DensityReader(Reader):
    """The section DENS."""

    def read(self) -> Density:
        missing = Momentum(*self.take("II")) if self.one("B") else None
        momenta = [Momentum(*self.take("III")) for _ in range(self.one("I"))]
        density = Density([self.variable() for _ in range(self.one("I"))], momenta, missing)
        assert self.at == len(self.payload)
        return density

    def variable(self) -> Variable:
        group, name, column = self.text(), self.text(), self.text()
        tolerance, value, is_double, location = self.take("BdBB")
        formula = self.text()
        is_periodic, first, size, shift, is_descending, within, atoms = self.take("BiIBBII")
        found = np.array(list(self.take(f"{atoms}i")), np.int64)
        shape = Shape(atoms, first >> shift, size, shift, *self.take("ff"))
        features = [Feature(*self.take("BBIIiff")) for _ in range(self.one("I"))]
        layers = [self.layer() for _ in range(self.one("I"))]
        return Variable(group, name, column, ("exact", "abs", "rel")[tolerance], value, bool(is_double), location,
                        formula, bool(is_periodic), first, shape, bool(is_descending), within, found, features,
                        layers)  # fmt: skip

    def layer(self) -> NetworkLayer:
        inputs, outputs, activation, precision = self.take("IIBB")
        kind = ("f4", "f2")[precision]
        return NetworkLayer(self.floats(inputs * outputs, kind).reshape(outputs, inputs), self.floats(outputs, kind),
                            activation)  # fmt: skip


def read_density(content: bytes) -> Density | None:
    """That of a model file, where it has one."""
    found = [DensityReader(payload, version) for tag, version, payload in sections(content) if tag == b"DENS"]
    return found[0].read() if found else None


@dataclass
class Step:
    """One variable in many rows."""

    variable: int
    events: Array
    """That of each row."""
    k: int = 0
    """The object."""


def is_mark(integers: Array) -> Array:
    return integers < -GRID_LIMIT


Coder = Callable[[Step, Array, Array], Array]
"""What gives the integers of a step, told their borders (rows, symbols + 1) and locations (rows)."""


class Block:
    """What is known of the events of a block."""

    def __init__(self, density: Density, grids: Sequence[Grid | None], events: int) -> None:
        self.density, self.grids, self.events = density, grids, events
        # Per variable an array (events, objects), with room for as many objects as any event has; 0 where there is none
        self.integers = [np.zeros((events, 1), np.int64) for _ in density.variables]
        self.mx, self.my, self.sp, self.sz, self.sa = np.zeros((5, events))

    def run(self, code: Coder) -> None:
        """Goes through all steps."""
        with np.errstate(all="ignore"):
            for step in self.steps():
                locations, phases = self.locations(step)
                integers = code(step, self.borders(step, phases), locations)
                self.integers[step.variable][step.events, step.k] = integers

    def steps(self) -> Iterator[Step]:
        for i in self.density.of_events:
            yield Step(i, np.arange(self.events))
        if self.density.missing:
            pt, cosine, sine_, _ = self.momentum(self.density.missing, np.arange(self.events), 0)
            self.mx, self.my = -(pt * cosine), -(pt * sine_)
        for group, variables in self.density.groups.items():
            counts = self.counts(group)
            assert (counts >= 0).all()
            for i in variables:
                self.integers[i] = np.zeros((self.events, counts.max(initial=0)), np.int64)
            order = np.argsort(-counts, kind="stable")
            for k in range(counts.max(initial=0)):
                rows = order[counts[order] > k]
                for i in variables:
                    yield Step(i, rows, k)
                for momentum in self.density.momenta:
                    if momentum.pt in variables:
                        self.add(momentum, rows, k)

    def counts(self, group: str) -> Array:
        return self.integers[self.density.counts[group]][:, 0]

    def flat(self, i: int) -> Array:
        """The integers of a variable in the order of events and objects."""
        group = self.density.variables[i].group
        if i in self.density.of_events:
            return self.integers[i][:, 0]
        return self.integers[i][np.arange(self.integers[i].shape[1]) < self.counts(group)[:, None]]

    # The missing momentum.

    def values(self, i: int, events: Array, k: int, mark: float) -> Array:
        """float64 values of a variable, `mark` for marks."""
        integers, grid = self.integers[i][events, k], self.grids[i]
        assert grid is not None
        return np.where(is_mark(integers), mark, grid.value(integers))

    def momentum(self, momentum: Momentum, events: Array, k: int) -> tuple[Array, Array, Array, Array]:
        """pt, Cos(phi), Sin(phi) and eta."""
        pt, phi = (self.values(i, events, k, 0) for i in (momentum.pt, momentum.phi))
        pt = np.where(is_mark(self.integers[momentum.phi][events, k]), 0.0, pt)
        eta = np.zeros_like(pt) if momentum.eta == NO_VARIABLE else self.values(momentum.eta, events, k, 0)
        return pt, sine(phi, 1), sine(phi, 0), within(eta, -20, 20)

    def add(self, momentum: Momentum, events: Array, k: int) -> None:
        pt, cosine, sine_, eta = self.momentum(momentum, events, k)
        self.mx[events] = self.mx[events] - pt * cosine
        self.my[events] = self.my[events] - pt * sine_
        self.sp[events] = self.sp[events] + pt
        self.sz[events] = self.sz[events] + pt * sinh(eta)
        self.sa[events] = self.sa[events] + pt * cosh(eta)

    def size(self, events: Array) -> Array:
        size = np.sqrt(self.mx[events] * self.mx[events] + self.my[events] * self.my[events])
        return np.where(np.isfinite(size), size, 0.0)

    def direction(self, events: Array) -> tuple[Array, Array]:
        size = self.size(events)
        return (np.where(size == 0, 1.0, self.mx[events] / size), np.where(size == 0, 0.0, self.my[events] / size))

    def angle(self, events: Array) -> Array:
        return np.where(self.size(events) == 0, 0.0, arctan2(self.my[events], self.mx[events]))

    # What integers are counted from.

    def locations(self, step: Step) -> tuple[Array, Array]:
        """p, and how far the location is from it."""
        variable, grid = self.density.variables[step.variable], self.grids[step.variable]
        nothing = np.zeros(len(step.events), np.int64), np.zeros(len(step.events), np.float32)
        if variable.location == Location.PREVIOUS and step.k > 0:
            previous = self.integers[step.variable][step.events, step.k - 1]
            return np.where(is_mark(previous), 0, previous), nothing[1]
        if variable.location in (Location.FORMULA, Location.DIRECTION):
            assert grid is not None
            values = self.formula(step) if variable.location == Location.FORMULA else self.angle(step.events)
            return grid.nearest(values), grid.beyond(values)
        return nothing

    def formula(self, step: Step) -> Array:
        group = self.density.groups[self.density.variables[step.variable].group]
        names = {self.density.variables[i].name: i for i in group if i < step.variable}
        text = self.density.variables[step.variable].formula
        values = Formula(text, lambda name: self.values(names[name], step.events, step.k, np.nan)).evaluate()
        return np.broadcast_to(values, len(step.events))

    # What the network is given.

    def borders(self, step: Step, phases: Array) -> Array:
        variable = self.density.variables[step.variable]
        values = np.stack([self.input(feature, step, phases) for feature in variable.features], axis=1)
        for layer in variable.layers:
            values = layer.run(values)
        return borders(variable.shape, values, self.limits(step))

    def limits(self, step: Step) -> Array:
        """How many integers of the range each row may have."""
        variable, size = self.density.variables[step.variable], self.density.variables[step.variable].shape.size
        every = np.full(len(step.events), size)
        if not variable.is_descending or step.k == 0:
            return every
        before = self.integers[step.variable][step.events, step.k - 1]
        limits = (before >> variable.shape.shift) - variable.shape.first + 1
        is_limited = ~is_mark(before) & (limits >= 1) & (limits <= size)
        if variable.within != NO_VARIABLE:
            kinds = self.integers[variable.within]
            is_limited &= kinds[step.events, step.k] == kinds[step.events, step.k - 1]
        return np.where(is_limited, limits, every)

    def input(self, feature: Feature, step: Step, phases: Array) -> Array:
        found = self.raw(feature, step, phases) * np.float32(feature.factor) + np.float32(feature.offset)
        return np.where(np.isnan(found), np.float32(0), within(found, np.float32(-16), np.float32(16)))

    def raw(self, feature: Feature, step: Step, phases: Array) -> Array:
        """float32, NaN where there is nothing."""
        if feature.source in (Source.MISSING, Source.ACTIVITY, Source.LONGITUDINAL, Source.PHASE):
            number = phases if feature.source == Source.PHASE else self.balance(feature.source, step.events)
            return np.abs(number) if feature.view == View.SIZE else number
        integers, is_there = self.source(feature, step)
        if feature.view == View.EQUALS:
            return (is_there & (integers == feature.category)).astype(np.float32)
        if feature.view in (View.LINEAR, View.SIZE):
            found = integers.astype(np.float32)
            found = np.abs(found) if feature.view == View.SIZE else found
        else:
            found = self.turned(feature, step, integers)
        return np.where(is_there & ~is_mark(integers), found, np.float32(np.nan))

    def source(self, feature: Feature, step: Step) -> tuple[Array, Array]:
        """The integers of a source, and where there are some."""
        rows = np.zeros(len(step.events), np.int64)
        group = self.density.variables[step.variable].group
        if feature.source in (Source.INDEX, Source.REMAINING):
            integers = rows + step.k if feature.source == Source.INDEX else self.counts(group)[step.events] - step.k
            return integers, rows == 0
        k = {Source.EVENT: 0, Source.COUNT: 0, Source.OWN: step.k, Source.BACK: step.k - feature.back, Source.FIRST: 0}[
            feature.source
        ]
        if k < 0 or (feature.source == Source.FIRST and step.k == 0):
            return rows, rows != 0
        return self.integers[feature.variable][step.events, k], rows == 0

    def balance(self, source: int, events: Array) -> Array:
        if source == Source.LONGITUDINAL:
            ratio = self.sz[events] / self.sa[events]
            return np.where(np.isfinite(ratio), ratio, 0.0).astype(np.float32)
        size = self.size(events) if source == Source.MISSING else self.sp[events]
        return log(np.maximum(np.where(np.isfinite(size), size, 0.0), 2.0**-20)).astype(np.float32)

    def turned(self, feature: Feature, step: Step, integers: Array) -> Array:
        """Of the angle to the missing momentum, or between two objects."""
        grid = self.grids[feature.variable]
        assert grid is not None
        angle = grid.value(integers)
        if feature.view == View.SEPARATION:
            own = self.values(feature.variable, step.events, step.k, np.nan)
            found = sine(own, 1) * sine(angle, 1) + sine(own, 0) * sine(angle, 0)
        else:
            cx, cy = self.direction(step.events)
            found = (sine(angle, 1) * cx + sine(angle, 0) * cy if feature.view == View.COSINE else
                     sine(angle, 0) * cx - sine(angle, 1) * cy)  # fmt: skip
        return found.astype(np.float32)


def decode(density: Density, grids: Sequence[Grid | None], events: int, streams: list[bytes],
           wide: list[Array]) -> list[Array]:  # fmt: skip
    """The integers of each variable of a block, in the order of events and objects.

    ``grids`` are those of the variables, none where their integers are themselves.
    """
    decoders = [Decoder(stream) for stream in streams]
    wide_lists = [list(integers) for integers in wide]

    def code(step: Step, edges: Array, locations: Array) -> Array:
        variable = density.variables[step.variable]
        symbols, low = decoders[step.variable].step(variable.shape, edges)
        integers = integers_of(variable, symbols, low, locations)
        for row in np.flatnonzero(symbols == variable.shape.escape):
            integers[row] = wide_lists[step.variable].pop(0)
        return integers

    block = Block(density, grids, events)
    block.run(code)
    for decoder, integers in zip(decoders, wide_lists, strict=True):
        decoder.finish()
        assert not integers
    found = [block.flat(i) for i in range(len(density.variables))]
    assert all((np.abs(integers[~is_mark(integers)]) <= GRID_LIMIT).all() for integers in found)
    return found


def integers_of(variable: Variable, symbols: Array, low: Array, locations: Array) -> Array:
    """What symbols stand for; the escape for anything."""
    shape = variable.shape
    numbers = ((symbols - shape.atoms + shape.first) << shape.shift) + low
    is_atom = symbols < shape.atoms
    if shape.atoms:
        numbers = np.where(is_atom, variable.atoms[np.where(is_atom, symbols, 0)], numbers)
    integers = numbers + locations
    if variable.is_periodic:
        integers = variable.first + (integers - variable.first) % shape.size
    return np.where(is_atom & is_mark(numbers), numbers, integers)
