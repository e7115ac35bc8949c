"""The folder of a training while it runs, and what is left there at the end."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aeplugin._core import Model, write_atomically
from aeplugin.plots import naming
from aeplugin.plots.drawing import style, wording
from aeplugin.plots.saving import complete_file, save_figure
from aeplugin.plots.training.curves import draw_losses, draw_rates, is_drawable, shown
from aeplugin.plots.training.told import Summary
from aeplugin.recipe import Recipe
from aeplugin.selection import Cut
from aeplugin.training import Progress, TrainingSummary
from aeplugin.training.tensorboard import TensorBoardLogs
from aeplugin.training_report.facts import EVENTS, Trained, TrainingFacts, told_by
from aeplugin.training_report.page import write_page

LOGS = "tensorboard"
"""The folder of TensorBoard's logs, in that of the training."""
SECONDS_BETWEEN = 10
"""At least, between pictures that are drawn on the way: each takes half a second, some epochs take less."""


class TrainingFolder:
    """Draws losses and learning rates while networks are trained; at the end it writes a report."""

    def __init__(self, folder: Path, recipe: Recipe, tensorboard: bool = False) -> None:
        """
        Args:
            folder: there already.
            recipe: resolved.
            tensorboard: whether to write its logs, too.

        Raises:
            ImportError: TensorBoard is asked for, and is not there.
        """
        self.folder = folder
        self._recipe = recipe
        self._logs = TensorBoardLogs(folder / LOGS) if tensorboard else None
        self._seconds: dict[str, list[float]] = {}
        self._resumed: dict[str, int] = {}
        self._drawn = 0.0

    def epoch(self, name: str, progress: Progress) -> None:
        """To be called after each epoch of the network of a collection, or of `EVENTS`."""
        is_first = name not in self._resumed
        self._resumed.setdefault(name, progress.epochs - 1)
        self._seconds[name] = progress.seconds
        if self._logs is not None:
            self._logs.epoch(name, progress)
        # The first is drawn in any case, so that what cannot be drawn is told before hours have passed.
        is_due = progress.epochs % self._recipe.training.checkpoint_every == 0
        if is_first or (is_due and time.monotonic() - self._drawn > SECONDS_BETWEEN):
            self._draw_losses(name, Summary.of_curves({**vars(progress), "loss": self._loss_of(name)}))
            self._drawn = time.monotonic()

    def done(self, name: str, summary: TrainingSummary) -> None:
        """To be called when the network of a collection is trained."""
        self._resumed.setdefault(name, summary.progress.epochs)  # a checkpoint at the end: there was no epoch left
        self._seconds[name] = summary.progress.seconds

    def finish(
        self,
        model: Model | None,
        events: Mapping[str, Any] | None,
        device: str,
        seconds: float,
        cut_flow: Sequence[Cut] = (),
    ) -> list[Path]:
        """Draw everything a last time, and write ``training.html`` and ``training.json``.

        Args:
            model: what was trained for collections.
            events: what the model for whole events tells of its training.
            seconds: that this run took.

        Returns:
            What was written: the page, the data, then the pictures.
        """
        if self._logs is not None:
            self._logs.close()
        about = told_by(model) if model is not None else {"collections": {}, **(events or {})}
        facts = TrainingFacts(
            recipe=self._recipe,
            model=model,
            collections=[self._of_collection(name, told) for name, told in about["collections"].items()],
            events=self._of_events(events),
            versions={name: about[name] for name in ("aeplugin", "torch")},
            inputs=about["inputs"],
            device=device,
            seconds=seconds,
            cut_flow=cut_flow,
        )
        pictures = {trained.name: self._pictures(trained) for trained in facts.networks}
        page, data = self.folder / "training.html", self.folder / "training.json"
        write_atomically(str(data), (json.dumps(facts.to_dict(), indent=2) + "\n").encode())
        with complete_file(page) as part:
            write_page(facts, pictures, part)
        return [page, data, *(path for paths in pictures.values() for path in paths.values())]

    def _of_collection(self, name: str, told: Mapping[str, Any]) -> Trained:
        keys = {"network", "normalisation", "circular", "loss"}
        return self._trained(name, told, self._recipe.collections[name].model_dump(mode="json", include=keys))

    def _of_events(self, told: Mapping[str, Any] | None) -> Trained | None:
        if told is None or self._recipe.events is None:
            return None
        return self._trained(EVENTS, told, self._recipe.events.model_dump(mode="json"))

    def _trained(self, name: str, told: Mapping[str, Any], settings: Mapping[str, Any]) -> Trained:
        # Where nothing was told on the way, all epochs were complete before.
        resumed = self._resumed.get(name, len(told["validation_loss"]))
        return Trained(name, told, settings, tuple(self._seconds.get(name, ())), resumed)

    def _pictures(self, trained: Trained) -> dict[str, Path]:
        """Of the losses and of the learning-rate test, by "loss" and "rates", as far as there is something to show."""
        summary = Summary.of_curves(trained.told)
        pictures = {}
        if is_drawable(summary):
            pictures["loss"] = self._draw_losses(trained.name, summary)
        test = summary.learning_rate_test
        if test is not None and (shown(test.losses) & shown(test.rates)).sum() > 1:
            pictures["rates"] = self.folder / f"{trained.name}.rates.png"
            with style.active(self._recipe.plots.style):
                used, caption = self._recipe.training.learning_rate, self._caption(trained.name)
                save_figure(draw_rates(test, used, caption, summary.loss), [pictures["rates"]])
        return pictures

    def _draw_losses(self, name: str, summary: Summary) -> Path:
        path = self.folder / f"{name}.loss.png"
        if is_drawable(summary):
            with style.active(self._recipe.plots.style):
                save_figure(draw_losses(summary, self._caption(name)), [path])
        return path

    def _caption(self, name: str) -> style.Caption:
        plots, events = self._recipe.plots, self._recipe.events
        look = style.Look(plots.style, plots.text, plots.energy, plots.luminosity)
        if name == EVENTS and events is not None:
            return style.Caption(look, "Events", f"network {events.network}")
        return style.Caption(look, wording.plural(name), naming.network_name(self._recipe.collections[name]))

    def _loss_of(self, name: str) -> str:
        events = self._recipe.events
        if name == EVENTS and events is not None:
            return "bits" if events.network == "flow" else events.loss
        return self._recipe.collections[name].loss.kind
