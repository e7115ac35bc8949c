"""What the commands print as tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table as RichTable

from aeplugin.evaluation import Evaluation
from aeplugin.inspection import Inspection
from aeplugin.jobs.parts import Record
from aeplugin.jobs.trials import Objective
from aeplugin.rdf import VerifiedColumn
from aeplugin.recipe_files import RecipeRow
from aeplugin.selection import Cut

if TYPE_CHECKING:  # matplotlib takes long to load
    from aeplugin.plots.plot import Table


def recipe_table(rows: Iterable[RecipeRow]) -> RichTable:
    """What becomes of each column."""
    table = _table("", ("column", "type", "rule", "sentinels", "prediction", "codec"), numbers=0)
    for row in rows:
        sentinels = ", ".join(f"{number:g}" for number in row.sentinels)
        table.add_row(row.column, row.type, row.rule, sentinels, row.formula, row.codec)
    return table


def verification_table(columns: Iterable[VerifiedColumn], tolerances: Mapping[str, str]) -> RichTable:
    """How each column compares with the original."""
    table = _table("", ("column", "tolerance", "values", "outside", "worst error"), numbers=3)
    for column in columns:
        row = (f"{column.values:,}", f"{column.violations:,}", short(column.max_error))
        table.add_row(column.name, tolerances[column.name], *row)
    return table


def column_table(about: Inspection) -> RichTable:
    """What each column was promised, what it got and what it takes."""
    headings = ("type", "codec", "tolerance", "worst error", "of tolerance", "values", "special")
    costs = ("bits/value", "integers", "latents", "special", "bytes")
    table = _table("Columns", ("column", *headings, *costs), numbers=len(costs) + 4)
    for column in about.columns:
        bits = [column.bits_per_value(size) for size in (column.bytes, column.integer_bytes)]
        bits += [column.bits_per_value(size) for size in (column.latent_bytes, column.special_bytes)]
        table.add_row(
            column.name,
            column.type,
            column.codec or "kept",
            column.tolerance,
            short(column.max_error) if column.codec else "",
            f"{column.share_of_tolerance:.6f}" if column.tolerance_value else "",
            f"{column.values:,}" if column.codec else "",
            f"{column.special:,}" if column.codec else "",
            *(f"{number:.2f}" if column.values else "" for number in bits),
            f"{column.bytes:,.0f}",
        )
    return table


def size_table(sizes: Mapping[str, int]) -> RichTable:
    """Bytes of a compressed file by what they are for."""
    table = _table("Sizes", ("", "bytes", "share"), numbers=2)
    total = sum(sizes.values())
    for label, size in [*sizes.items(), ("the whole file", total)]:
        table.add_row(label, f"{size:,}", f"{100 * size / total:.1f} %")
    return table


def evaluation_table(evaluation: Evaluation) -> RichTable:
    """Residuals of every variable in the terms of its tolerance; quantiles of |residual|, in per cent if relative."""
    headings = ("tolerance", "mean", "RMS", "68 %", "95 %", "99.9 %", "max", "within", "special", "bits/value")
    table = _table("Residuals", ("", *headings), numbers=len(headings))
    for name, variables in evaluation.variables.items():
        for variable, summary in variables.items():
            relative = summary.tolerance.startswith("rel")
            factor, unit = (100, " %") if relative else (1, "")
            sizes = (summary.mean, summary.rms, summary.abs68, summary.abs95, summary.abs999, summary.max)
            table.add_row(
                name if name == variable else f"{name} {variable}",
                f"{factor * float(summary.tolerance.split()[1]):g}{unit}",
                *[short(factor * size) for size in sizes],
                percent(summary.within),
                f"{summary.special:,}",
                short(summary.bits_per_value),
            )
    return table


def trial_table(records: Iterable[Record], objective: Objective) -> RichTable:
    """The trials of a scan, the best first."""
    from aeplugin.search.ranking import ranking_table, trials_of

    return plain_table(ranking_table(trials_of(records, objective), objective))


def plain_table(table: Table) -> RichTable:
    """A table of the plots, or of a search."""
    from aeplugin.plots.tables import is_numeric, shown

    made = RichTable(box=None, padding=(0, 2, 0, 0))
    for i, heading in enumerate(table.columns):
        made.add_column(heading, justify="right" if is_numeric(table, i) else "left", no_wrap=True)
    for row in table.rows:
        made.add_row(*map(shown, row))
    return made


def cut_flow_table(cuts: Sequence[Cut]) -> RichTable:
    """What a selection leaves, cut by cut."""
    names = list(cuts[0].objects)
    table = _table("Selection", ("cut", "events", *names), numbers=1 + len(names))
    for cut in cuts:
        table.add_row(cut.cut, f"{cut.events:,}", *(f"{cut.objects[name]:,}" for name in names))
    return table


def percent(fraction: float) -> str:
    """A fraction in per cent; a dash where there is none."""
    return dash() if math.isnan(fraction) else f"{100 * fraction:.2f} %"


def short(value: float) -> str:
    """Four digits, and no exponent where the number is large; a dash for NaN."""
    return dash() if math.isnan(value) else f"{value:.0f}" if abs(value) >= 10000 else f"{value:.4g}"


def dash() -> str:
    """What stands where there is no number."""
    return "\N{EN DASH}"


def _table(title: str, headings: Sequence[str], *, numbers: int) -> RichTable:
    table = RichTable(title=f"\n{title}" if title else None, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i >= len(headings) - numbers else "left", no_wrap=True)
    return table
