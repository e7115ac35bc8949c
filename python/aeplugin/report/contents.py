"""What is in a report, in its order and numbered: chapters with figures and tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aeplugin.plots.plot import Plot, Section, Table
from aeplugin.plots.tables import is_numeric, shown, to_csv, to_latex

LOG = "_log"
"""What the name of a plot ends with that is another one on a logarithmic axis."""

ABOUT = {
    Section.variables: "Every variable that may move: what went in and what came back, and how far each value moved. "
    "The shaded band is what the recipe allows.",
    Section.correlations: "Whether errors of one variable come with errors of another, and whether the variables still "
    "hang together as they did. Errors within a tolerance should know nothing of each other.",
    Section.kinds: "The same by kind of object: a mean over many jets must not hide what happens to few muons.",
    Section.summaries: "Shift and width of every residual, with their uncertainties, by kind and by data set.",
    Section.physics: "What an analysis would see: masses, sums, balances and a selection, before and after.",
    Section.compression: "What the accuracy costs and what it saves: bits by column, size against error, and speed.",
    Section.training: "How the network was trained, and what its latent variables hold.",
    Section.anomaly: "Which data sets, and which events, the network finds strange; of the events before compression.",
    Section.outliers: "The objects that moved furthest or are the least expected, beside all others.",
}
"""What each chapter tells, for those who do not read captions."""


@dataclass(frozen=True)
class Picture:
    """One drawing of a plot.

    Attributes:
        scale: "linear" or "logarithmic" where there are both, else "".
        png: the picture; `pdf`: the same as vectors, or None.
        width, height: of the PNG in pixels.
    """

    scale: str
    png: Path
    pdf: Path | None
    width: int
    height: int


@dataclass(frozen=True)
class Figure:
    """A plot with its number; `pictures` are one, or its linear and its logarithmic drawing."""

    number: int
    title: str
    caption: str
    wide: bool
    pictures: tuple[Picture, ...]

    @property
    def id(self) -> str:
        return f"figure-{self.number}"

    def alt(self, picture: Picture) -> str:
        """The picture in words."""
        return f"{self.title}{f', {picture.scale} axis' if picture.scale else ''}. {self.caption}"


@dataclass(frozen=True)
class Sheet:
    """A table with its number, ready to be set: `rows` are text, `numeric` says which columns stand at the right."""

    number: int
    name: str
    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    csv: str
    latex: str

    @property
    def id(self) -> str:
        return f"table-{self.number}"

    @property
    def letters(self) -> list[tuple[int, int]]:
        """How wide each column is in letters: with every text broken where it can be, and with none broken."""
        widths = []
        for i, is_number in enumerate(self.numeric):
            cells = [row[i] for row in self.rows]
            words = [*self.columns[i].split(), *(cells if is_number else " ".join(cells).split())]
            broken = max((len(part) for word in words for part in breakable(word)), default=1)
            widths.append((broken, max(broken, len(self.columns[i]), *map(len, cells), 1)))
        return widths

    @staticmethod
    def of(table: Table, number: int) -> Sheet:
        """A topic's table."""
        numeric = tuple(bool(table.rows) and is_numeric(table, i) for i in range(len(table.columns)))
        rows = tuple(tuple(shown(cell) for cell in row) for row in table.rows)
        texts = to_csv(table), to_latex(table)
        return Sheet(number, table.name, table.title, table.caption, table.columns, rows, numeric, *texts)


@dataclass(frozen=True)
class Chapter:
    """A section of plots that has something in it."""

    number: int
    section: Section
    items: tuple[Figure | Sheet, ...]

    @property
    def id(self) -> str:
        return f"section-{self.section.name}"

    @property
    def title(self) -> str:
        return self.section.value

    @property
    def about(self) -> str:
        return ABOUT[self.section]

    @property
    def figures(self) -> list[Figure]:
        return [item for item in self.items if isinstance(item, Figure)]

    @property
    def tables(self) -> list[Sheet]:
        return [item for item in self.items if isinstance(item, Sheet)]


def breakable(text: str) -> list[str]:
    """A text cut where its long words may break: after what joins their parts, and anywhere in 27 letters or more."""
    pieces: list[str] = []
    for i, word in enumerate(re.split(r"(\S{15,})", text)):
        parts = re.findall(r"[^_/.:-]*[_/.:-]+|[^_/.:-]+", word) if i % 2 else [word]
        for part in parts:
            pieces += re.findall(r".{1,16}", part) if i % 2 and len(part) > 26 else [part]
    return pieces


def by_section(contents: Sequence[Plot | Table]) -> dict[Section, list[tuple[Plot, ...] | Table]]:
    """What there is in each section, in the order of sections and of `contents` within one.

    A plot and its logarithmic twin, NAME and NAME_log, stand together, where the first of them stood.
    """
    plots = {(item.section, item.name): item for item in contents if isinstance(item, Plot)}
    found: dict[Section, list[tuple[Plot, ...] | Table]] = {section: [] for section in Section}
    seen = set()
    for item in contents:
        if isinstance(item, Table):
            found[item.section].append(item)
            continue
        name = item.name.removesuffix(LOG)
        twins = [plots[key] for key in ((item.section, name), (item.section, name + LOG)) if key in plots]
        if (item.section, name) not in seen:
            found[item.section].append(tuple(twins))
        seen.add((item.section, name))
    return {section: items for section, items in found.items() if items}
