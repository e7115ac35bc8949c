"""Distributions and residuals by kind of object: jets, b-jets, electrons, muons, photons."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from functools import partial

from aeplugin.plots.drawing import wording
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.inputs import Context
from aeplugin.plots.kinds.figures import Axis, draw_multiplicity, draw_overlaid, draw_residuals, draw_stacked
from aeplugin.plots.kinds.filling import (
    ALL,
    ByKind,
    Filled,
    Survey,
    common_tolerance,
    fill,
    in_kind,
    mean_and_width,
    shown_rule,
    survey,
)
from aeplugin.plots.kinds_of_objects import Kinds, kind_label, kinds_of
from aeplugin.plots.plot import Cell, Plot, Section, Table

_log = logging.getLogger(__name__)


def kind_plots(context: Context) -> Iterator[Plot | Table]:
    """Each variable stacked and overlaid by kind, its residuals by kind, how many objects there are, and a table."""
    pair = context.pair
    kinds = kinds_of(pair, context.recipe)
    found = None if kinds is None else survey(pair, kinds)
    if kinds is None or found is None or len(found.numbers) < 2:
        _log.info("kinds: nothing drawn, %s has objects of one kind only", pair.original)
        return
    filled = fill(pair, kinds, found)
    caption = Caption(context.look, "Objects", f"{pair.name}, {context.networks}", pair.weight is not None)
    for variable in kinds.columns:
        yield from _plots(variable, kinds, found, filled, caption, context.networks)
    yield _multiplicity(filled, caption, context.networks)
    yield kind_table(kinds, found, filled, context.networks)


def _plots(
    variable: str, kinds: Kinds, found: Survey, filled: Filled, caption: Caption, network: str
) -> Iterator[Plot]:
    column = kinds.columns[variable]
    label, unit = wording.variable_label(variable, column), column.unit
    if not found.values[variable].count:
        _log.warning("kinds_%s: not drawn, the original has no finite value", variable)
        return
    axis = Axis(label, unit, filled.log[variable], column.periodic)
    exact = not found.moving[variable]
    unmoved = " It is kept exactly, so both are the same." if exact else ""
    yield Plot(
        name=f"kinds_{variable}_stacked",
        section=Section.kinds,
        title=f"{variable} of all objects, stacked by kind",
        caption=f"{variable} of all objects of the input, stacked with the rarest kinds at the bottom; the dashed line "
        f"is their sum after, and below is its ratio to the input's.{unmoved} On the logarithmic axis the area of a "
        "kind means nothing: its number is the difference of its edges.",
        draw=partial(draw_stacked, *filled.fine[variable], axis, caption),
        histograms=_named(*filled.fine[variable]),
        network=network,
    )
    rare = f" Left out, as too rare: {', '.join(map(kind_label, filled.rare))}." if filled.rare else ""
    yield Plot(
        name=f"kinds_{variable}_overlaid",
        section=Section.kinds,
        title=f"{variable} of each kind of object",
        caption=f"{variable} of each kind of object, scaled to unit area; pale lines are the input, dashed ones are "
        f"reconstructed.{unmoved} The shapes of all kinds should stay, also of those that are few.{rare}",
        draw=partial(draw_overlaid, *filled.wide[variable], list(filled.multiplicity), axis, caption),
        histograms=_named(*filled.wide[variable]),
        network=network,
    )
    shown, moved = shown_rule(kinds, variable), filled.residuals.get(variable, {})
    if shown is None or not moved:
        return
    tolerance = common_tolerance(kinds, variable)
    kept = [name for name in filled.multiplicity if name not in moved and name not in filled.rare]
    words = f"{'Relative residual' if in_kind(shown) else 'Residual'} of {variable}"
    yield Plot(
        name=f"kinds_{variable}_residual",
        section=Section.kinds,
        title=f"{words} by kind",
        caption=f"{words} for each kind of object that moves, scaled to unit area. "
        + ("The band is the tolerance. " if tolerance is not None else "Kinds have different tolerances. ")
        + "A kind whose line leans to a side or is wider than the others is treated worse than they are."
        + (f" Kept exactly: {', '.join(map(kind_label, kept))}." if kept else "")
        + rare,
        draw=partial(
            draw_residuals,
            moved,
            list(filled.multiplicity),
            Axis(label, "%" if in_kind(shown) else unit, False, False),
            tolerance,
            caption,
        ),
        histograms=moved,
        network=network,
    )


def _named(before: ByKind, after: ByKind) -> ByKind:
    return {f"{n}_input": h for n, h in before.items()} | {f"{n}_reconstructed": h for n, h in after.items()}


def _multiplicity(filled: Filled, caption: Caption, network: str) -> Plot:
    return Plot(
        name="kinds_multiplicity",
        section=Section.kinds,
        title="Number of objects of each kind",
        caption="How many events have how many objects of each kind. The numbers are the same before and after: files "
        "that differ in them are refused.",
        draw=partial(draw_multiplicity, filled.multiplicity, caption),
        histograms=filled.multiplicity,
        network=network,
    )


def kind_table(kinds: Kinds, found: Survey, filled: Filled, network: str) -> Table:
    """Objects, share, and for each variable mean and RMS before, after and of the residual; of all and by kind."""
    objects = found.numbers
    objects[ALL] = sum(objects.values())
    rows: list[tuple[Cell, ...]] = []
    for variable, moments in filled.moments.items():
        shown = shown_rule(kinds, variable)
        for name, here in moments.items():
            before, after, moved = (mean_and_width(part) for part in (here.before, here.after, here.residual))
            rms = None if moved[0] is None or moved[1] is None else math.hypot(moved[0], moved[1])
            rows.append(
                (
                    variable,
                    kinds.columns[variable].unit,
                    name,
                    objects[name],
                    100 * objects[name] / objects[ALL],
                    before[0],
                    after[0],
                    before[1],
                    after[1],
                    "" if shown is None else "relative" if in_kind(shown) else "absolute",
                    None if shown is None else moved[0],
                    None if shown is None else rms,
                )
            )
    return Table(
        name="kinds",
        section=Section.kinds,
        title="Kinds of objects in numbers",
        caption="Objects of each kind, and mean and RMS of their variables before and after. RMS of values is about "
        "their mean, that of residuals about zero; relative residuals are fractions of the original.",
        columns=(
            "variable", "unit", "kind", "objects", "share [%]", "mean input", "mean reconstructed", "RMS input",
            "RMS reconstructed", "residual", "mean residual", "RMS residual",
        ),
        rows=rows,
        network=network,
    )  # fmt: skip
