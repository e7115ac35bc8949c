"""Random densities, events for them, and a writer of the codec `autoregressive`: for test_density_reference."""

from __future__ import annotations

import struct
import zlib
from dataclasses import astuple, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from format_density import (
    NO_VARIABLE,
    Block,
    Density,
    Feature,
    Location,
    Momentum,
    Source,
    Step,
    Variable,
    View,
    is_mark,
)
from format_entropy import LOWEST_STATE, STATES, TOTAL, Shape, eights
from format_grids import EXACT_MARK, GRID_LIMIT, Grid
from format_networks import NetworkLayer

Array = NDArray[Any]


@dataclass
class Encoder:
    """Collects the symbols of a stream in the order in which they will be decoded."""

    symbols: list[tuple[int, int, int]] = field(default_factory=list)
    """State, and the borders of the interval."""
    integers: int = 0

    def step(self, shape: Shape, edges: Array, symbols: Array, low: Array) -> None:
        for rows in eights(len(edges)):
            for row in rows:
                start, end = edges[row, symbols[row] : symbols[row] + 2].tolist()
                self.symbols.append((row % STATES, start, end))
            for row in rows:
                if shape.shift and shape.in_range(symbols[row]):
                    each = TOTAL >> shape.shift
                    self.symbols.append((row % STATES, int(low[row]) * each, (int(low[row]) + 1) * each))
        self.integers += len(edges)

    def content(self) -> bytes:
        states, words = [LOWEST_STATE] * STATES, []
        for which, start, end in reversed(self.symbols):
            state = states[which]
            if state >= (end - start) << 39:
                words.append(state % 2**32)
                state >>= 32
            states[which] = (state // (end - start) << 24) + state % (end - start) + start
        content = struct.pack(f"<{STATES}Q{len(words)}I", *states, *reversed(words))
        return content.ljust(-(-self.integers // 512), b"\0")


def symbols_of(variable: Variable, integers: Array, locations: Array) -> tuple[Array, Array]:
    """The symbol and low bits of each integer."""
    shape = variable.shape
    moved, can_move = integers - locations, ~is_mark(integers)
    if variable.is_periodic:
        can_move &= (integers >= variable.first) & (integers < variable.first + shape.size)
        moved = variable.first + (moved - variable.first) % shape.size
    can_move &= np.abs(moved) <= GRID_LIMIT
    numbers = (moved >> shape.shift) - shape.first
    symbols = np.where(can_move & (numbers >= 0) & (numbers < shape.size), numbers + shape.atoms, shape.escape)
    for i, atom in enumerate(variable.atoms):
        symbols = np.where((can_move & (moved == atom)) | (is_mark(integers) & (integers == atom)), i, symbols)
    return symbols, moved & (2**shape.shift - 1)


def residuals_of(variable: Variable, integers: Array, locations: Array) -> Array:
    """What `density_context` gives: integers counted from their locations, and what only an escape can code."""
    moved, outside = integers - locations, np.zeros(len(integers), bool)
    if variable.is_periodic:
        outside = (integers < variable.first) | (integers >= variable.first + variable.shape.size)
        moved = variable.first + (moved - variable.first) % variable.shape.size
    moved = np.where(outside | (np.abs(moved) > GRID_LIMIT), EXACT_MARK + 100, moved)
    return np.where(is_mark(integers), integers, moved)


class Known:
    """The integers of a block, flat, by variable, as a writer meets them."""

    def __init__(self, density: Density, events: int, integers: list[Array]) -> None:
        self.density, self.integers = density, [values.astype(np.int64) for values in integers]
        self.offsets = {
            group: np.concatenate([[0], np.cumsum(self.integers[i])]) for group, i in density.counts.items()
        }

    def of(self, step: Step) -> Array:
        return self.integers[step.variable][self.places(step)]

    def places(self, step: Step) -> Array:
        """Where the rows of a step are among the integers."""
        if step.variable in self.density.of_events:
            return step.events
        return np.asarray(self.offsets[self.density.variables[step.variable].group][step.events] + step.k)


def encode(density: Density, grids: list[Grid | None], events: int,
           integers: list[Array]) -> tuple[list[bytes], list[Array]]:  # fmt: skip
    """Streams and wide integers of each variable."""
    known = Known(density, events, integers)
    encoders = [Encoder() for _ in density.variables]
    wide: list[list[int]] = [[] for _ in density.variables]

    def code(step: Step, edges: Array, locations: Array) -> Array:
        variable, found = density.variables[step.variable], known.of(step)
        symbols, low = symbols_of(variable, found, locations)
        rows = np.arange(len(edges))
        symbols = np.where(edges[rows, symbols] == edges[rows, symbols + 1], variable.shape.escape, symbols)
        encoders[step.variable].step(variable.shape, edges, symbols, low)
        wide[step.variable] += found[symbols == variable.shape.escape].tolist()
        return found

    Block(density, grids, events).run(code)
    return [encoder.content() for encoder in encoders], [np.array(values, np.int64) for values in wide]


def model_file(density: Density) -> bytes:
    """A model file with a density and nothing else."""
    rules = struct.pack("<II", 0, 0)
    content = b"\x89AEPM\r\n\x1a" + struct.pack("<II", 4, 4)
    for tag, payload in (b"RCPE", b""), (b"RULE", rules), (b"TRNG", b"{}"), (b"DENS", section(density)):
        content += struct.pack("<4sIQ", tag, zlib.crc32(payload), len(payload)) + payload
    return content


def section(density: Density) -> bytes:
    """The payload of DENS."""
    missing = density.missing
    parts = [struct.pack("<BII", 1, missing.pt, missing.phi) if missing else b"\0"]
    parts.append(struct.pack("<I", len(density.momenta)))
    parts += [struct.pack("<III", momentum.pt, momentum.phi, momentum.eta) for momentum in density.momenta]
    parts.append(struct.pack("<I", len(density.variables)))
    return b"".join(parts) + b"".join(variable_bytes(variable) for variable in density.variables)


def variable_bytes(variable: Variable) -> bytes:
    def text(content: str) -> bytes:
        return struct.pack("<I", len(content.encode())) + content.encode()

    shape, atoms = variable.shape, variable.atoms.tolist()
    tolerance = ["exact", "abs", "rel"].index(variable.tolerance)
    parts = [text(name) for name in (variable.group, variable.name, variable.column)]
    parts.append(struct.pack("<BdBB", tolerance, variable.tolerance_value, variable.is_double, variable.location))
    parts.append(text(variable.formula))
    parts.append(struct.pack("<BiIB", variable.is_periodic, variable.first, shape.size, shape.shift))
    parts.append(struct.pack("<BII", variable.is_descending, variable.within, len(atoms)))
    parts.append(struct.pack(f"<{len(atoms)}iffI", *atoms, shape.middle, shape.spread, len(variable.features)))
    parts += [struct.pack("<BBIIiff", *astuple(feature)) for feature in variable.features]
    parts.append(struct.pack("<I", len(variable.layers)))
    return b"".join(parts) + b"".join(layer_bytes(layer) for layer in variable.layers)


def layer_bytes(layer: NetworkLayer) -> bytes:
    """With half precision where that loses nothing, as the library does."""
    numbers = np.concatenate([layer.weights.ravel(), layer.biases])
    with np.errstate(over="ignore"):
        is_half = bool((numbers.astype(np.float16).astype(np.float32) == numbers).all())
    outputs, inputs = layer.weights.shape
    return (
        struct.pack("<IIBB", inputs, outputs, layer.activation, is_half)
        + numbers.astype("<f2" if is_half else "<f4").tobytes()
    )


def context(density: Density, grids: list[Grid | None], events: int,
            integers: list[Array]) -> list[tuple[Array, Array]]:  # fmt: skip
    """What `density_context` gives for each variable: raw features and residuals."""
    known, block = Known(density, events, integers), Block(density, grids, events)
    found = [(np.zeros((len(values), len(variable.features)), np.float32), np.zeros(len(values), np.int64))
             for variable, values in zip(density.variables, integers, strict=True)]  # fmt: skip

    def code(step: Step, edges: Array, locations: Array) -> Array:
        variable, places = density.variables[step.variable], known.places(step)
        features, residuals = found[step.variable]
        phases = block.locations(step)[1]
        features[places] = np.stack([block.raw(feature, step, phases) for feature in variable.features], axis=1)
        residuals[places] = residuals_of(variable, known.of(step), locations)
        return known.of(step)

    block.run(code)
    return found


class RandomDensity:
    """A density of random shape, whatever the format allows; and events for it."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.variables: list[Variable] = []
        self.momenta: list[Momentum] = []
        groups = [f"C{i}" for i in range(self.rng.integers(0, 4))]
        missing = self.add_events()
        for group in groups:
            self.add("", group, "exact")
        for group in self.rng.permutation(groups).tolist():
            self.add_objects(group)
        self.density = Density(self.variables, self.momenta, missing)
        for i in range(len(self.variables)):
            self.add_features(i)
            self.add_network(self.variables[i])
        self.grids = [None if v.tolerance == "exact" else Grid(v.tolerance, v.tolerance_value,
                      np.dtype("f8" if v.is_double else "f4"), []) for v in self.variables]  # fmt: skip

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def add_events(self) -> Momentum | None:
        for i in range(self.rng.integers(0, 3)):
            self.add("x", f"E{i}", self.rng.choice(["exact", "abs", "rel"]))
        if self.chance(0.4) and self.variables:
            return None
        self.add("pt", "MET", "rel")
        self.add("phi", "MET", "abs", is_angle=True)
        return Momentum(len(self.variables) - 2, len(self.variables) - 1)

    def add_objects(self, group: str) -> None:
        first = len(self.variables)
        for name in self.rng.choice(["kind", "flag"], self.rng.integers(0, 3), replace=False).tolist():
            self.add(name, group, "exact")
        if self.chance(0.8):
            self.add("pt", group, "rel")
            pt = len(self.variables) - 1
            if self.chance(0.5):
                self.add("eta", group, "abs")
            has_eta = self.variables[-1].name == "eta"
            self.add("phi", group, "abs", is_angle=True)
            phi = len(self.variables) - 1
            self.momenta.append(Momentum(pt, phi, pt + 1 if has_eta else NO_VARIABLE))
            if has_eta:
                self.add("E", group, "rel", formula="pt * cosh(eta)")
        for i in range(self.rng.integers(0 if len(self.variables) > first else 1, 3)):
            self.add(f"y{i}", group, self.rng.choice(["abs", "rel"]))

    def add(self, name: str, group: str, tolerance: str, is_angle: bool = False, formula: str = "") -> None:
        rng = self.rng
        is_of_objects = name != "" and group.startswith("C")
        value = 0.0 if tolerance == "exact" else float(np.exp(rng.uniform(np.log(2e-3), np.log(0.3))))
        location, is_periodic = 0, False
        if is_angle and value < 0.1 and self.chance(0.8):
            is_periodic = True
            location = Location.DIRECTION if is_of_objects and self.chance(0.7) else 0
        elif formula and self.chance(0.8):
            location = Location.FORMULA
        elif is_of_objects and self.chance(0.3):
            location = Location.PREVIOUS
        half = round(np.pi / (2 * value)) if is_periodic else 0
        size = 2 * half + 1 if is_periodic else int(rng.choice([0, 1, 2, 17, 200, 900]))
        shift = 0 if is_periodic or self.chance(0.6) else int(rng.integers(0, 17))
        first = -half if is_periodic else int(rng.integers(-300, 50)) * int(rng.choice([1, 1, 1, 1000]))
        atoms = np.unique(rng.integers(-20, 40, rng.choice([0, 1, 3, 30])))
        if self.chance(0.3):
            atoms = np.union1d(atoms, rng.choice([EXACT_MARK, EXACT_MARK + 1, EXACT_MARK + 2, 1000], 2))
        if size == 0 and len(atoms) == 0:
            atoms = np.array([3])
        spread = float(np.float32(np.exp(rng.normal(1, 1.5))))
        shape = Shape(len(atoms), first >> shift, size, shift, float(np.float32(rng.normal(0, 20))), spread)
        column = f"{group}_{name}" if name else ""
        is_descending = is_of_objects and location == Location.NONE and not is_periodic and self.chance(0.4)
        earlier = [i for i, variable in enumerate(self.variables) if variable.group == group and variable.name]
        within = int(rng.choice(earlier)) if is_descending and earlier and self.chance(0.6) else NO_VARIABLE
        self.variables.append(
            Variable(group, name, column, tolerance, value, tolerance != "exact" and self.chance(0.3), location,
                     formula if location == Location.FORMULA else "", is_periodic, first, shape, is_descending, within,
                     atoms)
        )  # fmt: skip

    def add_features(self, i: int) -> None:
        rng, of_events = self.rng, self.density.of_events
        group = self.density.groups.get(self.variables[i].group, []) if i not in of_events else []
        earlier = [k for k in of_events if k < i and self.variables[k].name]
        counts = [k for k in of_events if k < i and not self.variables[k].name]
        own = [k for k in group if k < i]
        choices = [Source.INDEX, Source.PHASE]
        choices += [Source.EVENT] if earlier else []
        choices += [Source.COUNT] if counts else []
        choices += [Source.OWN] if own else []
        choices += (
            [Source.REMAINING, Source.BACK, Source.FIRST, Source.MISSING, Source.ACTIVITY, Source.LONGITUDINAL]
            if group
            else []
        )
        for source in rng.choice(choices, rng.integers(1, 12)).tolist():
            among = {
                Source.EVENT: earlier,
                Source.COUNT: counts,
                Source.OWN: own,
                Source.BACK: group,
                Source.FIRST: group,
            }.get(source, [])
            variable = int(rng.choice(among)) if among else 0
            views = self.views(source, variable, variable in own, bool(group))
            back = int(rng.integers(1, 4)) if source == Source.BACK else 0
            category = int(rng.choice([0, 1, 2, 3, EXACT_MARK, EXACT_MARK + 1]))
            factor = float(np.float32(rng.choice([1, 0.01, 0.1, -2, 1e6]) * rng.normal()))
            offset = float(np.float32(rng.normal()))
            view = int(rng.choice(views))
            self.variables[i].features.append(Feature(source, view, variable, back, category, factor, offset))

    def views(self, source: int, variable: int, is_earlier: bool, is_object: bool) -> list[int]:
        views = [View.LINEAR, View.SIZE]
        has_values = self.variables[variable].tolerance != "exact"
        if source <= Source.FIRST:
            views.append(View.EQUALS)
        if source in (Source.EVENT, Source.OWN, Source.BACK, Source.FIRST) and has_values and is_object:
            views += [View.COSINE, View.SINE]
        if source in (Source.BACK, Source.FIRST) and has_values and is_earlier:
            views += [View.SEPARATION] * 3
        return views

    def add_network(self, variable: Variable) -> None:
        shape = variable.shape
        outputs = (shape.atoms + (shape.size > 0) if shape.atoms else 0) + (19 if shape.size else 0)
        widths = [len(variable.features), *self.rng.integers(1, 20, self.rng.integers(0, 3)).tolist(), outputs]
        scale = float(self.rng.choice([1, 1, 1, 3, 1e6, 1e30], p=[0.3, 0.3, 0.2, 0.1, 0.05, 0.05]))
        kind = "f2" if scale < 10 and self.chance(0.6) else "f4"
        for k, (inputs, width) in enumerate(pairwise(widths)):
            weights = (scale * self.rng.normal(size=(width, inputs)) / np.sqrt(inputs)).astype(kind).astype(np.float32)
            biases = (scale * self.rng.normal(size=width)).astype(kind).astype(np.float32)
            activation = 0 if k == len(widths) - 2 else int(self.rng.choice([0, 2, 3]))
            variable.layers.append(NetworkLayer(weights, biases, activation))

    def integers(self, events: int) -> list[Array]:
        """Of events for the density, some likely and some far off."""
        counts = {group: self.rng.poisson(self.rng.uniform(0, 4), events) for group in self.density.counts}
        found: list[Array] = []
        for i, variable in enumerate(self.variables):
            group = variable.group
            if not variable.name:
                found.append(counts[group])
                continue
            n = events if i in self.density.of_events else int(counts[group].sum())
            integers = self.likely(variable, n)
            if variable.tolerance != "exact":
                integers = np.where(
                    self.rng.random(n) < 0.05, self.rng.integers(EXACT_MARK, EXACT_MARK + 4, n), integers
                )
            far = self.rng.integers(-GRID_LIMIT, GRID_LIMIT, n, endpoint=True)
            found.append(np.where(self.rng.random(n) < 0.02, far, integers))
        return found

    def likely(self, variable: Variable, n: int) -> Array:
        if variable.tolerance == "rel":
            grid = Grid("rel", variable.tolerance_value, np.dtype("f8" if variable.is_double else "f4"), [])
            return np.asarray(grid.nearest(np.exp(self.rng.normal(3, 1, n)) * self.rng.choice([1, 1, 1, -1, 0], n)))
        if variable.is_periodic:
            return self.rng.integers(variable.first, variable.first + variable.shape.size, n)
        return np.rint(self.rng.normal(0, 1.5 / max(variable.tolerance_value, 0.3), n)).astype(np.int64)
