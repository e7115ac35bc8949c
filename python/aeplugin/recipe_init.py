"""A first recipe for a file, made from the names, types and first values of its columns, for the user to edit."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import yaml

from aeplugin.readers import open_table, reading
from aeplugin.recipe import MAX_SENTINELS
from aeplugin.recipe_files import branches
from aeplugin.recipe_resolution import NAME, matches
from aeplugin.recipe_types import ColumnKind, parse_type

SAMPLED_EVENTS = 2000
_EVENT_SUMS = {"ht", "met", "sumet"}
_SIZES = {"pt", "et", "e", "energy"} | _EVENT_SUMS
_MOMENTA = _SIZES | {"m", "mass", "mt", "px", "py", "pz"}
_ANGLES = {"eta", "phi", "rapidity"}
_OF_NO_KIND = {"mva", "err", "error", "cov", "sig", "significance", "unc", "over", "inv", "rel", "ratio", "frac"}
_LARGEST_ANGLE = 1e5  # some programs write such a pseudorapidity for what flies along the beam
_WHOLE_LIMIT = 1e9


@dataclass
class _FileColumn:
    """A column of floats and its first values."""

    name: str
    kind: ColumnKind
    values: np.ndarray
    """All values of the sampled events, in double precision, shape (values,)."""
    lengths: tuple[int, ...] | None
    """Values per sampled event, None where that is not known."""


@dataclass
class _Rule:
    """What is suggested for a column."""

    tolerance: str
    comment: str = ""
    sentinels: list[float] = field(default_factory=list)
    log10: bool = False
    periodic: bool = False

    @property
    def is_exact(self) -> bool:
        return self.tolerance == "exact"

    def line(self, name: str, *, in_collection: bool) -> str:
        """The entry called `name` in YAML, with its comment."""
        parts = [f"tolerance: {self.tolerance}"]
        if self.sentinels:
            parts.append(f"sentinels: [{', '.join(map(_number, self.sentinels))}]")
        if self.log10 and in_collection:
            parts.append("transform: log10")
        if self.periodic:
            parts.append("periodic: true")
        comment = f"  # {self.comment}" if self.comment else ""
        return f"{_key(name)}: {{{', '.join(parts)}}}{comment}"


def initial_recipe(path: str | Path, tree: str | None = None) -> str:
    """A commented recipe (YAML) for the columns of a file; reads at most 2000 events.

    Momenta, energies and masses get a relative tolerance of 1 %, angles an absolute one of 0.001; all other columns are
    exact. Values that look like sentinels are listed.

    Raises:
        InputError: the file is missing or damaged, or there is no such tree, or several and `tree` is not given.
    """
    table = open_table(path, tree)
    with reading(path):
        found = branches(table)
        entries = min(int(table.num_entries), SAMPLED_EVENTS)
    kinds = {name: parse_type(typename) for name, (typename, _) in found.items()}
    floats = [
        _sampled(name, kind, found[name][1], entries)
        for name, kind in kinds.items()
        if kind is not None and kind.may_be_lossy
    ]
    collections = _collections(floats)
    grouped = {column.name for columns in collections.values() for column in columns.values()}
    lines = [
        f"# A first recipe for {json.dumps(Path(path).name)}, from its first {entries} events. Please edit:",
        "# a tolerance is a promise about every single value. {rel: 0.01} is 1 % of the value, {abs: 0.001} is in the",
        "# column's own unit, and exact changes nothing. What is not listed here is exact, and so are integers,",
        "# booleans and strings. Add units for plots and tables, as in {tolerance: ..., unit: GeV}.",
    ]
    if tree is not None:
        lines.append(f"tree: {_key(tree)}")
    if collections:
        lines += ["", "collections:"]
    for name, columns in collections.items():
        rules = {variable: suggest(variable, column.values) for variable, column in columns.items()}
        lines.append(f"  {_key(name)}:")
        if sum(not rule.is_exact for rule in rules.values()) < 3:
            lines.append("    codec: plain  # too few lossy variables for a network to learn from")
        lines.append("    columns:")
        lines += ["      " + rule.line(variable, in_collection=True) for variable, rule in rules.items()]
    loose = [column for column in floats if column.name not in grouped]
    lines += ["", "columns:" if loose else "columns: {}"]
    lines += ["  " + suggest(column.name, column.values).line(column.name, in_collection=False) for column in loose]
    lines += _drop({name: typename for name, (typename, _) in found.items()})
    return "\n".join(lines) + "\n"


def suggest(name: str, values: np.ndarray) -> _Rule:
    """A rule for a column of floats, from its name and a sample, shape (values,)."""
    finite = values[np.isfinite(values)]
    sentinels = find_sentinels(finite)
    bulk = finite[~np.isin(finite, sentinels)]
    quantity = _quantity(name)
    if quantity in _ANGLES and np.all(np.abs(bulk) <= (2 * np.pi if quantity == "phi" else _LARGEST_ANGLE)):
        return _Rule("{abs: 0.001}", sentinels=sentinels, periodic=quantity == "phi")
    if quantity in _MOMENTA and np.all(bulk > 0):
        return _Rule("{rel: 0.01}", sentinels=sentinels, log10=len(bulk) > 0)
    if quantity in _SIZES and np.all(bulk >= 0):
        return _Rule("{rel: 0.01}", "zeros stay zero", sentinels)
    if quantity in _MOMENTA and np.any(bulk):
        step = _round_down(0.01 * float(np.median(np.abs(bulk[bulk != 0]))))
        if step > 0:
            comment = "1 % of the median; there are values <= 0"
            return _Rule(f"{{abs: {_number(step)}}}", comment, sentinels)
    return _Rule("exact", _how_to_loosen(bulk), sentinels)


def _quantity(name: str) -> str:
    """What a column's first or last word says that it is: pt of pT_h1 and Jet_rawPt, "" where that is nothing known."""
    pieces = [re.findall(r"[A-Z]*[^A-Z]*", piece)[:-1] for piece in re.split(r"[_.]", name) if piece]
    words = [word.lower() for piece in pieces for word in piece]
    if not words or _OF_NO_KIND & set(words):
        return ""
    first, last = pieces[0], pieces[-1]
    found = {word.lower() for word in ("".join(last), last[0], last[-1]) if word not in ("e", "m") or len(last) == 1}
    found |= {word.lower() for word in ("".join(first), first[-1])} - _EVENT_SUMS
    if any("".join(piece).lower().endswith("phi") for piece in (first, last)):
        found.add("phi")
    # MET_phi is an angle, whatever else is in its name.
    return next((word for known in (_ANGLES, _MOMENTA) for word in sorted(found) if word in known), "")


def find_sentinels(values: np.ndarray) -> list[float]:
    """Whole numbers below 0, or of nines, that stand outside the other values and are more than 1 % of `values`."""
    numbers, counts = np.unique(values, return_counts=True)
    low, high = 0, len(numbers) - 1
    found: list[float] = []
    while low < high and len(found) < MAX_SENTINELS:
        # What is farther out comes first, so that -999 does not make -99 look near to the others.
        gaps = {low: numbers[low + 1] - numbers[low], high: numbers[high] - numbers[high - 1]}
        edge = max(gaps, key=lambda at: float(gaps[at]))
        rest = numbers[low + 1 : high + 1] if edge == low else numbers[low:high]
        often = counts[edge] > max(2, 0.01 * len(values))
        alone = gaps[edge] > 0.05 * float(np.subtract(*np.quantile(rest, [0.99, 0.01])))
        if not (often and alone and _may_be_sentinel(float(numbers[edge]), rest)):
            break
        found.append(float(numbers[edge]))
        low, high = (low + 1, high) if edge == low else (low, high - 1)
    return sorted(found)


def _may_be_sentinel(number: float, rest: np.ndarray) -> bool:
    """Whether a number is one that people write for "there is none": a charge of -1 beside 1 is not."""
    nines = re.fullmatch(r"-?99+(\.0)?", repr(number)) is not None
    return nines or (number < 0 and number == np.round(number) and len(rest) > 2 and number > -_WHOLE_LIMIT)


def _how_to_loosen(bulk: np.ndarray) -> str:
    if not len(bulk):
        return "no values seen; to loosen: {abs: 0.001} or {rel: 0.01}"
    low, high = float(bulk.min()), float(bulk.max())
    if low == high:
        return f"always {low:.4g}"
    seen = f"{low:.4g} to {high:.4g}"
    if max(-low, high) < _WHOLE_LIMIT and np.array_equal(bulk, np.round(bulk)):
        return f"{seen}, whole numbers"
    width = float(np.subtract(*np.quantile(bulk, [0.99, 0.01])))
    step = _round_down(0.001 * width)
    return f"{seen}; to loosen: {{abs: {_number(step)}}}" if step > 0 and math.isfinite(step) else seen


def _sampled(name: str, kind: ColumnKind, branch: Any, entries: int) -> _FileColumn:
    """A column's first values; none where uproot cannot read them, which is no reason to give no recipe at all."""
    try:
        array = branch.array(entry_stop=entries)
        if array.fields:
            array = array[name.rsplit(".", 1)[1]]
        values = ak.to_numpy(ak.flatten(array, axis=None)).astype(np.float64)
        lengths = tuple(ak.to_list(ak.num(array))) if kind.depth else None
    except Exception:
        values, lengths = np.empty(0), None
    return _FileColumn(name, kind, values, lengths)


def _collections(columns: list[_FileColumn]) -> dict[str, dict[str, _FileColumn]]:
    """Groups of columns that are collections: for each its name, and its columns by variable."""
    groups: dict[tuple[str, Any], dict[str, _FileColumn]] = {}
    for column in columns:
        prefix, variable = _split(column)
        if column.kind.depth <= 1 and re.match(NAME, prefix) and re.match(NAME, variable):
            groups.setdefault((prefix, column.kind.shape), {})[variable] = column
    found: dict[str, dict[str, _FileColumn]] = {}
    for (name, _), group in groups.items():
        together = _of_one_length(group)
        is_list = next(iter(group.values())).kind.depth == 1
        if name not in found and (is_list or _is_four_vector(together)):
            found[name] = together
    return {name: group for name, group in found.items() if len(group) > 1}


def _split(column: _FileColumn) -> tuple[str, str]:
    """Collection and variable that a column's name may stand for: of Jet_pt with the counter nJet, Jet and pt."""
    name, counter = column.name, column.kind.counter
    if counter[:1] in ("n", "N") and name.startswith(f"{counter[1:]}_") and counter[1:]:
        return counter[1:], name[len(counter) :]
    found = re.fullmatch(r"(.*)\.([^.]*)", name, re.DOTALL) or re.fullmatch(r"([^_]+)_(.*)", name, re.DOTALL)
    return (found[1], found[2]) if found else ("", name)


def _of_one_length(group: dict[str, _FileColumn]) -> dict[str, _FileColumn]:
    """Those columns that have as many values in each event as most of the group."""
    lengths = Counter(column.lengths for column in group.values()).most_common(1)[0][0]
    return {variable: column for variable, column in group.items() if column.lengths == lengths}


def _is_four_vector(group: dict[str, _FileColumn]) -> bool:
    """Whether single values look like one object per entry, and not like numbers about the event."""
    variables = {variable.lower() for variable in group}
    return {"pt", "eta", "phi"} <= variables or {"px", "py", "pz", "e"} <= variables


def _drop(schema: dict[str, str]) -> list[str]:
    """Lines that drop the columns that cannot be compressed, in the fewest globs that match nothing else."""
    rest = {name: typename for name, typename in schema.items() if parse_type(typename) is None}
    good = [name for name in schema if name not in rest]
    if not rest:
        return []
    lines = ["", "# Columns of types that cannot be compressed, left out:", "drop:"]
    while rest:
        name = next(iter(rest))
        glob = next((g for g in _globs_for(name) if not any(matches(g, other) for other in good)), None)
        covered = [other for other in rest if glob and matches(glob, other)]
        if glob is None or len(covered) < 3:
            glob, covered = name, [name]
        types = Counter(rest.pop(other) for other in covered).most_common()
        note = " ".join(types[0][0].split()) + (" and others" if len(types) > 1 else "")
        lines.append(f"  - {_key(glob)}  # {note}")
    return lines


def _globs_for(name: str) -> list[str]:
    """Globs that a name and its like may have in common: of Aux.links *.links, of Trig_a Trig_*."""
    dot = name.rfind(".")
    last = [f"*{name[dot:]}"] if dot >= 0 else []
    return [*last, f"{name.split('_')[0]}_*"] if "_" in name else last


def _round_down(value: float) -> float:
    """To one digit."""
    if not (value > 0 and math.isfinite(value)):
        return 0.0
    scale = 10.0 ** math.floor(math.log10(value))
    return float(f"{math.floor(value / scale + 1e-9) * scale:.1g}") if scale > 0 else 0.0


def _number(value: float) -> str:
    """A number as YAML 1.1 reads it as one: 1e-05 would be text."""
    text = f"{value:.15g}" if float(f"{value:.15g}") == value else repr(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _key(name: str) -> str:
    """A name in YAML, in quotes where it would be read as something else."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", name) and yaml.safe_load(name) == name
    return name if plain else json.dumps(name)
