"""Which columns of a file are jets, electrons, muons, photons and missing momentum, found by their names.

Known are the layouts of Dark Machines events (Jet_pt; or one collection with Object_kind), CMS NanoAOD, ATLAS PHYSLITE
(AnalysisJetsAuxDyn.pt), and ntuples that call their columns alike (jets_E, el_pt, mu_charge, Jet_Px). A file with one
jet per entry (jet_pt is a number) has jets, and nothing else of an event. The missing momentum of PHYSLITE has to be
built from its objects first, so it counts as missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import awkward as ak
import numpy as np
import vector

from aeplugin.darkmachines import OBJECT_KINDS
from aeplugin.plots.pairs import Block
from aeplugin.readers import Files, Objects
from aeplugin.recipe import LooseColumn, Recipe
from aeplugin.recipe_types import ColumnKind
from aeplugin.residuals import is_missing

ROLES: dict[str, tuple[str, ...]] = {
    "jets": ("jet", "jets"),
    "electrons": ("electron", "electrons", "el", "ele"),
    "muons": ("muon", "muons", "mu"),
    "photons": ("photon", "photons", "ph", "gamma"),
}
"""What collections of each role are called, in lower case and without the Analysis and AuxDyn of PHYSLITE."""

_VARIABLES = {
    **{name: name for name in ("pt", "eta", "phi", "px", "py", "pz", "charge")},
    **dict.fromkeys(("e", "energy"), "E"),
    **dict.fromkeys(("m", "mass"), "mass"),
}
_POLAR, _CARTESIAN = ("pt", "eta", "phi"), ("px", "py", "pz", "E")
_MET = (
    ("met_pt", "met_phi"),
    ("puppimet_pt", "puppimet_phi"),
    ("met_met", "met_phi"),
    ("met", "met_phi"),
    ("met", "metphi"),
    ("met_px", "met_py"),
)
"""Columns of the missing momentum in lower case: magnitude and angle, or the components along x and y."""

_KIND_ROLES = {"j": "jets", "b": "jets", "e": "electrons", "m": "muons", "g": "photons"}
"""The roles of kinds of Dark Machines objects, by the first letter of their names."""


def split_column(column: str) -> tuple[str, str] | None:
    """Collection and variable in a column's name: Jet and pt of Jet_pt, Aux and pt of Aux.pt and Aux:pt."""
    found = re.fullmatch(r"(.+)[_.:]([A-Za-z]+)", column)
    return (found[1], found[2]) if found else None


def role_of(collection: str) -> str | None:
    """What the objects of a collection are, if its name is one that tells."""
    bare = collection.lower().removeprefix("analysis").removesuffix("auxdyn")
    return next((role for role, names in ROLES.items() if bare in names), None)


@dataclass(frozen=True)
class EventView:
    """What `find` has found.

    Attributes:
        objects: for each role its columns, by pt, eta, phi, px, py, pz, E, mass, charge; or, with `by_kind`, those of
            the one collection "objects", with kind.
        met: columns of the missing momentum: pt and phi, or px and py; empty where there are none.
        by_kind: whether kinds tell the objects' roles.
        single: whether each entry of the file is one jet.
        rules: what the recipe says of columns, by their names in the file.
    """

    objects: dict[str, dict[str, str]]
    met: dict[str, str]
    by_kind: bool = False
    single: bool = False
    rules: Mapping[str, LooseColumn] = field(default_factory=dict)

    @property
    def groups(self) -> dict[str, Files]:
        """What `Pair.blocks` is to read."""
        return {**self.objects, **({"met": self.met} if self.met else {})}

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of objects in the file."""
        return tuple(ROLES) if self.by_kind else tuple(self.objects)

    def has_mass(self, role: str) -> bool:
        """Whether masses can be computed: of jets only with E or mass; those of the others are negligible."""
        columns = self.objects.get("objects" if self.by_kind else role, {})
        return bool(columns) and (role != "jets" or "E" in columns or "mass" in columns)

    def has_charge(self, role: str) -> bool:
        """Whether the objects' charges are known."""
        return self.by_kind or "charge" in self.objects.get(role, {})

    def rule(self, role: str, variable: str) -> LooseColumn | None:
        """What the recipe says of a variable of a role's objects, if anything."""
        columns = self.objects.get("objects" if self.by_kind else role, {})
        return self.rules.get(columns.get(variable, ""))

    @property
    def unit(self) -> str:
        """The unit of momenta and energies: what the recipe says of the first of these columns that has one, or ""."""
        energies = ("pt", "px", "py", "E", "mass")
        columns = [
            column for found in (*self.objects.values(), self.met) for v, column in found.items() if v in energies
        ]
        return next((self.rules[name].unit for name in columns if name in self.rules and self.rules[name].unit), "")

    def events(self, block: Block) -> tuple[Event, Event]:
        """The events of a block before and after, in double precision, with the objects that the original has."""
        vector.register_awkward()
        real = {name: self._real(name, objects) for name, objects in block.before.items()}
        before, after = (self._event(side, real) for side in (block.before, block.after))
        return before, after

    def _event(self, side: Mapping[str, Objects], real: Mapping[str, np.ndarray]) -> Event:
        made: dict[str, ak.Array] = {}
        for name in self.objects:
            objects, some = side[name], real[name]
            made |= self._by_role(objects, some) if self.by_kind else {name: _momenta(objects, some, name)}
        if not self.met:
            return Event(made, None)
        values = {
            v: np.where(real["met"], array, np.nan).astype(np.float64) for v, array in side["met"].columns.items()
        }
        return Event(made, (values["px"], values["py"]) if "px" in values else _along(values["pt"], values["phi"]))

    def _by_role(self, objects: Objects, real: np.ndarray) -> dict[str, ak.Array]:
        kinds = objects.columns["kind"]
        charges = np.array([name.endswith("+") * 1.0 - name.endswith("-") for name in OBJECT_KINDS])
        found = {}
        for role in ROLES:
            codes = [i for i, name in enumerate(OBJECT_KINDS) if _KIND_ROLES[name[0]] == role]
            chosen = real & np.isin(kinds, codes)
            charge = charges[np.clip(kinds, 0, len(charges) - 1)]
            found[role] = _momenta(Objects(objects.counts, objects.columns | {"charge": charge}), chosen, role)
        return found

    def _real(self, group: str, objects: Objects) -> np.ndarray:
        """Which objects are some: finite, none of the recipe's sentinels, and of a momentum, which padding has not."""
        real = np.ones(len(objects), bool)
        for variable, column in self.groups[group].items():
            if variable in ("kind", "charge"):
                continue
            values, rule = objects.columns[variable], self.rules.get(column)
            real &= np.isfinite(values) if rule is None else ~is_missing(values, rule)
        if group == "met":
            return real
        if "px" in objects.columns:
            return np.asarray(real & ((objects.columns["px"] != 0) | (objects.columns["py"] != 0)))
        return np.asarray(real & (objects.columns["pt"] > 0))


@dataclass(frozen=True)
class Event:
    """The events of one side of a block.

    Attributes:
        objects: for each role Momentum4D arrays, shape (events, objects), and where known with charge.
        met: missing momentum along x and y, shape (events,) each, NaN where it is not a number; or None.
    """

    objects: dict[str, ak.Array]
    met: tuple[np.ndarray, np.ndarray] | None


def find(schema: Mapping[str, ColumnKind], recipe: Recipe) -> EventView | None:
    """The objects and the missing momentum of a file with the columns of `schema`; None where there are no objects.

    A collection that is called as several do (jet and Jets) is the one that comes first and is complete: pt, eta, phi,
    or px, py, pz, E.

    Args:
        recipe: resolved for the file; for sentinels and units.
    """
    rules: dict[str, LooseColumn] = dict(recipe.columns)
    for name, collection in recipe.collections.items():
        rules |= {column: collection.columns[v] for v, column in collection.file_columns(name).items()}
    grouped: dict[tuple[str, int], dict[str, str]] = {}
    kinds: dict[str, str] = {}
    for column, what in schema.items():
        split = split_column(column)
        if split is None or what.depth > 1 or what.value == "std::string":
            continue
        if split[1] == "kind" and what.depth == 1 and what.value.startswith("std::int"):
            kinds[split[0]] = column
        elif split[1].lower() in _VARIABLES:
            grouped.setdefault((split[0], what.depth), {}).setdefault(_VARIABLES[split[1].lower()], column)
    met = _find_met(schema)
    for name, column in kinds.items():
        momentum = _four_vector(grouped.get((name, 1), {}))
        if momentum and not momentum.keys() & {"px"}:
            return EventView({"objects": {**momentum, "kind": column}}, met, by_kind=True, rules=rules)
    for depth in (1, 0):
        found: dict[str, dict[str, str]] = {}
        for (name, levels), columns in grouped.items():
            role, momentum = role_of(name), _four_vector(columns)
            if levels == depth and role is not None and momentum:
                found.setdefault(role, momentum)
        if found and depth:
            return EventView({role: found[role] for role in ROLES if role in found}, met, rules=rules)
        if "jets" in found:
            return EventView({"jets": found["jets"]}, {}, single=True, rules=rules)
    return None


def _four_vector(columns: Mapping[str, str]) -> dict[str, str]:
    """The columns to make a momentum of, and the charge; nothing where some are missing."""
    if all(v in columns for v in _POLAR):
        energy = next((v for v in ("E", "mass") if v in columns), None)
        names = [*_POLAR, *([energy] if energy else [])]
    elif all(v in columns for v in _CARTESIAN):
        names = list(_CARTESIAN)
    else:
        return {}
    return {v: columns[v] for v in (*names, "charge") if v in columns}


def _find_met(schema: Mapping[str, ColumnKind]) -> dict[str, str]:
    single = {
        name.lower(): name for name, what in schema.items() if not what.depth and what.value in ("float", "double")
    }
    for first, second in _MET:
        if first in single and second in single:
            variables = ("px", "py") if second.endswith("_py") else ("pt", "phi")
            return dict(zip(variables, (single[first], single[second]), strict=True))
    return {}


def _momenta(objects: Objects, chosen: np.ndarray, role: str) -> ak.Array:
    """The chosen objects as momenta; those without energy or mass get mass 0, as do leptons and photons.

    Nobody takes these from an energy that is known to per cents only.
    """
    events = np.repeat(np.arange(len(objects.counts)), objects.counts)
    counts = np.bincount(events[chosen], minlength=len(objects.counts))
    values = {v: array[chosen].astype(np.float64) for v, array in objects.columns.items() if v != "kind"}
    if "px" in values:
        momenta = vector.array({v: values.pop(v) for v in _CARTESIAN})
        values |= {"pt": momenta.pt, "eta": momenta.eta, "phi": momenta.phi, "E": momenta.E}
    elif role != "jets" or ("E" not in values and "mass" not in values):
        values.pop("E", None)
        values["mass"] = np.zeros(len(values["pt"]))
    return ak.unflatten(ak.zip(values, with_name="Momentum4D"), counts)


def _along(size: np.ndarray, angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return size * np.cos(angle), size * np.sin(angle)
