"""The verdict of a report in words and numbers, and its tables of data sets, columns and files."""

from __future__ import annotations

import math
from dataclasses import dataclass

from aeplugin.plots.plot import Cell, Section, Table
from aeplugin.report.facts import DataSet, Facts, Promise

TILED_COLLECTIONS = 2
"""How many collections get a tile with their bits per object: those with the most values."""


@dataclass(frozen=True)
class Tile:
    """A number that stands out, what it is, and what belongs to it."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the whole report comes to.

    Attributes:
        good: whether every value is as promised.
        headline: that, in a sentence.
        text: how much was compared, and how near the worst came.
    """

    good: bool
    headline: str
    text: str


def verdict(facts: Facts) -> Verdict:
    """Whether the promises were kept."""
    if not facts.values:
        return Verdict(False, "No values were compared", "The files hold no objects with a tolerance.")
    sets = listing([data.name for data in facts.sets])
    compared = f"{facts.values:,} values of {_columns(facts)} in {sets} were compared with the originals, one by one."
    worst = facts.worst
    nearest = "" if worst is None else f" The largest error is {_nearest(*worst)}."
    if not facts.beyond:
        return Verdict(True, "Every value is within its tolerance", compared + nearest)
    broken = [f"{data.name}: {_name(p)} ({p.beyond:,})" for data in facts.sets for p in data.promises if p.beyond]
    where = f" Beyond it are {listing(broken, most=8)}."
    plural = "values are" if facts.beyond > 1 else "value is"
    return Verdict(False, f"{facts.beyond:,} {plural} beyond the tolerance", compared + nearest + where)


def tiles(facts: Facts) -> list[Tile]:
    """The numbers that a reader looks for first."""
    found = []
    if facts.is_compressed:
        before, after = facts.bytes
        found.append(Tile(f"{before / after:.2f}", "times smaller", f"{size(before)} to {size(after)}, whole files"))
        for name in _main_collections(facts):
            old, new = facts.bits(name)
            if not math.isnan(new):
                note = "" if math.isnan(old) else f"{_bits(old)} in the original"
                found.append(Tile(_bits(new), f"bits per {name}", note))
    found.append(Tile(f"{facts.beyond:,}", "values beyond tolerance", f"of {facts.values:,}"))
    if facts.worst is not None:
        note = f"{_name(facts.worst[1])}, {facts.worst[0].name}"
        found.append(Tile(f"{rounded(facts.worst[1].used):.4g}", "largest error / tolerance", note))
    events = sum(data.events for data in facts.sets)
    found.append(Tile(f"{events:,}", "events", listing([data.name for data in facts.sets])))
    return found


def _main_collections(facts: Facts) -> list[str]:
    """What gets a tile with its bits. A column outside collections does so only where there are no collections."""
    promises = [promise for data in facts.sets for promise in data.promises]
    values = dict.fromkeys(facts.objects, 0)
    for promise in promises:
        values[promise.collection] += promise.values
    loose = {promise.variable for promise in promises if promise.collection == promise.variable}
    ranking = sorted(values, key=lambda name: -values[name])
    return ([name for name in ranking if name not in loose] or ranking)[:TILED_COLLECTIONS]


def set_table(facts: Facts) -> Table:
    """One row for each data set."""
    rows: list[tuple[Cell, ...]] = []
    for data in facts.sets:
        worst = data.worst
        used = None if worst is None else rounded(worst.used)
        sizes: tuple[Cell, ...] = (data.original_bytes, data.reconstructed_bytes, data.ratio)
        if data.about is None:
            sizes = (data.original_bytes, None, None)
        rows.append((data.name, data.events, *sizes, data.values, data.beyond, used))
    return _table(
        "data_sets",
        "Data sets",
        "What was compressed, and what became of it. Sizes are those of whole files, with all columns that are kept; "
        "they are missing where the reconstructed file is not the compressed one.",
        ("data set", "events", "bytes before", "bytes after", "ratio", "values", "beyond", "largest error / tolerance"),
        rows,
    )


def promise_table(facts: Facts) -> Table:
    """One row for each variable with a tolerance in each data set."""
    several = len(facts.sets) > 1
    rows: list[tuple[Cell, ...]] = []
    for data in facts.sets:
        for promise in data.promises:
            numbers = (promise.values, promise.beyond, _or_none(rounded(promise.used)), _or_none(promise.bits))
            name = (data.name,) if several else ()
            rows.append((*name, promise.collection, promise.variable, promise.tolerance, *numbers))
    return _table(
        "tolerances",
        "Tolerances",
        "What was promised for each variable, and what it got. An error of 1 would have used all of its tolerance; "
        "bits are those stored per value, its share of all that its collection needs included.",
        (
            *(("data set",) if several else ()),
            *("collection", "variable", "tolerance", "values", "beyond"),
            *("largest error / tolerance", "bits per value"),
        ),
        rows,
    )


def file_table(facts: Facts) -> Table:
    """Which files everything was made from, and by what; a row for each part of a merged file."""
    rows: list[tuple[Cell, ...]] = []
    for data in facts.sets:
        names = (data.name, data.original, data.reconstructed)
        for part in data.about.parts if data.about else ():
            made = (part.aeplugin_version, part.root_version)
            rows.append((*names, part.input_name, part.events, part.input_bytes, part.input_md5, *made))
        if data.about is None:
            rows.append((*names, "", data.events, data.original_bytes, "", "", ""))
    return _table(
        "files",
        "Files",
        "The files of this report, and what each compressed file says of the input that it was made from: name, size "
        "and MD5 checksum, and the versions that wrote it.",
        (
            *("data set", "original", "reconstructed", "made from", "events", "bytes", "MD5"),
            *("aeplugin", "ROOT"),
        ),
        rows,
    )


def column_table(data: DataSet) -> Table:
    """Every column of a compressed file: its promise, its codec and its price."""
    columns = data.about.columns if data.about else []
    rows: list[tuple[Cell, ...]] = []
    for column in columns:
        coded = bool(column.codec)
        rows.append(
            (
                column.name,
                column.type.replace("ROOT::VecOps::", "").replace("std::", ""),
                column.tolerance,
                column.codec or "kept",
                column.prediction,
                column.values if coded else None,
                column.special if coded else None,
                _or_none(column.bits_per_value(column.bytes)),
                round(column.bytes),
            )
        )
    return _table(
        f"columns_{data.name}",
        f"Columns of {data.name}",
        "All columns of the compressed file. Kept ones are stored to the last bit as ordinary columns; special values "
        "(NaN, infinities, sentinels, zero under a relative tolerance) are kept exactly beside the others.",
        ("column", "type", "tolerance", "codec", "prediction", "values", "special", "bits per value", "bytes"),
        rows,
    )


def _table(name: str, title: str, caption: str, columns: tuple[str, ...], rows: list[tuple[Cell, ...]]) -> Table:
    """Without the columns of which nothing is known. These tables belong to no section: theirs does not matter."""
    known = [i for i in range(len(columns)) if any(row[i] not in (None, "") for row in rows)]
    kept = [tuple(row[i] for i in known) for row in rows]
    return Table(name, Section.compression, title, caption, tuple(columns[i] for i in known), kept)


def rounded(used: float) -> float:
    """A fraction of a tolerance to four digits, never across 1: 0.99998 is not all of it."""
    if not math.isfinite(used):
        return used
    return math.floor(used * 1e4) / 1e4 if used <= 1 else math.ceil(used * 1e3) / 1e3


def size(number: int) -> str:
    """Bytes for readers: 88.6 kB."""
    value, unit = float(number), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} B" if unit == "B" else f"{value:.3g} {unit}"


def listing(names: list[str], most: int = 4) -> str:
    """A list in a sentence: "a, b and c", or "a, b, c and 5 others"."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} others"]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _bits(number: float) -> str:
    return f"{number:.1f}" if number < 1000 else f"{number:,.0f}"


def _columns(facts: Facts) -> str:
    """The variables that were compared, by collection: Jet (E, pt, eta and phi)."""
    variables: dict[str, dict[str, None]] = {}
    for data in facts.sets:
        for promise in data.promises:
            variables.setdefault(promise.collection, {})[promise.variable] = None
    if len(variables) > 4:
        return f"{sum(map(len, variables.values()))} columns"
    return listing(
        [name if [*names] == [name] else f"{name} ({listing([*names])})" for name, names in variables.items()]
    )


def _nearest(data: DataSet, promise: Promise) -> str:
    return f"{rounded(promise.used):.4g} of what is allowed ({_name(promise)} in {data.name})"


def _name(promise: Promise) -> str:
    same = promise.collection == promise.variable
    return promise.variable if same else f"{promise.collection} {promise.variable}"


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value
