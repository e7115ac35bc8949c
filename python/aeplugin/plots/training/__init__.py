"""How a model was trained: its losses, its learning-rate test, and what its latents look like."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from functools import partial

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aeplugin._core import CollectionModel, Model
from aeplugin.plots.drawing import style, wording
from aeplugin.plots.drawing.distributions import move_below
from aeplugin.plots.drawing.log_axes import set_log_ticks
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.inputs import Context
from aeplugin.plots.networks import caption_of
from aeplugin.plots.plot import Cell, Plot, Section, Table
from aeplugin.plots.training.latents import latent_plots

_log = logging.getLogger(__name__)
MOST_STEPS = 100_000
"""Epochs or steps of a test that a summary may have; what claims more is not drawn."""


class RateTest(BaseModel):
    """A learning-rate test as the model file has it; see `aeplugin.training_rates`."""

    model_config = ConfigDict(frozen=True)
    rates: list[float] = Field(max_length=MOST_STEPS)
    losses: list[float] = Field(max_length=MOST_STEPS)
    steepest: float | None = None
    tenth_of_minimum: float | None = None


class Summary(BaseModel):
    """What the model file says about a training; see docs/model-file.md. Losses are MSE in standardised units."""

    model_config = ConfigDict(frozen=True)
    objects: int | None = None
    skipped_objects: int | None = None
    training_objects: int | None = None
    validation_objects: int | None = None
    training_loss: list[float] = Field(max_length=MOST_STEPS)
    validation_loss: list[float] = Field(max_length=MOST_STEPS)
    best_epoch: int = 0
    best_validation_loss: float | None = None
    learning_rate_test: RateTest | None = None


def summaries(model: Model) -> dict[str, Summary]:
    """For each network of a model what is told of its training; those that tell nothing, or nonsense, are left out."""
    try:
        told = json.loads(model.training or "{}")
    except (ValueError, RecursionError):
        told = None
    collections = told.get("collections", {}) if isinstance(told, dict) else {}
    if not isinstance(collections, dict):
        collections = {}
    found = {}
    for collection in model.collections:
        if collection.name not in collections:
            _log.info("training_loss_%s: the model does not say how it was trained", collection.name)
            continue
        try:
            found[collection.name] = Summary.model_validate(collections[collection.name])
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            _log.warning("training_loss_%s: not drawn, %s: %s", collection.name, where, problem["msg"])
    return found


def training_plots(context: Context) -> Iterator[Plot | Table]:
    """Loss curves and learning-rate tests of the model's networks, their latents, and a table of the trainings."""
    model = context.model
    if model is None or not model.collections:
        _log.info("training: there is no model with networks")
        return
    latents = list(latent_plots(context))
    told = summaries(model)
    for collection in model.collections:
        if collection.name in told:
            yield from _of_training(collection, told[collection.name], context)
    if told:
        yield _table(model, told, context)
    yield from latents


def _of_training(collection: CollectionModel, summary: Summary, context: Context) -> Iterator[Plot]:
    caption = caption_of(collection, context)
    if not (_positive(summary.training_loss).any() or _positive(summary.validation_loss).any()):
        _log.warning("training_loss_%s: not drawn, there are no losses above 0", collection.name)
    else:
        yield Plot(
            name=f"training_loss_{collection.name}",
            section=Section.training,
            title=f"Training of the network for {caption.noun}",
            caption="Mean squared error in standardised units after each epoch, of the objects that the network was "
            "trained on and of those held out. The weights kept are those of the marked epoch. Curves that part show "
            "overfitting; curves that still fall at the end would gain from more epochs.",
            draw=partial(draw_losses, summary, caption),
            network=caption.network,
        )
    test = summary.learning_rate_test
    if test is None:
        return
    if len(test.rates) != len(test.losses) or (_positive(test.losses) & _positive(test.rates)).sum() < 2:
        _log.warning("training_rates_%s: not drawn, it takes two losses above 0 at least", collection.name)
        return
    yield Plot(
        name=f"training_rates_{collection.name}",
        section=Section.training,
        title=f"Learning-rate test of the network for {caption.noun}",
        caption="Loss, averaged over the last steps, while the learning rate grows from step to step (L. Smith, "
        "arXiv:1506.01186). The peak of the training's schedule should lie where the loss falls, well before it rises "
        "again; two suggestions are marked.",
        draw=partial(draw_rates, test, context.recipe.training.learning_rate, caption),
        network=caption.network,
    )


def _table(model: Model, told: dict[str, Summary], context: Context) -> Table:
    trained = [collection for collection in model.collections if collection.name in told]
    rows: list[tuple[Cell, ...]] = []
    for collection in trained:
        summary = told[collection.name]
        test = summary.learning_rate_test
        rows.append(
            (
                collection.name,
                summary.objects,
                summary.skipped_objects,
                summary.training_objects,
                summary.validation_objects,
                len(summary.validation_loss),
                summary.best_epoch or None,
                summary.best_validation_loss,
                test.steepest if test else None,
                test.tenth_of_minimum if test else None,
            )
        )
    return Table(
        name="training",
        section=Section.training,
        title="Trainings in numbers",
        caption="Objects that the networks were trained on, and what came of it. Objects left out have values that the "
        "network cannot represent. The last two columns are what the learning-rate test suggests, where there was one.",
        columns=(
            "collection",
            "objects",
            "left out",
            "for training",
            "for validation",
            "epochs",
            "best epoch",
            "best validation MSE",
            "steepest descent at rate",
            "a tenth of the minimum's rate",
        ),
        rows=rows,
        network=caption_of(trained[0], context).network,
    )


def _positive(values: list[float]) -> np.ndarray:
    """Which of some losses a logarithmic axis can show; models come from strangers."""
    array = np.asarray(values, np.float64)
    return (array > 1e-30) & (array < 1e30)


def draw_losses(summary: Summary, caption: Caption) -> Figure:
    """Training and validation loss against the epoch, the best epoch marked."""
    figure, ax = _new()
    lines: list[Artist] = []
    for values, colour, dashes, marker in (
        (summary.training_loss, style.BLUE, "-", "o"),
        (summary.validation_loss, style.VERMILION, "--", "s"),
    ):
        epochs = np.arange(1, len(values) + 1)
        shown = _positive(values)
        lines += ax.plot(
            epochs[shown],
            np.asarray(values)[shown],
            color=colour,
            linestyle=dashes,
            marker=marker if len(values) <= 25 else "",
            markersize=4,
        )
    labels = ["Training", "Validation"]
    best = summary.best_epoch
    if 1 <= best <= len(summary.validation_loss) and _positive(summary.validation_loss)[best - 1]:
        value = summary.validation_loss[best - 1]
        lines += ax.plot([best], [value], "*", color="black", markersize=11, zorder=4)
        labels.append(f"Best: epoch {best}, {wording.number(value)}")
    last = max(len(summary.training_loss), len(summary.validation_loss))
    ax.set_xlim(0.5, last + 0.5) if last < 5 else ax.set_xlim(0, last * 1.02)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    ax.xaxis.set_minor_locator(MaxNLocator(40, integer=True, min_n_ticks=1))
    ax.set_xlabel("Epoch")
    shown_values = [*summary.training_loss, *summary.validation_loss]
    _finish(ax, lines, labels, shown_values, caption)
    return figure


def draw_rates(test: RateTest, used: float, caption: Caption) -> Figure:
    """Smoothed loss against the learning rate, with both suggestions and the rate that was used."""
    figure, ax = _new()
    rates, losses = np.asarray(test.rates), np.asarray(test.losses)
    shown = _positive(test.rates) & _positive(test.losses)
    lines: list[Artist] = list(ax.plot(rates[shown], losses[shown], color=style.BLUE))
    labels = ["Smoothed training loss"]
    marks = (
        ("Steepest descent", test.steepest, style.GREEN, "--"),
        ("A tenth of the minimum's", test.tenth_of_minimum, style.VERMILION, "-."),
        ("In the recipe", used, style.GREY, ":"),
    )
    marked = []
    for name, rate, colour, dashes in marks:
        if rate is not None and rates[shown].min() <= rate <= rates[shown].max():
            marked.append(ax.axvline(rate, color=colour, linestyle=dashes, linewidth=1.4, zorder=1.5))
            labels.append(f"{name}: {wording.number(rate, 2)}")
    ax.set_xscale("log")
    set_log_ticks(ax.xaxis)
    ax.set_xlabel("Learning rate")
    top = _finish(ax, [*lines, *marked], labels, test.losses, caption)
    for line in marked:
        line.set_ydata([0, top])
    return figure


def _new() -> tuple[Figure, Axes]:
    figure = style.new_figure(7.2, 5.4)
    ax = figure.subplots()
    figure.subplots_adjust(left=0.14, right=0.96, top=0.93, bottom=0.13)
    return figure, ax


def _finish(ax: Axes, lines: list[Artist], labels: list[str], values: list[float], caption: Caption) -> float:
    """Label, legend, and a logarithmic y axis with room for both above the curves; gives the height (axes) of these."""
    texts = style.experiment_label(ax, caption.look, extra=f"{caption.network}, {caption.objects}")
    legend = ax.legend(lines, labels, loc="upper right", handlelength=2.4)
    move_below(ax, legend, texts)
    room = min(box[1] for box in style.boxes(ax, [*texts, legend])) - 0.04
    chosen = np.asarray(values)[_positive(values)]
    low, high = math.log10(chosen.min()), math.log10(chosen.max())
    bottom = low - 0.08 * max(high - low, 0.3)
    ax.set_yscale("log")
    room = max(room, 0.3)
    ax.set_ylim(10**bottom, 10 ** (bottom + max(high - bottom, 0.3) / room))
    set_log_ticks(ax.yaxis)
    ax.set_ylabel("Mean squared error (standardised)")
    return room
