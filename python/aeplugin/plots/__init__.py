"""Plots and tables of a compression: what went in, what came back, what it costs, and what it does to physics.

``python -m aeplugin.plots original.root compressed.root -o plots/``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import hist

from aeplugin.errors import InputError, nearest
from aeplugin.plots import naming
from aeplugin.plots.anomaly import anomaly_plots
from aeplugin.plots.compression import compression_plots
from aeplugin.plots.correlations import correlation_plots
from aeplugin.plots.drawing import style
from aeplugin.plots.inputs import Context, Inputs, Progress, open_inputs
from aeplugin.plots.kinds import kind_plots
from aeplugin.plots.outliers import outlier_plots
from aeplugin.plots.physics import physics_plots
from aeplugin.plots.plot import Plot, Section, Table
from aeplugin.plots.saving import make_folder, save_figure, save_histograms, save_table
from aeplugin.plots.summaries import summary_plots
from aeplugin.plots.training import training_plots
from aeplugin.plots.variables import variable_plots

__all__ = ["FORMATS", "Inputs", "Plot", "Section", "Table", "collect", "make_plots", "write_plots"]

FORMATS = ("pdf", "png")

Topic = Callable[[Context], Iterator[Plot | Table]]
TOPICS: dict[Section, Topic] = {
    Section.variables: variable_plots,
    Section.correlations: correlation_plots,
    Section.kinds: kind_plots,
    Section.summaries: summary_plots,
    Section.physics: physics_plots,
    Section.compression: compression_plots,
    Section.training: training_plots,
    Section.anomaly: anomaly_plots,
    Section.outliers: outlier_plots,
}
"""What makes the plots and tables of each section. A topic reads all it needs before it gives its first plot."""


def make_plots(
    inputs: Inputs,
    output: str | Path,
    *,
    sections: Sequence[str] = (),
    formats: Sequence[str] = FORMATS,
    progress: Progress | None = None,
) -> list[Path]:
    """Write all plots, as pictures, tables (CSV, LaTeX, Markdown) and histograms (UHI JSON and one ROOT file).

    Files are read in blocks, so memory does not grow with them. Values are in the files' own units.

    Args:
        inputs: the files, and how the plots are called and look.
        output: folder for the plots; made where it is missing.
        sections: names of `Section`, for some of the plots only.
        formats: suffixes of the pictures, of `FORMATS`.
        progress: called with what is being done and the fraction done.

    Returns:
        The files written, in the order drawn.

    Raises:
        InputError: a file cannot be read, the files' events differ, or there are no objects at all.
        RecipeError: the recipe is missing or wrong, does not fit the files, or its pattern of file names is.
    """
    report = progress or (lambda what, fraction: None)
    check_formats(formats)
    context, contents = collect(inputs, sections, lambda what, fraction: report(what, 0.5 * fraction))
    return write_plots(
        context, contents, output, formats=formats, progress=lambda what, fraction: report(what, 0.5 + 0.5 * fraction)
    )


def check_formats(formats: Sequence[str]) -> None:
    """Refuse what is no format of pictures.

    Raises:
        InputError: some are not, or there are none.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise InputError(f"format: got {', '.join(unknown) or 'none'}, expected some of {', '.join(FORMATS)}")


def write_plots(
    context: Context,
    contents: Sequence[Plot | Table],
    output: str | Path,
    *,
    formats: Sequence[str] = FORMATS,
    progress: Progress | None = None,
) -> list[Path]:
    """Draw and write what `collect` gave; see `make_plots`.

    Raises:
        InputError: the folder cannot be made.
        RecipeError: the pattern of file names is wrong.
    """
    check_formats(formats)
    plots, report = context.recipe.plots, progress or (lambda what, fraction: None)

    def stem(name: str, network: str) -> str:
        return naming.file_stem(plots, network or context.networks, name, context.date)

    for kind in (Plot, Table):  # a plot and a table may share a name: their suffixes differ
        naming.check_unique([stem(i.name, i.network) for i in contents if isinstance(i, kind)], plots.name)
    folder = Path(output)
    make_folder(folder)
    written: list[Path] = []
    histograms: dict[str, hist.Hist] = {}
    for done, item in enumerate(contents):
        report("drawing", done / len(contents))
        if isinstance(item, Table):
            written += save_table(item, folder, stem(item.name, item.network))
            continue
        with style.active(plots.style):
            figure = item.draw()
            if figure is None:
                continue
            paths = naming.paths(folder, stem(item.name, item.network), formats)
            save_figure(figure, paths)
        written += paths
        histograms |= {f"{item.name}/{name}": histogram for name, histogram in item.histograms.items()}
    report("drawing", 1.0)
    return [*written, *save_histograms(histograms, folder, stem("histograms", ""))]


def collect(
    inputs: Inputs, sections: Sequence[str] = (), progress: Progress | None = None
) -> tuple[Context, list[Plot | Table]]:
    """Read everything, and give what is to be drawn: files that do not fit together leave no half set of plots.

    Args:
        sections: names of `Section`, for some of the plots only.

    Raises:
        InputError, RecipeError: see `make_plots`.
    """
    known = [section.name for section in Section]
    for name in sections:
        if name not in known:
            raise InputError(f"section: no {name!r}{nearest(name, known)}")
    chosen = {section: topic for section, topic in TOPICS.items() if not sections or section.name in sections}
    now = next(iter(chosen), Section.variables)
    events = 0
    finished = 0

    def on_events(number: int) -> None:
        nonlocal events
        events += number
        if progress is not None:
            # How often a topic reads the events is its own affair: the bar nears the topic's end with each pass.
            passes = events / max(context.pair.events, 1)
            progress(now.value.lower(), (finished + passes / (passes + 2)) / len(chosen))

    context = open_inputs(inputs, on_events)
    contents: list[Plot | Table] = []
    for section, topic in chosen.items():
        now, events = section, 0
        contents += topic(context)
        finished += 1
    return context, contents
