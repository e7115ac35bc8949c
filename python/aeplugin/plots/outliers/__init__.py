"""The worst objects and events against all others, with their kinematics in a table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import hist
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from aeplugin.plots.drawing import headings, panels, style, wording
from aeplugin.plots.drawing.distributions import angle_ticks
from aeplugin.plots.drawing.panels import Span
from aeplugin.plots.filling import Study
from aeplugin.plots.inputs import Context
from aeplugin.plots.outliers.ranking import Ranking, rank
from aeplugin.plots.plot import Cell, Plot, Section, Table

MOST_PANELS = 8
"""Variables that are drawn; more would be too small to read."""


def outlier_plots(context: Context) -> Iterator[Plot | Table]:
    """The worst objects and events by each residual and by the model's score: a picture and a table for each."""
    studies = {study.group.name: study for study in context.studies}
    groups = [study.group for study in studies.values()]
    for ranking in rank(context.pair, groups, context.model, context.worst):
        study = studies[ranking.group.name] if ranking.group is not None else None
        network = study.group.network if study is not None else context.networks
        objects = wording.plural(study.group.name) if study is not None else "Events"
        caption = style.Caption(context.look, objects, network, context.pair.weight is not None)
        measure = f"{ranking.measure} in {ranking.unit}" if ranking.unit else ranking.measure
        title, what = f"{objects}: worst by {ranking.measure}", f"The worst {caption.noun} by {measure}"
        name = f"outliers_{ranking.name}"
        assert ranking.bulk is not None
        histograms = {"measure": ranking.bulk}
        if study is not None:
            histograms |= {v: study.filled.originals[v] for v in list(study.group.columns)[:MOST_PANELS]}
        yield Plot(
            name=name,
            section=Section.outliers,
            title=title,
            caption=f"{what} (marks) against all (histograms). Marks that gather in one place show what the "
            "compression finds hard; marks at the end of an axis lie beyond it.",
            draw=partial(draw_outliers, ranking, study, caption),
            histograms=histograms,
            network=network,
            width=2,
        )
        yield Table(
            name=name,
            section=Section.outliers,
            title=title,
            caption=f"{what}; events and objects are counted from 0.",
            columns=(ranking.unit or "score", *ranking.worst.rows),
            rows=_rows(ranking),
            network=network,
        )


def _rows(ranking: Ranking) -> list[tuple[Cell, ...]]:
    worst = ranking.worst
    return [
        (float(badness), *(values[i].item() for values in worst.rows.values()))
        for i, badness in enumerate(worst.badness)
    ]


def draw_outliers(ranking: Ranking, study: Study | None, caption: style.Caption) -> Figure:
    """Small panels: the measure, and for objects each variable, of all as a histogram and of the worst as marks."""
    assert ranking.bulk is not None
    drawn = list(study.group.columns)[:MOST_PANELS] if study is not None else []
    size = 1 + len(drawn)
    columns = min(size, 3)
    rows = math.ceil(size / columns)
    width = max(3.1 * columns, 6.2)
    head = headings.height(width - 0.95)
    height = 2.6 * rows + head
    figure = style.new_figure(width, height)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in grid[size:]:
        ax.set_axis_off()
    style.set_margins(figure, 0.75, 0.2, head, 0.6, wspace=0.3, hspace=0.42)
    measure = ranking.measure[:1].upper() + ranking.measure[1:]
    _draw_panel(grid[0], ranking.bulk, ranking.worst.badness, measure, ranking.unit, log=True)
    if study is not None:
        group, filled = study.group, study.filled
        for ax, variable in zip(grid[1:], drawn, strict=False):
            column = group.columns[variable]
            values = ranking.worst.rows[variable].astype(np.float64)
            bulk, label = filled.originals[variable], group.labels[variable]
            _draw_panel(ax, bulk, values, label, column.unit, filled.log[variable], is_angle=column.periodic)
    for ax in grid[:size:columns]:
        ax.set_ylabel(caption.per_bin, fontsize=style.SMALL)
        style.fit_text(ax.yaxis.label, ax.get_window_extent().height, vertical=True)
    worst = Line2D([], [], color=style.VERMILION, marker="v", linestyle="none", markersize=7)
    bulk = Patch(facecolor=style.SKY, edgecolor=style.BLUE, alpha=0.6)
    marks = f"The worst {len(ranking.worst.badness)}"
    headings.write(
        figure, caption, [f"{wording.count(ranking.sample.count)} {caption.noun}"], ([bulk, worst], ["All", marks])
    )
    return figure


def _draw_panel(
    ax: Axes, bulk: hist.Hist, marks: np.ndarray, label: str, unit: str, log: bool, *, is_angle: bool = False
) -> None:
    span = Span(np.asarray(bulk.axes[0].edges), log, False, False)
    contents = np.asarray(bulk.values(flow=True), float)
    panels.draw(ax, span, contents, histtype="fill", facecolor=style.SKY, alpha=0.45, edgecolor="none")
    panels.draw(ax, span, contents, histtype="step", color=style.BLUE, linewidth=1.0, yerr=False)
    exponent = 0 if log else wording.axis_exponent(float(np.abs(span.edges).max()), unit)
    panels.set_x(ax, span, exponent, angle_ticks(span) if is_angle else None, few=True)
    panels.set_y(ax, "", span, contents, [], ceiling=0.8, log=True)
    marks = np.clip(np.nan_to_num(marks, nan=span.edges[-1], posinf=span.edges[-1]), *span.limits)
    ax.plot(
        marks,
        np.full(len(marks), 0.9),
        "v",
        transform=ax.get_xaxis_transform(),
        color=style.VERMILION,
        markeredgecolor="white",
        markeredgewidth=0.5,
        markersize=7,
        clip_on=False,
    )
    ax.tick_params(labelsize=10)
    ax.set_xlabel(wording.axis_title(label, unit, exponent), fontsize=style.SMALL)
    ax.set_ylabel("")
    style.fit_text(ax.xaxis.label, ax.get_window_extent().width)
