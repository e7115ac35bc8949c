"""The channels of the Dark Machines challenge (arXiv:2105.14027, section 3) as selections of events.

Each takes events as `aeplugin.darkmachines.read` gives them, in either layout (energies in MeV), and gives a boolean
array, shape (events,). HT is the scalar sum of the pt of all jets, b-jets included, as written: the published file of
channel 3 has no event below 600 GeV in it. Bounds that are written with "at least" hold for equal values too, and
objects have to be above theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from aeplugin.darkmachines import OBJECT_KINDS
from aeplugin.errors import InputError, RecipeError, nearest

Mask = NDArray[np.bool_]

GEV = 1000.0
"""In the unit of the files, MeV."""

_OBJECTS = "Object"
"""The one collection of the layout objects."""
_LEPTONS = ("Electron", "Muon")


def ht(events: ak.Array) -> NDArray[np.float32]:
    """Scalar sum of the pt of the jets, in MeV, shape (events,)."""
    return np.asarray(ak.sum(_jets(events), axis=1))


def leptons(events: ak.Array, pt: float) -> NDArray[np.int64]:
    """Electrons and muons above `pt` (MeV), shape (events,)."""
    if _OBJECTS in events.fields:
        return np.asarray(ak.sum(_of_kinds(events, "em") > pt, axis=1))
    return np.asarray(sum(ak.sum(events[name].pt > pt, axis=1) for name in _LEPTONS))


def _jets(events: ak.Array) -> ak.Array:
    """The pt of jets and b-jets, shape (events, jets)."""
    return _of_kinds(events, "jb") if _OBJECTS in events.fields else events.Jet.pt


def _of_kinds(events: ak.Array, letters: str) -> ak.Array:
    """The pt of the objects whose kinds begin with one of these letters, in the layout objects."""
    wanted = np.array([kind[0] in letters for kind in OBJECT_KINDS] + [False])
    kinds = ak.to_numpy(ak.flatten(events.Object.kind))
    known = np.where((kinds >= 0) & (kinds < len(OBJECT_KINDS)), kinds, -1)
    return events.Object.pt[ak.unflatten(wanted[known], ak.num(events.Object.kind))]


def channel_1(events: ak.Array) -> Mask:
    """Hadronic with large MET: HT >= 600 GeV, MET >= 200 GeV, MET/HT >= 0.2, four jets above 50 GeV, one above 200."""
    jets = ht(events)
    met = np.asarray(events.MET_pt)
    pt = _jets(events)
    hard = (ak.sum(pt > 50 * GEV, axis=1) >= 4) & ak.any(pt > 200 * GEV, axis=1)
    chosen: Mask = (jets >= 600 * GEV) & (met >= 200 * GEV) & (met >= 0.2 * jets) & np.asarray(hard)
    return chosen


def channel_2a(events: ak.Array) -> Mask:
    """Many leptons: MET >= 50 GeV, three electrons or muons above 15 GeV."""
    return (np.asarray(events.MET_pt) >= 50 * GEV) & (leptons(events, 15 * GEV) >= 3)


def channel_2b(events: ak.Array) -> Mask:
    """Two leptons: MET >= 50 GeV, HT >= 50 GeV, two electrons or muons above 15 GeV."""
    return (np.asarray(events.MET_pt) >= 50 * GEV) & (ht(events) >= 50 * GEV) & (leptons(events, 15 * GEV) >= 2)


def channel_3(events: ak.Array) -> Mask:
    """Hadronic: HT >= 600 GeV, MET >= 100 GeV."""
    return (ht(events) >= 600 * GEV) & (np.asarray(events.MET_pt) >= 100 * GEV)


CHANNELS: Mapping[str, Callable[[ak.Array], Mask]] = MappingProxyType(
    {"1": channel_1, "2a": channel_2a, "2b": channel_2b, "3": channel_3}
)

_COLLECTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"1": ("Jet",), "2a": _LEPTONS, "2b": ("Jet", *_LEPTONS), "3": ("Jet",)}
)
"""What each channel looks at besides MET, in the layout nanoaod."""


def check_channel(channel: str) -> None:
    """Refuse what is no channel.

    Raises:
        InputError: there is no such channel.
    """
    if channel not in CHANNELS:
        raise InputError(f"unknown channel {channel!r}{nearest(channel, list(CHANNELS))}")


def in_channel(events: ak.Array, channel: str) -> Mask:
    """Which events are in a channel, shape (events,).

    Raises:
        InputError: there is no such channel.
    """
    check_channel(channel)
    return CHANNELS[channel](events)


def channel_columns(channel: str, schema: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that a channel needs of a file that `aeplugin convert` made, in either layout.

    Args:
        schema: the columns of the file, with their types.

    Raises:
        InputError: there is no such channel.
        RecipeError: the file has other columns; CMS NanoAOD is refused because it is in GeV and has no energies.
    """
    check_channel(channel)
    collections = (_OBJECTS,) if f"{_OBJECTS}_kind" in schema else _COLLECTIONS[channel]
    expected = ["MET_pt", *(f"{name}_{variable}" for name in collections for variable in ("E", "pt"))]
    missing = [column for column in expected if column not in schema]
    if missing:
        raise RecipeError(
            f"channel {channel!r} is of Dark Machines events, in MeV, as aeplugin convert writes them; the file has no "
            f"column {missing[0]!r}; for other files say the cuts in events"
        )
    needed = ["MET_pt", *(f"{name}_pt" for name in collections)]
    return (*needed, f"{_OBJECTS}_kind") if _OBJECTS in collections else tuple(needed)


def events_of(columns: Mapping[str, ak.Array]) -> ak.Array:
    """Events for `in_channel` from columns of a file by their names: those of `channel_columns`, perhaps others."""
    events = {"MET_pt": columns["MET_pt"]}
    for name in (_OBJECTS, "Jet", *_LEPTONS):
        variables = {v: columns[f"{name}_{v}"] for v in ("pt", "kind") if f"{name}_{v}" in columns}
        if variables:
            events[name] = ak.zip(variables)
    return ak.zip(events, depth_limit=1)
