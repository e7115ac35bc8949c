"""The section DENS of model files: what docs/model-file.md says a reader must refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from aeplugin import Model
from aeplugin.errors import CompatibilityError, CorruptionError, ModelError
from density_toys import RandomDensity, model_file
from format_density import NO_VARIABLE, Density, Feature, Location, Momentum, Source, Variable, View
from format_entropy import Shape
from format_grids import EXACT_MARK, GRID_LIMIT

MET_PT, MET_PHI, COUNT, KIND, PT, PHI = range(6)
NAN, INFINITY = float("nan"), float("inf")


def density() -> Density:
    """MET with pt and phi; a count, kind, pt and phi of Jet. Each variable has two features, atoms and a range."""
    toy = RandomDensity(0)
    toy.variables = []
    for name, group, tolerance in (("pt", "MET", "rel"), ("phi", "MET", "abs"), ("", "Jet", "exact"),
                                   ("kind", "Jet", "exact"), ("pt", "Jet", "rel"), ("phi", "Jet", "abs")):  # fmt: skip
        variable = Variable(group, name, f"{group}_{name}" if name else "", tolerance,
                            0.0 if tolerance == "exact" else 0.01, False, Location.NONE, "", name == "phi", -5,
                            Shape(2, -5, 11, 0, 0.0, 1.0), False, NO_VARIABLE,
                            np.array([EXACT_MARK, 3]))  # fmt: skip
        variable.features = [Feature(Source.INDEX, View.LINEAR, 0, 0, 0, 1.0, 0.0) for _ in range(2)]
        toy.add_network(variable)
        toy.variables.append(variable)
    return Density(toy.variables, [Momentum(PT, PHI)], Momentum(MET_PT, MET_PHI))


def variable(i: int, **changes: Any) -> Density:
    found = density()
    found.variables[i] = replace(found.variables[i], **changes)
    return found


def shape(i: int, **changes: Any) -> Density:
    return variable(i, shape=replace(density().variables[i].shape, **changes))


def first(i: int, at: int) -> Density:
    """With a range that begins at ``at``."""
    found = density().variables[i]
    return variable(i, first=at, shape=replace(found.shape, first=at >> found.shape.shift))


def atoms(i: int, *values: int) -> Density:
    return variable(i, atoms=np.array(values))


def feature(i: int, source: Source, view: View = View.LINEAR, **changes: Any) -> Density:
    found = density()
    found.variables[i].features[1] = replace(Feature(source, view, 0, 0, 0, 1.0, 0.0), **changes)
    return found


def layer(i: int, **changes: Any) -> Density:
    """With another first layer."""
    found = density()
    found.variables[i].layers[0] = replace(found.variables[i].layers[0], **changes)
    return found


def momenta(*found: Momentum, missing: Momentum | None = None) -> Density:
    return Density(density().variables, list(found), missing)


def order(*places: int) -> Density:
    return Density([density().variables[i] for i in places], [], None)


def read(changed: Density) -> Model:
    return Model.from_bytes(model_file(changed))


GOOD: dict[str, Callable[[], Density]] = {
    "as it is": density,
    "no momenta": momenta,
    "eta": lambda: momenta(Momentum(PT, PHI, PT)),
    "one variable": lambda: order(MET_PT),
    "first on the grid": lambda: first(PT, -GRID_LIMIT),
    "atoms that are marks": lambda: atoms(PT, EXACT_MARK + 16, GRID_LIMIT),
    "direction": lambda: variable(PHI, location=Location.DIRECTION),
    "formula": lambda: variable(PHI, location=Location.FORMULA, formula="2 * pt"),
    "previous": lambda: variable(KIND, location=Location.PREVIOUS),
    "event": lambda: feature(PT, Source.EVENT, View.COSINE, variable=MET_PHI),
    "event of an event": lambda: feature(MET_PHI, Source.EVENT, variable=MET_PT),
    "count": lambda: feature(PT, Source.COUNT, View.EQUALS, variable=COUNT),
    "own": lambda: feature(PT, Source.OWN, View.EQUALS, variable=KIND, category=-5),
    "itself of the object before": lambda: feature(PT, Source.BACK, View.SIZE, variable=PT, back=100),
    "first": lambda: feature(PHI, Source.FIRST, View.SEPARATION, variable=PT),
    "descending": lambda: variable(PT, is_descending=True),
    "descending within": lambda: variable(PT, is_descending=True, within=KIND),
    "largest spread": lambda: shape(PT, spread=2.0**20, middle=-(2.0**30)),
}


BAD: dict[str, Callable[[], Density]] = {
    "twice": lambda: variable(PT, name="kind"),
    "count last": lambda: order(KIND, PT, PHI, COUNT),
    "event variable last": lambda: order(COUNT, KIND, PT, PHI, MET_PT),
    "no variables": lambda: order(),
    "count with a column": lambda: variable(COUNT, column="nJet"),
    "count with a tolerance": lambda: variable(COUNT, tolerance="abs", tolerance_value=0.1),
    "count with a location": lambda: variable(COUNT, location=Location.PREVIOUS),
    "tolerance of 0": lambda: variable(PT, tolerance_value=0.0),
    "tolerance that is not finite": lambda: variable(PHI, tolerance_value=INFINITY),
    "previous of an event": lambda: variable(MET_PT, location=Location.PREVIOUS),
    "formula of an event": lambda: variable(MET_PHI, location=Location.FORMULA, formula="pt"),
    "formula that is none": lambda: variable(PHI, location=Location.FORMULA, formula="pt +"),
    "no formula": lambda: variable(PHI, location=Location.FORMULA),
    "formula without location": lambda: variable(PHI, formula="pt"),
    "formula of an unknown variable": lambda: variable(PHI, location=Location.FORMULA, formula="eta"),
    "formula of a later variable": lambda: variable(PT, location=Location.FORMULA, formula="phi"),
    "formula of itself": lambda: variable(PT, location=Location.FORMULA, formula="pt"),
    "formula of integers": lambda: variable(PT, location=Location.FORMULA, formula="kind"),
    "direction of an event": lambda: variable(MET_PHI, location=Location.DIRECTION),
    "direction without a turn": lambda: variable(PHI, location=Location.DIRECTION, is_periodic=False),
    "direction of rel": lambda: variable(PT, location=Location.DIRECTION, is_periodic=True),
    "descending event": lambda: variable(MET_PT, is_descending=True),
    "descending count": lambda: variable(COUNT, is_descending=True),
    "descending angle": lambda: variable(PHI, is_descending=True),
    "descending from a location": lambda: variable(PT, is_descending=True, location=Location.PREVIOUS),
    "within without descending": lambda: variable(PT, within=KIND),
    "within itself": lambda: variable(PT, is_descending=True, within=PT),
    "within a later variable": lambda: variable(PT, is_descending=True, within=PHI),
    "within an event": lambda: variable(PT, is_descending=True, within=MET_PT),
    "periodic with low bits": lambda: shape(PHI, shift=1),
    "shift": lambda: shape(PT, shift=17),
    "range": lambda: shape(PT, size=16385),
    "range beyond the grid": lambda: first(PT, GRID_LIMIT - 10),
    "range before the grid": lambda: first(PT, -GRID_LIMIT - 1),
    "middle": lambda: shape(PT, middle=2.0**31),
    "middle that is none": lambda: shape(PT, middle=NAN),
    "no spread": lambda: shape(PT, spread=0.0),
    "negative spread": lambda: shape(PT, spread=-1.0),
    "small spread": lambda: shape(PT, spread=2.0**-21),
    "large spread": lambda: shape(PT, spread=2.0**21),
    "atoms twice": lambda: atoms(PT, 3, 3),
    "atoms that decrease": lambda: atoms(PT, 3, 2),
    "atom beyond the marks": lambda: atoms(PT, EXACT_MARK + 17, 3),
    "atom above the grid": lambda: atoms(PT, 3, GRID_LIMIT + 1),
    "no features": lambda: variable(PT, features=[]),
    "factor": lambda: feature(PT, Source.INDEX, factor=INFINITY),
    "offset": lambda: feature(PT, Source.INDEX, offset=NAN),
    "own of an event": lambda: feature(MET_PHI, Source.OWN, variable=MET_PT),
    "own that is later": lambda: feature(PT, Source.OWN, variable=PHI),
    "own that is itself": lambda: feature(PT, Source.OWN, variable=PT),
    "own that is a count": lambda: feature(PT, Source.OWN, variable=COUNT),
    "variable that is none": lambda: feature(PT, Source.OWN, variable=6),
    "event that is later": lambda: feature(MET_PT, Source.EVENT, variable=MET_PHI),
    "event that is of objects": lambda: feature(PHI, Source.EVENT, variable=PT),
    "count that is none": lambda: feature(PT, Source.COUNT, variable=MET_PT),
    "count that is itself": lambda: feature(COUNT, Source.COUNT, variable=COUNT),
    "back by nothing": lambda: feature(PT, Source.BACK, variable=PT, back=0),
    "back of an event": lambda: feature(MET_PT, Source.BACK, variable=MET_PT, back=1),
    "first of an event": lambda: feature(MET_PT, Source.FIRST, variable=PT),
    "separation of what is later": lambda: feature(PT, Source.BACK, View.SEPARATION, variable=PHI, back=1),
    "separation of its own": lambda: feature(PHI, Source.OWN, View.SEPARATION, variable=PT),
    "separation of integers": lambda: feature(PHI, Source.FIRST, View.SEPARATION, variable=KIND),
    "cosine of integers": lambda: feature(PHI, Source.OWN, View.COSINE, variable=KIND),
    "cosine for an event": lambda: feature(MET_PHI, Source.EVENT, View.COSINE, variable=MET_PT),
    "sine of a count": lambda: feature(PT, Source.COUNT, View.SINE, variable=COUNT),
    "sine of an index": lambda: feature(PT, Source.INDEX, View.SINE),
    "equals of no integer": lambda: feature(PT, Source.ACTIVITY, View.EQUALS),
    "momentum of two groups": lambda: momenta(Momentum(PT, MET_PHI)),
    "momentum of a count": lambda: momenta(Momentum(COUNT, PHI)),
    "momentum of integers": lambda: momenta(Momentum(KIND, PHI)),
    "two momenta": lambda: momenta(Momentum(PT, PHI), Momentum(PT, PHI)),
    "missing of objects": lambda: momenta(missing=Momentum(PT, PHI)),
    "missing that is none": lambda: momenta(missing=Momentum(MET_PT, 6)),
    "no layers": lambda: variable(PT, layers=[]),
    "weights": lambda: layer(PT, weights=np.full_like(density().variables[PT].layers[0].weights, NAN)),
    "layers that do not fit": lambda: variable(PT, layers=density().variables[PT].layers * 2),
    "outputs of another number": lambda: atoms(PT, 3),
    "activation": lambda: layer(PT, activation=1),
    **{f"{source.name.lower()} of an event": lambda source=source: feature(MET_PT, source)
       for source in (Source.REMAINING, Source.MISSING, Source.ACTIVITY, Source.LONGITUDINAL)},
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good(name: str) -> None:
    assert read(GOOD[name]()).density is not None


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    with pytest.raises(ModelError):
        read(BAD[name]())


def test_codes_of_newer_versions() -> None:
    for changed in (
        variable(PT, location=4),
        feature(PT, 11),  # type: ignore[arg-type]
        feature(PT, Source.INDEX, 6),  # type: ignore[arg-type]
        layer(PT, activation=7),
    ):
        with pytest.raises(CompatibilityError):
            read(changed)


def test_older_versions_have_no_density() -> None:
    content = bytearray(model_file(density()))
    content[8] = 3
    with pytest.raises(CompatibilityError):
        Model.from_bytes(bytes(content))


def test_too_much() -> None:
    with pytest.raises(CorruptionError, match="atoms"):
        read(atoms(PT, *range(1024)))
    with pytest.raises(CorruptionError, match="features"):
        read(variable(PT, features=density().variables[PT].features * 2049))
