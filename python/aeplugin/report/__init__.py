"""Everything about a compression in one HTML page, and in one PDF: ``aeplugin report``."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from aeplugin.errors import InputError
from aeplugin.plots import collect
from aeplugin.plots.inputs import Context, Inputs, Progress
from aeplugin.plots.plot import Plot, Table
from aeplugin.plots.saving import complete_file
from aeplugin.report.assembly import Labels, Report, assemble
from aeplugin.report.page import write_page
from aeplugin.terminal import check_output

__all__ = ["Labels", "Report", "make_report", "write_report"]


def make_report(
    inputs: Inputs,
    output: str | Path,
    *,
    pdf: str | Path | None = None,
    title: str | None = None,
    sections: Sequence[str] = (),
    command: str = "",
    progress: Progress | None = None,
) -> list[Path]:
    """Write all plots and tables with a summary, the recipe and the provenance into one HTML page.

    The page needs nothing but itself. Files are read in blocks and plots are drawn one at a time, so memory does not
    grow with them.

    Args:
        inputs: the files, and how the plots look.
        output: the page to write.
        pdf: also typeset a PDF of the same; needs the extra "report".
        title: default "Compression of" and the data sets.
        sections: names of `plots.Section`, for some of the plots only.
        command: how the report was asked for; printed in it.
        progress: called with what is being done and the fraction done.

    Returns:
        The files written.

    Raises:
        InputError: a file cannot be read or written, or the files' events differ.
        RecipeError: the recipe is missing or wrong, or does not fit the files.
        ImportError: `pdf` is asked for and typst is missing.
    """
    tell = progress or (lambda what, fraction: None)
    others = (inputs.recipe, inputs.model, inputs.benchmark, *inputs.compare)
    read = [path for pair in inputs.pairs for path in pair]
    read += [path for path in others if isinstance(path, str | Path)]
    for path in (output, *([] if pdf is None else [pdf])):
        check_output(Path(path), *read)
    if pdf is not None:
        from aeplugin.report import document  # noqa: F401  # tells what is missing before the work, not after it
    labels = Labels.of(inputs, title, command)
    context, contents = collect(inputs, sections, lambda what, fraction: tell(what, 0.4 * fraction))
    return write_report(
        context, contents, labels, output, pdf=pdf, progress=lambda what, fraction: tell(what, 0.4 + 0.6 * fraction)
    )


def write_report(
    context: Context,
    contents: Sequence[Plot | Table],
    labels: Labels,
    output: str | Path,
    *,
    pdf: str | Path | None = None,
    progress: Progress = lambda what, fraction: None,
) -> list[Path]:
    """Write a report of plots and tables that were collected; see `make_report`."""
    paths = [Path(output), *([] if pdf is None else [Path(pdf)])]
    if pdf is not None and paths[0].resolve() == paths[1].resolve():
        raise InputError(f"{pdf}: is the name of the page, too; give the PDF another one")
    with tempfile.TemporaryDirectory(prefix="aeplugin-report-") as name, ExitStack() as stack:
        folder = Path(name)
        report = assemble(
            context, contents, labels, folder, vectors=pdf is not None, progress=lambda w, f: progress(w, 0.9 * f)
        )
        parts = [stack.enter_context(complete_file(path)) for path in paths]
        progress("writing", 0.9)
        write_page(report, parts[0])
        if pdf is not None:
            from aeplugin.report.document import write_document

            write_document(report, folder, parts[1])
        progress("writing", 1.0)
    return paths
