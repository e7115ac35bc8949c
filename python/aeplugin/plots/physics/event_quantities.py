"""Quantities of events that analyses look at: masses of pairs, HT, missing momentum, how well momenta balance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import awkward as ak
import numpy as np

from aeplugin.plots.drawing.wording import number
from aeplugin.plots.event_view import Event, EventView
from aeplugin.recipe import LooseColumn

Compute = Callable[[Event], np.ndarray]


@dataclass(frozen=True)
class Quantity:
    """Something that is computed from the objects of an event.

    Attributes:
        name: for recipes, tables and file names.
        title: for axes, in mathtext.
        words: the same in plain text, within a sentence.
        unit: of the values, or "".
        compute: gives one value per event, shape (events,), NaN where the event has none; or one per jet.
        relative: whether shifts are given as a fraction of the original: of what is positive and as large as energies.
        mass: whether it has a peak worth following.
        narrow: whether that is one to look at closely, as of a Z boson.
        per_jet: whether there is a value per jet instead of one per event.
        drawn: whether it gets plots; else it is there to be cut on.
        stored: what the recipe says of the column that the values are taken from as they are, if they are.
    """

    name: str
    title: str
    words: str
    unit: str
    compute: Compute
    relative: bool = False
    mass: bool = False
    narrow: bool = False
    per_jet: bool = False
    drawn: bool = True
    stored: LooseColumn | None = None


def quantities(view: EventView, jet_pt: float) -> list[Quantity]:
    """What can be computed from the columns of `view`.

    Args:
        jet_pt: the threshold of the jets that `hard_jets` counts; NaN for none.
    """
    unit, roles = view.unit, view.roles
    if view.single:
        return [_jet_mass(view)] if view.has_mass("jets") else []
    found: list[Quantity] = []
    if "jets" in roles:
        found += _of_jets(view, jet_pt)
    if "electrons" in roles:
        found.append(_dilepton("electrons", "ee", r"$m_{ee}$", view))
    if "muons" in roles:
        found.append(_dilepton("muons", "mumu", r"$m_{\mu\mu}$", view))
    if "photons" in roles:
        pair = partial(leading_pair_mass, role="photons")
        words = "mass of the two leading photons"
        found.append(_pair_quantity("diphoton_mass", r"$m_{\gamma\gamma}$", words, unit, pair, narrow=True))
    if view.met:
        title = r"$E_\mathrm{T}^\mathrm{miss}$"
        words, stored = "missing transverse momentum", view.rules.get(view.met.get("pt", ""))
        found.append(Quantity("MET", title, words, unit, met, relative=True, stored=stored))
    if view.met and "jets" in roles:
        title = r"$|\sum \vec{p}_\mathrm{T} + \vec{p}_\mathrm{T}^{\,\mathrm{miss}}|\,/\,H_\mathrm{T}$"
        words = "imbalance: sum of all momenta, the missing one included, over HT"
        found.append(Quantity("balance", title, words, "", balance))
    for role in roles:
        words = f"number of {role}"
        found.append(Quantity(role, words.capitalize(), words, "", partial(_number_of, role=role), drawn=False))
    return found


def _of_jets(view: EventView, jet_pt: float) -> Iterable[Quantity]:
    unit = view.unit
    yield Quantity("HT", r"$H_\mathrm{T}$", "scalar sum of the jets' pt (HT)", unit, ht, relative=True)
    leading = r"Leading jet $p_\mathrm{T}$"
    words, stored = "pt of the leading jet", view.rule("jets", "pt")
    yield Quantity("leading_jet_pt", leading, words, unit, leading_jet_pt, relative=True, stored=stored)
    if math.isfinite(jet_pt):
        threshold = f"{number(jet_pt)} {unit}".strip()
        title = rf"Number of jets with $p_\mathrm{{T}}$ > {threshold}"
        words = f"number of jets with pt above {jet_pt:g} {unit}".strip()
        yield Quantity("hard_jets", title, words, "", partial(_number_of, role="jets", pt=jet_pt))
    if view.has_mass("jets"):
        pair = partial(leading_pair_mass, role="jets")
        words = "mass of the two leading jets"
        yield _pair_quantity("dijet_mass", r"$m_{jj}$", words, unit, pair, narrow=False)
        yield _jet_mass(view)


def _jet_mass(view: EventView) -> Quantity:
    words, stored = "mass of each jet", view.rule("jets", "mass")
    return Quantity("jet_mass", r"Jet mass $m$", words, view.unit, jet_mass, mass=True, per_jet=True, stored=stored)


def _dilepton(role: str, letters: str, title: str, view: EventView) -> Quantity:
    charged = view.has_charge(role)
    compute = partial(opposite_pair_mass if charged else leading_pair_mass, role=role)
    which = f"leading {role} of opposite charge" if charged else f"two leading {role}"
    words = f"mass of the {which}"
    return _pair_quantity(f"dilepton_mass_{letters}", title, words, view.unit, compute, narrow=True)


def _pair_quantity(name: str, title: str, words: str, unit: str, compute: Compute, *, narrow: bool) -> Quantity:
    return Quantity(name, title, words, unit, compute, relative=True, mass=True, narrow=narrow)


def ht(event: Event) -> np.ndarray:
    """Scalar sum of the pt of the jets, shape (events,); NaN for events without jets."""
    jets = event.objects["jets"]
    sums = ak.to_numpy(ak.sum(jets.pt, axis=1))
    return np.where(ak.to_numpy(ak.num(jets)) > 0, sums, np.nan)


def leading_jet_pt(event: Event) -> np.ndarray:
    """Largest pt of a jet, shape (events,); NaN for events without jets."""
    return np.asarray(ak.to_numpy(ak.fill_none(ak.max(event.objects["jets"].pt, axis=1), np.nan)), np.float64)


def jet_mass(event: Event) -> np.ndarray:
    """Mass of each jet, shape (jets,); -sqrt(-m^2) where m^2 = E^2 - p^2 is negative."""
    return np.asarray(ak.to_numpy(ak.flatten(event.objects["jets"].mass)))


def met(event: Event) -> np.ndarray:
    """Size of the missing transverse momentum, shape (events,)."""
    assert event.met is not None
    return np.asarray(np.hypot(*event.met))


def balance(event: Event) -> np.ndarray:
    """|sum of the transverse momenta of all objects + missing momentum| / HT, shape (events,); NaN without jets."""
    assert event.met is not None
    x, y = event.met
    for objects in event.objects.values():
        x, y = x + ak.to_numpy(ak.sum(objects.px, axis=1)), y + ak.to_numpy(ak.sum(objects.py, axis=1))
    return np.asarray(np.hypot(x, y) / ht(event))


def leading_pair_mass(event: Event, role: str) -> np.ndarray:
    """Mass of the two objects of a role with the largest pt, shape (events,); NaN where there are fewer than two."""
    objects = event.objects[role]
    two = objects[ak.argsort(objects.pt, ascending=False)][:, :2]
    return _pair_mass(two[:, :1], two[:, 1:])


def opposite_pair_mass(event: Event, role: str) -> np.ndarray:
    """Mass of the leading object of positive and the leading one of negative charge, shape (events,); NaN without."""
    objects = event.objects[role]
    sides = (objects[objects.charge > 0], objects[objects.charge < 0])
    return _pair_mass(*(side[ak.argmax(side.pt, axis=1, keepdims=True)] for side in sides))


def _pair_mass(first: ak.Array, second: ak.Array) -> np.ndarray:
    """Masses of pairs given as lists of at most one object (or None) per event."""
    pair = ak.firsts(first) + ak.firsts(second)
    return np.asarray(ak.to_numpy(ak.fill_none(pair.mass, np.nan)), np.float64)


def _number_of(event: Event, role: str, pt: float = 0) -> np.ndarray:
    return np.asarray(ak.to_numpy(ak.sum(event.objects[role].pt > pt, axis=1)), np.float64)
