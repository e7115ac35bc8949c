"""Each variable by itself: what went in and what came back, residual, relative residual and response."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial

from matplotlib.figure import Figure

from aeplugin.plots.drawing.distributions import draw_input
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.filling import Key, Study, key_in_kind, keys
from aeplugin.plots.inputs import Context
from aeplugin.plots.plot import Plot, Section, Table
from aeplugin.plots.variables.differences import draw_residual, draw_response
from aeplugin.residuals import bound

_log = logging.getLogger(__name__)
SCALES = {"": False, "_log": True}
"""What is added to the name of a plot, and whether its y axis is logarithmic."""


def variable_plots(context: Context) -> Iterator[Plot | Table]:
    """Plots of every variable that may move, each on a linear and a logarithmic axis, and a table of the numbers."""
    for study in context.studies:
        caption = context.caption(study.group)
        for variable in study.group.columns:
            yield from _inputs(study, variable, caption)
            for key in keys(study.group):
                if key[0] == variable:
                    yield from _residuals(study, key, caption)
    yield residual_table(context)


def _inputs(study: Study, variable: str, caption: Caption) -> Iterator[Plot]:
    group, filled = study.group, study.filled
    samples = study.found.originals[variable], study.found.reconstructed[variable]
    name = f"{group.name}_{variable}_input"
    if samples[0].count == 0:
        _log.warning("%s: not drawn, the original has no finite value", name)
        return
    histograms = filled.originals[variable], filled.reconstructed[variable]
    for suffix, log in SCALES.items():
        draw = partial(
            draw_input, *histograms, samples, group.labels[variable], group.columns[variable],
            (filled.log[variable], log), caption,
        )  # fmt: skip
        yield Plot(
            name=name + suffix,
            section=Section.variables,
            title=f"{group.name} {variable}: input and reconstructed",
            caption=f"{variable} of the {caption.noun} before (filled) and after (dashed), and their ratio below. Both "
            "hold the same objects, so that the points have no errors of their own; the band is the statistical "
            "uncertainty of the input, for scale. The ratio should be 1. Narrow bins are made of whole cells of the "
            "quantiser's grid: narrower ones, or others, would show the grid.",
            draw=draw,
            histograms=dict(zip(("input", "reconstructed"), histograms, strict=True)),
            network=group.network,
        )


def _residuals(study: Study, key: Key, caption: Caption) -> Iterator[Plot]:
    group, (variable, kind) = study.group, key
    column, judged = group.columns[variable], study.found.judged[key]
    if judged.sample.count == 0:
        _log.warning("%s_%s_%s: not drawn, no residual is finite", group.name, variable, kind)
        return
    in_kind = study.found.judged[key_in_kind(variable, column)]
    histogram, label = study.filled.residuals[key], group.labels[variable]
    residual: Callable[..., Figure] = partial(draw_residual, histogram, key, judged, in_kind, label, column, caption)
    response: Callable[..., Figure] = partial(draw_response, histogram, key, judged, label, column, caption)
    words = kind.replace("_", " ")
    drawn: dict[str, tuple[Callable[..., Figure], str, str]] = {
        kind: (residual, f"{words} of {variable}", _look_for(key, study))
    }
    if kind == "relative_residual":
        what = "Reconstructed over original: the relative residual plus 1. A scale that moved would shift it off 1."
        drawn["response"] = (response, f"response of {variable}", what)
    for called, (draw, title, what) in drawn.items():
        for suffix, log in SCALES.items():
            yield Plot(
                name=f"{group.name}_{variable}_{called}{suffix}",
                section=Section.variables,
                title=f"{group.name}: {title}",
                caption=what,
                draw=partial(draw, log=log),
                histograms={kind: histogram},
                network=group.network,
            )


def _look_for(key: Key, study: Study) -> str:
    variable, kind = key
    column = study.group.columns[variable]
    formula = "(reconstructed - original) / original" if kind == "relative_residual" else "Reconstructed - original"
    skew = (
        " The first bin is partly empty, since a ratio of 1 + t has the inverse 1 / (1 + t), not 1 - t."
        if kind == "relative_residual"
        else ""
    )
    wrapped = ", wrapped to half a turn," if column.periodic else ""
    if key != key_in_kind(variable, column):
        return f"{formula}{wrapped} for {variable}. The tolerance speaks of the other kind of residual."
    return (
        f"{formula}{wrapped} for {variable}. Everything has to lie inside the band, which is the tolerance of the "
        f"recipe ({column.tolerance}); a flat distribution that fills it uses it well, one that leans to a side would "
        f"be a bias.{skew}"
    )


def residual_table(context: Context) -> Table:
    """The numbers of all legends: mean, RMS, half-widths, the largest residual and the share beyond the tolerance."""
    rows = []
    for study in context.studies:
        group = study.group
        for key in keys(group):
            column, judged = group.columns[key[0]], study.found.judged[key]
            sample = judged.sample
            stated = key == key_in_kind(key[0], column)
            rows.append(
                (
                    group.name,
                    key[0],
                    key[1].replace("_", " "),
                    "" if key[1] == "relative_residual" else column.unit,
                    sample.count,
                    sample.mean,
                    sample.rms,
                    sample.abs_quantile(0.68),
                    sample.abs_quantile(0.95),
                    max(abs(sample.min), abs(sample.max)) if sample.count else None,
                    bound(column) if stated else None,
                    judged.share_beyond if stated else None,
                )
            )
    return Table(
        name="residuals",
        section=Section.variables,
        title="Residuals in numbers",
        caption="Residuals of all variables that may move. 68 % and 95 % are half-widths about zero; beyond is the "
        "share of the objects outside the tolerance.",
        columns=(
            "collection",
            "variable",
            "kind",
            "unit",
            "objects",
            "mean",
            "RMS",
            "68 %",
            "95 %",
            "largest",
            "tolerance",
            "beyond",
        ),
        rows=rows,
        network=context.networks,
    )
