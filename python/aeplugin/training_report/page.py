"""A training as one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from markupsafe import Markup

from aeplugin.plots.training import loss_caption, rates_caption
from aeplugin.plots.training.told import Summary
from aeplugin.report.contents import Sheet
from aeplugin.report.page import environment, own
from aeplugin.training_report import tables
from aeplugin.training_report.facts import Trained, TrainingFacts


@dataclass(frozen=True)
class Picture:
    """A picture with its caption."""

    number: int
    title: str
    caption: str
    png: Path


@dataclass(frozen=True)
class Chapter:
    """What the page has about one network."""

    trained: Trained
    title: str
    sheets: tuple[Sheet, ...]
    pictures: tuple[Picture, ...]

    @property
    def id(self) -> str:
        return f"network-{self.trained.name}"


def write_page(facts: TrainingFacts, pictures: Mapping[str, Mapping[str, Path]], path: Path) -> None:
    """Write the page to `path`, with its pictures inside.

    Args:
        pictures: PNG files of each network, as far as there are any: "loss" and "rates".
    """
    sheets, figures = count(1), count(1)
    chapters = []
    for trained in facts.networks:
        found = [tables.settings_table(trained, facts)]
        if trained is not facts.events:
            found.append(tables.column_table(trained, facts))
        elif trained.told.get("within"):
            found.append(tables.event_column_table(trained))
        captions = {"loss": loss_caption(Summary.of_curves(trained.told)), "rates": rates_caption()}
        titles = {"loss": "Losses and learning rate", "rates": "Learning-rate test"}
        shown = tuple(
            Picture(next(figures), titles[what], captions[what], png)
            for what, png in pictures.get(trained.name, {}).items()
        )
        title = "The network for whole events" if trained is facts.events else f"The network for {trained.name}"
        chapters.append(Chapter(trained, title, tuple(Sheet.of(table, next(sheets)) for table in found), shown))
    cuts = [Sheet.of(tables.cut_flow_table(facts.cut_flow), next(sheets))] if facts.cut_flow else []
    stream = (
        environment("aeplugin.training_report")
        .get_template("training.html.j2")
        .stream(
            facts=facts,
            title=f"Training of {_listing(_names(facts))}",
            chapters=chapters,
            cuts=cuts,
            origin=Sheet.of(tables.origin_table(facts), next(sheets)),
            tiles=_tiles(facts),
            style=Markup(own("style.css")),
        )
    )
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        for chunk in stream:
            file.write(chunk)


def _tiles(facts: TrainingFacts) -> list[tuple[str, str, str]]:
    """What to see first of each network: label, value, note."""
    tiles = []
    for trained in facts.networks:
        told = trained.told
        best = f"best epoch {told['best_epoch']} of {len(told['validation_loss'])}"
        if trained is facts.events:
            tiles.append((f"whole events: loss ({told['loss']})", f"{told['best_validation_loss']:.3g}", best))
        else:
            loss = f"loss ({told['loss']}) {told['best_validation_loss']:.3g}, {best}"
            tiles.append((f"{trained.name}: within every tolerance", f"{100 * told['within']:.1f} %", loss))
    if (density := facts.density) is not None:
        note = f"{density['training_bits_per_event']:.1f} in training"
        tiles.append(("density: bits per event", f"{density['validation_bits_per_event']:.1f}", note))
    return tiles


def _names(facts: TrainingFacts) -> list[str]:
    """What was trained."""
    return [*(trained.name for trained in facts.networks), *(["a density"] if facts.density is not None else [])]


def _listing(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
