"""From files, plots and tables to the numbered contents of a report."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from aeplugin import __version__
from aeplugin.plots import naming
from aeplugin.plots.inputs import Context, Inputs, Progress
from aeplugin.plots.plot import Plot, Table
from aeplugin.recipe import PlotStyle
from aeplugin.report import summary
from aeplugin.report.contents import LOG, Chapter, Figure, Picture, Sheet, by_section
from aeplugin.report.facts import DataSet, Facts, gather
from aeplugin.report.pictures import draw

NAMED_COLUMNS = 12
"""Up to so many columns that are kept are named in the summary; the provenance has them all."""


@dataclass(frozen=True)
class Labels:
    """What is written on a report.

    Attributes:
        date: YYYY-MM-DD.
        command: what was typed, or "".
    """

    title: str
    date: str
    command: str = ""

    @staticmethod
    def of(inputs: Inputs, title: str | None, command: str = "") -> Labels:
        """With the title that was asked for; "" stands for one that names the data sets.

        Raises:
            RecipeError: the inputs' date is none.
        """
        date = naming.iso_date(inputs.date)
        return Labels(title or "", date, command)


@dataclass(frozen=True)
class Report:
    """All that a page or a document shows.

    Attributes:
        versions: what made the report and the files, by name.
        overview: tables of the summary.
        origins: tables of the provenance.
        recipes: for each recipe whose it is, and its YAML.
        notes: what the numbers do not say.
    """

    labels: Labels
    versions: dict[str, str]
    verdict: summary.Verdict
    tiles: list[summary.Tile]
    notes: list[str]
    overview: list[Sheet]
    chapters: list[Chapter]
    origins: list[Sheet]
    recipes: list[tuple[str, str]]

    @property
    def figures(self) -> list[Figure]:
        return [figure for chapter in self.chapters for figure in chapter.figures]


def assemble(
    context: Context,
    contents: Sequence[Plot | Table],
    labels: Labels,
    folder: Path,
    *,
    vectors: bool,
    progress: Progress,
) -> Report:
    """Look at the files, draw the plots into `folder` one at a time, and number everything.

    Args:
        vectors: draw PDF beside PNG.

    Raises:
        InputError, CorruptionError: see `facts.gather`.
    """
    found: list[DataSet] = []
    for data in gather(context):
        found.append(data)
        progress("comparing", 0.3 * len(found) / len(context.pairs))
    facts = Facts(tuple(found))
    numbers = count(1)
    overview = [Sheet.of(table, next(numbers)) for table in (summary.set_table(facts), summary.promise_table(facts))]
    drawn = _Drawn(context.recipe.plots.style, folder, vectors, lambda share: progress("drawing", 0.3 + 0.7 * share))
    chapters = drawn.chapters(contents, numbers.__next__)
    names = [data.name for data in found]
    title = labels.title or f"Compression of {summary.listing(names)}"
    return Report(
        labels=Labels(title, labels.date, labels.command),
        versions=_versions(facts),
        verdict=summary.verdict(facts),
        tiles=summary.tiles(facts),
        notes=_notes(facts),
        overview=overview,
        chapters=chapters,
        origins=[
            Sheet.of(table, next(numbers))
            for table in (
                summary.file_table(facts),
                *(summary.column_table(data) for data in facts.sets[:1] if data.about is not None),
            )
        ],
        recipes=[(summary.listing(whose), text) for text, whose in facts.recipes.items()]
        or [("all data sets", context.recipe.to_text())],
    )


@dataclass
class _Drawn:
    """Pictures of plots, as they get drawn."""

    style: PlotStyle
    folder: Path
    vectors: bool
    progress: Callable[[float], None]
    number: int = 0

    def chapters(self, contents: Sequence[Plot | Table], next_table: Callable[[], int]) -> list[Chapter]:
        """Chapters with what has something to show."""
        chapters: list[Chapter] = []
        done = 0
        for section, items in by_section(contents).items():
            kept: list[Figure | Sheet] = []
            for item in items:
                if isinstance(item, Table):
                    kept.append(Sheet.of(item, next_table()))
                    done += 1
                else:
                    figure = self._figure(item)
                    kept += [] if figure is None else [figure]
                    done += len(item)
                self.progress(done / len(contents))
            if kept:
                chapters.append(Chapter(len(chapters) + 1, section, tuple(kept)))
        return chapters

    def _figure(self, plots: tuple[Plot, ...]) -> Figure | None:
        """The figure of one plot, or of a linear and a logarithmic one."""
        pictures: list[Picture] = []
        for plot in plots:
            scale = "" if len(plots) == 1 else "logarithmic" if plot.name.endswith(LOG) else "linear"
            # A number before the name: no two names are the same, and no stranger's name is one for files.
            name = re.sub(r"[^A-Za-z0-9_]", "_", plot.name)[:80]
            target = self.folder / f"{self.number + 1:04d}_{len(pictures)}_{name}"
            picture = draw(plot, self.style, scale, target, vectors=self.vectors)
            if picture is not None:
                pictures.append(picture)
        if not pictures:
            return None
        self.number += 1
        first = plots[0]
        wide = any(plot.width > 1 for plot in plots)
        return Figure(self.number, first.title, first.caption, wide, tuple(pictures))


def _versions(facts: Facts) -> dict[str, str]:
    """What made the report, and what made the files."""
    about = [data.about for data in facts.sets if data.about is not None]
    parts = [part for inspection in about for part in inspection.parts]
    writers = sorted({part.aeplugin_version for part in parts})
    found = {
        "aeplugin": [__version__],
        "files by aeplugin": [] if writers == [__version__] else writers,
        "ROOT": sorted({part.root_version for part in parts}),
        "format": sorted({str(inspection.format_version) for inspection in about}),
    }
    return {name: ", ".join(values) for name, values in found.items() if values}


def _notes(facts: Facts) -> list[str]:
    """What a reader should know of the numbers."""
    notes = []
    plain = [data.reconstructed for data in facts.sets if data.about is None]
    if plain:
        are = "is" if len(plain) == 1 else "are"
        notes.append(f"{summary.listing(plain)} {are} not compressed: sizes and bits would say nothing.")
    kept = sorted({c.name for data in facts.sets if data.about for c in data.about.columns if not c.codec})
    if kept:
        others = "1 other column is" if len(kept) == 1 else f"{len(kept)} other columns are"
        names = f": {summary.listing(kept, most=NAMED_COLUMNS)}" if len(kept) <= NAMED_COLUMNS else ""
        notes.append(
            f"{others} kept to the last bit{names}. The comparison above is of the values that may move; "
            "aeplugin verify --against compares all."
        )
    return notes
