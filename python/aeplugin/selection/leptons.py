"""The veto of leptons as an expression in the columns of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aeplugin.darkmachines import OBJECT_KINDS
from aeplugin.errors import RecipeError
from aeplugin.recipe_types import ColumnKind, parse_type

_ELECTRONS = ("electron", "electrons", "el", "ele")
_MUONS = ("muon", "muons", "mu")
_LEPTONS = ("lepton", "leptons", "lep")
"""What collections are called, in lower case and without the Analysis and AuxDyn of PHYSLITE."""

_KIND = "Object_kind"
"""The kinds of the objects of Dark Machines events (layout objects)."""


def no_leptons(schema: Mapping[str, str]) -> str:
    """The expression that is true for events without electrons and muons, by what the columns of a file are called.

    Known are the kinds of Dark Machines objects, counters (nElectron, NMuon, el_n), and collections (Electron_pt,
    mu_eta, AnalysisMuonsAuxDyn.pt); lep stands for both.

    Raises:
        RecipeError: there are no columns of electrons, or none of muons.
    """
    if _KIND in schema:
        codes = [i for i, kind in enumerate(OBJECT_KINDS) if kind[0] in "em"]
        return f"not any({' or '.join(f'{_KIND} == {code}' for code in codes)})"
    counts = {column: parse_type(name) for column, name in schema.items()}
    if both := _count(counts, _LEPTONS):
        return f"{both} == 0"
    found = {"electrons": _count(counts, _ELECTRONS), "muons": _count(counts, _MUONS)}
    missing = [kind for kind, count in found.items() if not count]
    if missing:
        raise RecipeError(
            f"lepton_veto: no columns of {' and of '.join(missing)} found; expected Object_kind, or counters or "
            "columns called as nElectron, nMuon, Electron_pt, Muon_pt are; for others say it in events: n(ele1) == 0"
        )
    return " and ".join(f"{count} == 0" for count in found.values())


def _count(kinds: Mapping[str, ColumnKind | None], names: tuple[str, ...]) -> str:
    """How an expression says the number of objects of a collection of one of these names, or "" where there is none."""
    for column, kind in kinds.items():
        if kind and not kind.depth and "int" in kind.value and _counted(column) in names:
            return f"`{column}`"
    for column, kind in kinds.items():
        if kind and kind.depth == 1 and kind.value != "std::string" and _of(column) in names:
            return f"n(`{column}`)"
    return ""


def _counted(column: str) -> str | None:
    """The collection in the name of a counter: electron in nElectron, NElectron, n_electron and electron_n."""
    found = re.fullmatch(r"(?:[nN]_?([A-Za-z]+)|([A-Za-z]+)_[nN])", column)
    return (found[1] or found[2]).lower() if found else None


def _of(column: str) -> str:
    """The collection in the name of a column: muon in Muon_pt, muons in AnalysisMuonsAuxDyn.pt."""
    return re.split("[_.:]", column)[0].lower().removeprefix("analysis").removesuffix("auxdyn")
