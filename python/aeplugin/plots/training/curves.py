"""Pictures of trainings: losses and learning rate by epoch, and the learning-rate test."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from aeplugin.plots.drawing import style, wording
from aeplugin.plots.drawing.distributions import move_below
from aeplugin.plots.drawing.log_axes import set_log_ticks
from aeplugin.plots.drawing.style import Caption
from aeplugin.plots.training.losses import LossWords, words_of
from aeplugin.plots.training.told import RateTest, Summary

_WIDTH, _HEIGHT, _RATE_HEIGHT = 7.2, 5.4, 1.5
"""Of a picture in inches, and of the panel below it with the learning rate."""


def is_drawable(summary: Summary) -> bool:
    """Whether there is a loss to show."""
    is_log = words_of(summary.loss).is_log
    return bool(shown(summary.training_loss, is_log).any() or shown(summary.validation_loss, is_log).any())


def shown(values: Sequence[float], is_log: bool = True) -> np.ndarray:
    """Which of some losses an axis can show; models come from strangers."""
    array = np.asarray(values, np.float64)
    return (array > 1e-30) & (array < 1e30) if is_log else np.abs(array) < 1e30


def draw_losses(summary: Summary, caption: Caption) -> Figure:
    """Training and validation loss against the epoch, the best epoch marked; the learning rate below, where known."""
    words = words_of(summary.loss)
    has_rates = bool(shown(summary.learning_rate).any())
    figure, ax, below = _new(has_rates)
    lines: list[Artist] = []
    for values, colour, dashes, marker in (
        (summary.training_loss, style.BLUE, "-", "o"),
        (summary.validation_loss, style.VERMILION, "--", "s"),
    ):
        lines += _plot(ax, values, shown(values, words.is_log), colour, dashes, marker)
    labels = ["Training", "Validation"]
    best = summary.best_epoch
    if 1 <= best <= len(summary.validation_loss) and shown(summary.validation_loss, words.is_log)[best - 1]:
        value = summary.validation_loss[best - 1]
        lines += ax.plot([best], [value], "*", color="black", markersize=11, zorder=4)
        labels.append(f"Best: epoch {best}, {wording.number(value)}")
    last = max(len(summary.training_loss), len(summary.validation_loss))
    for axes in (ax, *([below] if below else [])):
        axes.set_xlim(0.5, last + 0.5) if last < 5 else axes.set_xlim(0, last * 1.02)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
        axes.xaxis.set_minor_locator(MaxNLocator(40, integer=True, min_n_ticks=1))
    if below is None:
        ax.set_xlabel("Epoch")
    else:
        ax.tick_params(labelbottom=False)
        _draw_rate_by_epoch(below, summary.learning_rate)
    _finish(ax, lines, labels, [*summary.training_loss, *summary.validation_loss], caption, words)
    if below is not None:
        figure.align_ylabels([ax, below])
    return figure


def _draw_rate_by_epoch(ax: Axes, rates: Sequence[float]) -> None:
    usable = shown(rates)
    _plot(ax, rates, usable, style.GREEN, "-", "o")
    chosen = np.asarray(rates)[usable]
    ax.set_yscale("log")
    ax.set_ylim(chosen.min() / 2, chosen.max() * 2)
    set_log_ticks(ax.yaxis)
    ax.set_xlabel("Epoch")
    ax.set_ylabel("Learning rate", fontsize=style.SMALL)


def _plot(ax: Axes, values: Sequence[float], usable: np.ndarray, colour: str, dashes: str, marker: str) -> list[Artist]:
    """Values of epochs, with markers where they are few."""
    epochs, marker = np.arange(1, len(values) + 1), marker if len(values) <= 25 else ""
    x, y = epochs[usable], np.asarray(values)[usable]
    return list(ax.plot(x, y, color=colour, linestyle=dashes, marker=marker, markersize=4))


def draw_rates(test: RateTest, used: float, caption: Caption, loss: str | None = None) -> Figure:
    """Smoothed loss against the learning rate, with both suggestions and the rate that was used."""
    figure, ax, _ = _new(False)
    rates, losses = np.asarray(test.rates), np.asarray(test.losses)
    usable = shown(test.rates) & shown(test.losses, words_of(loss).is_log)
    lines: list[Artist] = list(ax.plot(rates[usable], losses[usable], color=style.BLUE))
    labels = ["Smoothed training loss"]
    marks = (
        ("Steepest descent", test.steepest, style.GREEN, "--"),
        ("A tenth of the minimum's", test.tenth_of_minimum, style.VERMILION, "-."),
        ("In the recipe", used, style.GREY, ":"),
    )
    marked = []
    for name, rate, colour, dashes in marks:
        if rate is not None and rates[usable].min() <= rate <= rates[usable].max():
            marked.append(ax.axvline(rate, color=colour, linestyle=dashes, linewidth=1.4, zorder=1.5))
            labels.append(f"{name}: {wording.number(rate, 2)}")
    ax.set_xscale("log")
    set_log_ticks(ax.xaxis)
    ax.set_xlabel("Learning rate")
    top = _finish(ax, [*lines, *marked], labels, test.losses, caption, words_of(loss))
    for line in marked:
        line.set_ydata([0, top])
    return figure


def _new(has_rates: bool) -> tuple[Figure, Axes, Axes | None]:
    """A figure with axes for losses, and below them axes for learning rates."""
    height = _HEIGHT + _RATE_HEIGHT * has_rates
    figure = style.new_figure(_WIDTH, height)
    if not has_rates:
        ax = figure.subplots()
        figure.subplots_adjust(left=0.14, right=0.96, top=0.93, bottom=0.13)
        return figure, ax, None
    ax, below = figure.subplots(2, height_ratios=[_HEIGHT - 1.1, _RATE_HEIGHT - 0.1])
    style.set_margins(figure, 0.14 * _WIDTH, 0.04 * _WIDTH, 0.07 * _HEIGHT, 0.13 * _HEIGHT, hspace=0.06)
    return figure, ax, below


def _finish(
    ax: Axes, lines: list[Artist], labels: list[str], values: Sequence[float], caption: Caption, words: LossWords
) -> float:
    """Label, legend, and a y axis with room for both above the curves; gives the height (axes) of these."""
    texts = style.experiment_label(ax, caption.look, extra=f"{caption.network}, {caption.objects}")
    legend = ax.legend(lines, labels, loc="upper right", handlelength=2.4)
    move_below(ax, legend, texts)
    room = max(min(box[1] for box in style.boxes(ax, [*texts, legend])) - 0.04, 0.3)
    chosen = np.asarray(values)[shown(values, words.is_log)]
    low, high = float(chosen.min()), float(chosen.max())
    if words.is_log:
        low, high = math.log10(low), math.log10(high)
    least = 0.3 if words.is_log else max(1e-3 * abs(high), 1e-9)  # what never varies is a line, not noise
    bottom = low - 0.08 * max(high - low, least)
    top = bottom + max(high - bottom, least) / room
    if words.is_log:
        ax.set_yscale("log")
        ax.set_ylim(10**bottom, 10**top)
        set_log_ticks(ax.yaxis)
    else:
        ax.set_ylim(bottom, top)
    ax.set_ylabel(words.axis)
    return room
