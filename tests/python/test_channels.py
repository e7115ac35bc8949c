"""The challenge's channels, with events just inside and just outside each cut."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import awkward as ak
import numpy as np
import pytest

from aeplugin import darkmachines
from aeplugin.channels import CHANNELS, channel_columns, events_of, in_channel, leptons
from aeplugin.errors import InputError, RecipeError

# MET in GeV, then objects and their pt in GeV; inside and outside differ in the one number that the name says.
CASES = {
    "1": {
        "inside": (200, "j201 b198 j150 j51"),
        "MET": (199.9, "j201 b198 j150 j51"),
        "HT": (200, "j201 b198 j149 j51"),
        "MET/HT": (200, "j802 b98 j70 j51"),
        "four jets": (200, "j201 b198 j152 j50"),
        "a hard jet": (200, "j200 b200 j199 j51"),
        "no lepton is a jet": (200, "j201 b198 j150 m-100"),
        "no photon makes HT": (200, "j201 b100 j100 j51 g300"),
    },
    "2a": {
        "inside": (50, "e-15.1 e+16 m-20"),
        "MET": (49.9, "e-15.1 e+16 m-20"),
        "three leptons": (50, "e-15 e+16 m-20"),
        "no photon is a lepton": (50, "g100 e+16 m-20"),
        "no jet is a lepton": (50, "j100 b100 e+16 m-20"),
    },
    "2b": {
        "inside": (50, "j30 b20 m+15.1 m-20"),
        "MET": (49.9, "j30 b20 m+15.1 m-20"),
        "HT": (50, "j29.9 b20 m+15.1 m-20"),
        "two leptons": (50, "j30 b20 m+15 m-20"),
        "no lepton makes HT": (50, "j30 m+15.1 m-20 e-50"),
    },
    "3": {
        "inside": (100, "j400 b200"),
        "MET": (99.9, "j400 b200"),
        "HT": (100, "j400 b199.9"),
        "no photon counts": (100, "j400 g300"),
    },
}


def line(met: float, objects: str) -> str:
    """An event of that MET and those objects, energies in MeV."""
    fields = ["1", "made", "1", f"{1000 * met:.6g}", "0"]
    for text in objects.split():
        kind = text[: 2 if text[1] in "+-" else 1]
        pt = 1000 * float(text.removeprefix(kind))
        fields.append(f"{kind},{pt:.6g},{pt:.6g},0,0")
    return ";".join(fields) + ";\n"


def events_of_cases(channel: str, layout: darkmachines.Layout, tmp_path: Path) -> ak.Array:
    path = tmp_path / "events.csv"
    path.write_text("".join(line(met, objects) for met, objects in CASES[channel].values()))
    return darkmachines.read(path, layout)


def as_columns(events: ak.Array) -> dict[str, ak.Array]:
    """The columns of the file that `aeplugin convert` would make."""
    columns = {"MET_pt": events.MET_pt}
    for name in ("Jet", "Electron", "Muon", "Object"):
        if name in events.fields:
            columns |= {f"{name}_{variable}": events[name][variable] for variable in events[name].fields}
    return columns


@pytest.mark.parametrize("layout", get_args(darkmachines.Layout))
@pytest.mark.parametrize("channel", CASES)
def test_each_cut_has_two_sides(channel: str, layout: darkmachines.Layout, tmp_path: Path) -> None:
    events = events_of_cases(channel, layout, tmp_path)
    selected = in_channel(events, channel)
    assert dict(zip(CASES[channel], selected, strict=True)) == {name: name == "inside" for name in CASES[channel]}
    columns = as_columns(events)
    needed = channel_columns(channel, dict.fromkeys(columns, "float"))
    again = in_channel(events_of({column: columns[column] for column in needed}), channel)
    assert again.tolist() == selected.tolist()


def test_no_more_columns_are_read_than_a_channel_needs() -> None:
    nanoaod = dict.fromkeys([f"{name}_{v}" for name in ("Jet", "Electron", "Muon") for v in ("E", "pt")], "")
    assert channel_columns("3", {"MET_pt": "", **nanoaod}) == ("MET_pt", "Jet_pt")
    assert channel_columns("2a", {"MET_pt": "", **nanoaod}) == ("MET_pt", "Electron_pt", "Muon_pt")
    with pytest.raises(RecipeError, match="no column 'MET_pt'"):
        channel_columns("3", nanoaod)
    with pytest.raises(RecipeError, match=r"in MeV, .* no column 'Jet_E'; for other files say the cuts in events"):
        channel_columns("3", {"MET_pt": "", "Jet_pt": "", "Jet_mass": ""})  # as in CMS NanoAOD, in GeV
    with pytest.raises(InputError, match="unknown channel '4'"):
        channel_columns("4", nanoaod)


@pytest.mark.parametrize("layout", get_args(darkmachines.Layout))
@pytest.mark.parametrize("channel", CASES)
def test_no_events_are_in_no_channel(channel: str, layout: darkmachines.Layout, tmp_path: Path) -> None:
    assert in_channel(events_of_cases(channel, layout, tmp_path)[:0], channel).shape == (0,)


def test_both_layouts_agree_on_generated_events(data: Path) -> None:
    for name in ("ttbar", "njets", "monojet"):
        one, other = (darkmachines.read(data / f"{name}.csv.gz", layout) for layout in get_args(darkmachines.Layout))
        for channel in CHANNELS:
            assert in_channel(one, channel).tolist() == in_channel(other, channel).tolist()


def test_unknown_kinds_are_nothing() -> None:
    """A damaged or foreign file is no reason to take an object for a jet."""
    objects = {"Object_pt": ak.Array([[7e5, 7e5]]), "Object_kind": ak.Array([[-1, 100]])}
    events = events_of({"MET_pt": ak.Array([2e5]), **objects})
    assert not in_channel(events, "3").any()
    assert leptons(events, 0).tolist() == [0]


def test_all_of_a_published_channel_is_in_it(shared_data: Path) -> None:
    for layout in get_args(darkmachines.Layout):
        events = darkmachines.read(shared_data / "darkmachines" / "monojet_Zp2000.0_DM_50.0_chan3.csv", layout)
        assert np.all(in_channel(events, "3"))
        assert 0 < np.count_nonzero(in_channel(events, "1")) < len(events)


def test_unknown_channels_are_refused(tmp_path: Path) -> None:
    assert list(CHANNELS) == list(CASES)
    path = tmp_path / "events.csv"
    path.write_text(line(100, "j400"))
    with pytest.raises(InputError, match=r"unknown channel '2c'; did you mean '2[ab]'\?"):
        in_channel(darkmachines.read(path), "2c")
