"""Normalisations: each can be undone, and the published ones are those that were published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aeplugin._core import ModelColumn, Transform, restore, standardise
from aeplugin.errors import InputError, RecipeError
from aeplugin.recipe import Collection, Column, Tolerance
from aeplugin.recipe_training import Normalisation

pytest.importorskip("torch", reason="training needs torch")
import torch

from aeplugin.training.normalisations import REACH, fit, make_plans
from aeplugin.training.sensitivity import MOST, sensitivities
from aeplugin.training.values import Values

NORMALISATIONS: list[Normalisation] = [
    "standard",
    "log-standard",
    "min-max",
    "quantile",
    "aod",
    "phenoml",
    "cms24",
    "none",
]


TOLERANCES = {
    "pt": Tolerance(rel=0.02),
    "E": Tolerance(rel=0.02),
    "m": Tolerance(abs=100),
    "NegativeE": Tolerance(abs=100),
}


def jets(number: int = 4000, seed: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    pt = 20e3 + 60e3 * rng.exponential(size=number)
    eta = rng.normal(0, 1.5, number)
    columns = {
        "pt": pt,
        "eta": eta,
        "phi": rng.uniform(-np.pi, np.pi, number),
        "m": 8e3 * rng.gamma(2, 1, number),
        "E": pt * np.cosh(eta),
        "NegativeE": -5e3 * rng.exponential(size=number),
        "Timing": rng.normal(0, 10, number),
    }
    return {name: values.astype(np.float32) for name, values in columns.items()}


ALL = "pt eta phi m E NegativeE"


def collection(normalisation: Normalisation, circular: bool = False, names: str = ALL) -> Collection:
    energies = {"pt", "m", "E", "NegativeE"}
    columns = {
        name: Column(
            tolerance=TOLERANCES.get(name, Tolerance(abs=0.01)),
            unit="MeV" if name in energies else "",
            transform="log10" if name in ("pt", "E") else "linear",
            periodic=name == "phi",
        )
        for name in names.split()
    }
    return Collection(columns=columns, normalisation=normalisation, circular=circular)


def fitted(chosen: Collection, values: dict[str, np.ndarray]) -> list[ModelColumn]:
    plans = make_plans(chosen, "Jet")
    for plan in plans:
        plan.survey(values[plan.variable])
    return fit(plans, chosen.file_columns("Jet"), "Jet")


def matrix(chosen: Collection, values: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack([values[name] for name in chosen.columns], axis=1)


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_every_normalisation_can_be_undone(normalisation: Normalisation, circular: bool) -> None:
    chosen, values = collection(normalisation, circular), jets()
    columns = fitted(chosen, values)
    rows = matrix(chosen, values)
    features = standardise(columns, rows)
    assert features.shape == (len(rows), 6 + circular)
    back = restore(columns, features)
    scale = np.abs(rows).max(axis=0)
    np.testing.assert_allclose(back / scale, rows / scale, atol=2e-5)
    assert np.isfinite(features).all()


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.sampled_from([1e-3, 1.0, 1e3]))
def test_order_is_kept(normalisation: Normalisation, seed: int, size: float) -> None:
    """A greater value never becomes a smaller feature, save for what is published with a minus."""
    values = {name: x * size if name in ("pt", "E", "m") else x for name, x in jets(200, seed).items()}
    chosen = collection(normalisation)
    columns = fitted(chosen, values)
    features = standardise(columns, matrix(chosen, values))
    for i, name in enumerate(chosen.columns):
        rises = np.diff(features[np.argsort(values[name], kind="stable"), i].astype(np.float64))
        sign = -1 if normalisation == "aod" and name == "NegativeE" else 1
        assert (sign * rises >= -1e-6).all(), name


def feature(normalisation: Normalisation, name: str, value: float) -> float:
    chosen, values = collection(normalisation, names=name), jets()
    values[name] = np.append(values[name], np.float32(value))
    return float(standardise(fitted(chosen, values), np.array([[value]], np.float32))[0, 0])


@pytest.mark.parametrize(
    ("normalisation", "name", "value", "expected"),
    [
        ("aod", "eta", 2.5, 0.5),
        ("aod", "phi", 1.5, 0.5),
        ("aod", "m", 9e3, 1 / 1.8),  # log10(9 GeV + 1) / 1.8
        ("aod", "pt", 100e3, 0.7 / 1.2),  # (log10(100 GeV) - 1.3) / 1.2
        ("aod", "NegativeE", -99e3, 2 / 1.6),  # log10(1 - x) / 1.6
        ("aod", "Timing", 20, 0.5),
        ("phenoml", "eta", 2.5, 0.5),
        ("phenoml", "phi", 1.5, 0.5),
        ("phenoml", "E", 1e6, 3),
        ("phenoml", "pt", 1e5, 2),
        ("cms24", "m", 9e3, 1 / 1.8),
        ("cms24", "pt", 100e3, 0.7 / 1.2),
        ("none", "pt", 55e3, 55),
        ("none", "eta", 1.25, 1.25),
    ],
)
def test_published_values(normalisation: Normalisation, name: str, value: float, expected: float) -> None:
    assert feature(normalisation, name, value) == pytest.approx(expected, rel=2e-6)


def test_fitted_values() -> None:
    values = jets()
    for normalisation, low, high in (("min-max", 0, 1), ("cms24", 0, 1)):
        chosen = collection(normalisation, names="Timing")
        features = standardise(fitted(chosen, values), matrix(chosen, values))
        assert (features.min(), features.max()) == pytest.approx((low, high), abs=1e-6)
    for normalisation in ("standard", "log-standard"):
        chosen = collection(normalisation)
        features = standardise(fitted(chosen, values), matrix(chosen, values)).astype(np.float64)
        np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(features.std(axis=0), 1, rtol=1e-5)
    transforms = {c.variable: c.transform for c in fitted(collection("log-standard"), values)}
    assert [name for name, kind in transforms.items() if kind == Transform.log10] == ["pt", "m", "E"]


def test_quantiles_are_normal() -> None:
    chosen, values = collection("quantile"), jets(50_000)
    features = standardise(fitted(chosen, values), matrix(chosen, values)).astype(np.float64)
    for share, deviation in ((0.0228, -2), (0.1587, -1), (0.5, 0), (0.8413, 1), (0.9772, 2)):
        np.testing.assert_allclose(np.quantile(features, share, axis=0), deviation, atol=0.05)
    assert np.abs(features).max() > REACH  # beyond the last knot it goes on


def test_circle_has_no_edge() -> None:
    chosen = collection("standard", circular=True, names="phi pt")
    values = jets()
    columns = fitted(chosen, values)
    edge = np.array([[np.pi, 5e4], [-np.pi, 5e4], [0, 5e4]], np.float32)
    features = standardise(columns, edge)
    np.testing.assert_allclose(features[0], features[1], atol=1e-6)
    np.testing.assert_allclose(features[2, :2], [1, 0], atol=1e-6)
    above = {**values, "phi": values["phi"] + np.float32(np.pi)}  # in [0, 2 pi), where the edge is at 0
    columns = fitted(chosen, above)
    rows = matrix(chosen, above)
    np.testing.assert_allclose(restore(columns, standardise(columns, rows))[:, 0], above["phi"], atol=2e-6)


def test_units_are_asked_for() -> None:
    chosen = Collection(columns={"pt": Column(tolerance=Tolerance(rel=0.02))}, normalisation="aod")
    with pytest.raises(RecipeError, match="takes 'pt' in GeV, and the recipe gives it no unit; expected one of MeV"):
        make_plans(chosen, "Jet")


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_constant_variables_are_refused(normalisation: Normalisation) -> None:
    chosen, values = collection(normalisation), jets()
    values["eta"][:] = 1.5
    with pytest.raises(InputError, match="'eta' of collection 'Jet' is constant"):
        fitted(chosen, values)


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_sensitivity_is_the_derivative(normalisation: Normalisation, circular: bool) -> None:
    """Moved by a small part of its tolerance, a value moves its feature by what the sensitivity says."""
    chosen, values = collection(normalisation, circular), jets(300)
    columns = fitted(chosen, values)
    rows = matrix(chosen, values).astype(np.float64)
    found = sensitivities(columns, chosen.columns, rows)
    assert found.dtype == np.float32
    assert found.shape == (300, 6 + circular)
    at = 0
    for i, column in enumerate(columns):
        tolerance = chosen.columns[column.variable].tolerance
        step = 0.3 * (tolerance.rel * np.abs(rows[:, i]) if tolerance.rel else tolerance.abs * np.ones(300))
        before, after = rows.copy(), rows.copy()
        before[:, i] -= step
        after[:, i] += step
        columns_of = slice(at, at + column.features)
        difference = (standardise(columns, after) - standardise(columns, before)).astype(np.float64)[:, columns_of]
        moved = np.sqrt((difference**2).sum(axis=1))
        tolerances = 2 * step / (np.log1p(tolerance.rel) * np.abs(rows[:, i]) if tolerance.rel else tolerance.abs)
        near_knots = 0.2 if normalisation == "quantile" else 0.03
        np.testing.assert_allclose(np.median(found[:, at] * moved / tolerances), 1, rtol=near_knots)
        at += column.features


def test_sensitivity_is_bounded() -> None:
    chosen = Collection(columns={"x": Column(tolerance=Tolerance(rel=0.01))})
    column = ModelColumn("x", "Jet_x", Transform.linear, 0, 1)
    found = sensitivities([column], chosen.columns, np.array([[0.0], [1e-30], [1.0]]))
    np.testing.assert_allclose(found[:, 0], [MOST, MOST, 1 / np.log(1.01)], rtol=1e-6)


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_torch_undoes_it_as_the_core_does(normalisation: Normalisation, circular: bool) -> None:
    """The inverse that losses take gradients of."""
    chosen, values = collection(normalisation, circular), jets(500)
    columns = fitted(chosen, values)
    features = standardise(columns, matrix(chosen, values))
    expected = restore(columns, features)
    found = Values(columns)(torch.from_numpy(features)).numpy()
    scale = np.abs(expected).max(axis=0)
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-5)
