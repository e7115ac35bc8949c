"""How variables hang together, before and after, and what their residuals depend on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from aeplugin import residuals
from aeplugin.plots.correlations import matrices, profiles
from aeplugin.plots.correlations.corner import draw_corner
from aeplugin.plots.correlations.relations import INPUTS, Relations, relate
from aeplugin.plots.drawing import wording
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.filling import Study, key_in_kind
from aeplugin.plots.inputs import Context
from aeplugin.plots.plot import Plot, Section, Table

_log = logging.getLogger(__name__)
_IN_CORNER, _BY_EVENT = 10, 8


def correlation_plots(context: Context) -> Iterator[Plot | Table]:
    """For each group of two or more variables: residuals against each other, correlation matrices and profiles."""
    studies = [study for study in context.studies if len(study.group.columns) > 1]
    found = [relate(study, list(study.group.columns)[:INPUTS]) for study in studies]
    for study, relations in zip(studies, found, strict=True):
        caption = context.caption(study.group)
        yield from _corner(study, caption)
        yield from _matrices(study, relations, caption)
        yield from _profiles(study, relations, caption)


def widest(study: Study, number: int) -> list[str]:
    """The variables, or so many of them with the largest RMS in units of the tolerance, in the recipe's order."""
    columns = study.group.columns

    def size(variable: str) -> float:
        column = columns[variable]
        rms = study.found.judged[key_in_kind(variable, column)].sample.rms
        return rms / residuals.bound(column) if np.isfinite(rms) else -1.0

    chosen = sorted(columns, key=size, reverse=True)[:number]
    return [variable for variable in columns if variable in chosen]


def _corner(study: Study, caption: Caption) -> Iterator[Plot]:
    group, filled = study.group, study.filled
    name = f"{group.name}_residual_corner"
    if study.found.complete == 0:
        _log.warning("%s: not drawn, no object has finite residuals of all variables", name)
        return
    names = widest(study, _IN_CORNER)
    pairs = {(x, y): filled.pairs[x, y] for row, y in enumerate(names) for x in names[:row]}
    diagonal = {v: filled.residuals[key_in_kind(v, group.columns[v])] for v in names}
    yield Plot(
        name=name,
        section=Section.correlations,
        title=f"{group.name}: residuals against each other",
        caption=f"Residuals of the {caption.noun} against each other, in the kind that the tolerances speak of "
        "(dashed). Lines enclose 68 % (solid) and 95 % (dotted) of the objects, where these are most dense. Above the "
        "diagonal are the linear correlation coefficients. Residuals that hang together do not average out in sums."
        + _chosen(names, study, "largest RMS in units of their tolerance"),
        draw=partial(draw_corner, study, names, caption),
        histograms=diagonal | {f"{x}_{y}": histogram for (x, y), histogram in pairs.items()},
        network=group.network,
        width=2,
    )


def _matrices(study: Study, found: Relations, caption: Caption) -> Iterator[Plot]:
    group = study.group
    before, after = found.original.matrix(), found.reconstructed.matrix()
    objects = study.found.objects
    notes = [f"{wording.count(objects)} {caption.noun}"]
    left_out = ""
    if found.incomplete:
        notes.append(f"{wording.count(found.incomplete)} lack a value")
        worst = max(found.unknown, key=lambda variable: found.unknown[variable])
        left_out = (
            f" {wording.count(found.incomplete)} of {wording.count(objects)} objects lack a value (not finite, or a "
            f"sentinel), most often {worst} ({wording.count(found.unknown[worst])}), which do not count there."
        )
    what = f"linear correlation coefficients of the variables of the {caption.noun}"
    drawn = [
        ("input", before, "Correlation of input values", f"Before: {what}.{left_out}"),
        (
            "reconstructed",
            after,
            "Correlation of reconstructed values",
            f"After: {what}. They should be those of the input.{left_out}",
        ),
        (
            "difference",
            after - before,
            "Correlation, reconstructed \u2212 input",
            f"After minus before: {what}. The colours have a scale of their own: with values that stay within small "
            f"tolerances all differences are small.{left_out}",
        ),
        (
            "residual",
            study.found.correlation,
            "Correlation of residuals",
            f"Linear correlation coefficients of the residuals of the {caption.noun}, in the kind that the tolerances "
            "speak of. Residuals of grid integers should not be correlated; those of a network may be.",
        ),
    ]
    for kind, matrix, title, text in drawn:
        name = f"{group.name}_correlation_{kind}"
        if not np.isfinite(matrix[~np.eye(len(matrix), dtype=bool)]).any():
            _log.warning("%s: not drawn, no two variables vary", name)
            continue
        shown = notes if kind != "residual" else [f"{wording.count(study.found.complete)} {caption.noun}"]
        labels = [group.labels[variable] for variable in group.columns]
        draw: Callable[[], Figure] = partial(
            matrices.draw_matrix, matrix, labels, title, shown, caption, difference=kind == "difference"
        )
        yield Plot(
            name=name,
            section=Section.correlations,
            title=f"{group.name}: {title[:1].lower()}{title[1:]}",
            caption=text,
            draw=draw,
            histograms={"coefficients": matrices.as_histogram(matrix, list(group.columns))},
            network=group.network,
            width=1 if len(labels) <= matrices.DECIMALS_UP_TO else 2,
        )


def _profiles(study: Study, found: Relations, caption: Caption) -> Iterator[Plot]:
    group = study.group
    left_out = []
    for variable, column in group.columns.items():
        if not _moves(study, variable):
            _log.info("%s_%s_profile: not drawn, the residual is always the same", group.name, variable)
            continue
        histograms = {
            x: histogram
            for (y, x), histogram in found.by_input.items()
            if y == variable and profiles.is_drawn(histogram)
        }
        if not histograms:
            left_out.append(variable)
            continue
        first = list(group.columns)[:INPUTS]
        yield Plot(
            name=f"{group.name}_{variable}_profile",
            section=Section.correlations,
            title=f"{group.name}: residual of {variable} along the inputs",
            caption=f"{'Relative residual' if column.tolerance.rel is not None else 'Residual'} of {variable} along "
            f"each input: the median and the bands that hold the central 68 % and 95 % of the {caption.noun}; dashed "
            "is the tolerance. A median that leaves zero is a bias there, a band that widens a worse resolution. Bins "
            f"with less than {profiles.FEWEST} entries are left out." + _chosen(first, study, None),
            draw=partial(profiles.draw_by_input, study, variable, histograms, caption),
            histograms=histograms,
            network=group.network,
            width=2 if len(histograms) > 4 else 1,
        )
    if left_out:
        names = ", ".join(left_out)
        _log.warning("%s: no profiles drawn of %s, too few bins have %d entries", group.name, names, profiles.FEWEST)
    yield from _by_event(study, found, caption)


def _by_event(study: Study, found: Relations, caption: Caption) -> Iterator[Plot]:
    group = study.group
    name = f"{group.name}_residual_by_event"
    names = [variable for variable in widest(study, _BY_EVENT) if _moves(study, variable)]
    if not names:
        _log.info("%s: not drawn, residuals are always the same", name)
        return
    histograms = {v: found.by_event[v] for v in names if profiles.is_drawn(found.by_event[v])}
    if not histograms:
        _log.warning("%s: not drawn, too few runs of events have %d entries", name, profiles.FEWEST)
        return
    yield Plot(
        name=name,
        section=Section.correlations,
        title=f"{group.name}: residuals along the file",
        caption=f"Residuals of the {caption.noun} along the events of the file: the median and the bands that hold the "
        "central 68 % and 95 %; dashed are the tolerances. Nothing should drift: all blocks of events are compressed "
        "with the same tolerances." + _chosen(names, study, "largest RMS in units of their tolerance"),
        draw=partial(profiles.draw_by_event, study, histograms, caption),
        histograms=histograms,
        network=group.network,
        width=2,
    )


def _moves(study: Study, variable: str) -> bool:
    """Whether residuals of a variable differ; all are zero where nothing was lost."""
    sample = study.found.judged[key_in_kind(variable, study.group.columns[variable])].sample
    return sample.count > 0 and sample.min < sample.max


def _chosen(names: Sequence[str], study: Study, by: str | None) -> str:
    """A sentence on which variables are drawn, where they are not all."""
    number = len(study.group.columns)
    if len(names) == number:
        return ""
    if by is None:
        return f" Drawn are the first {len(names)} of {number} variables as inputs."
    return f" Drawn are the {len(names)} of {number} variables with the {by}."
