"""How a model was trained: its losses, its learning-rate test, and what its latents look like."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial

from aeplugin._core import CollectionModel, Model
from aeplugin.plots.inputs import Context
from aeplugin.plots.networks import caption_of
from aeplugin.plots.plot import Cell, Plot, Section, Table, known
from aeplugin.plots.training.curves import draw_losses, draw_rates, is_drawable, shown
from aeplugin.plots.training.latents import latent_plots
from aeplugin.plots.training.losses import words_of
from aeplugin.plots.training.told import RateTest, Summary, summaries

__all__ = ["RateTest", "Summary", "loss_caption", "rates_caption", "summaries", "training_plots"]

_log = logging.getLogger(__name__)


def training_plots(context: Context) -> Iterator[Plot | Table]:
    """Loss curves and learning-rate tests of the model's networks, their latents, and tables of the trainings."""
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
    if any(summary.columns for summary in told.values()):
        yield _column_table(model, told, context)
    yield from latents


def loss_caption(summary: Summary) -> str:
    """What the picture of losses shows, in sentences."""
    below = " Below, the learning rate at the end of each epoch." if summary.learning_rate else ""
    return (
        f"{words_of(summary.loss).sentence} after each epoch, of the objects that the network was trained on and of "
        "those held out. The weights kept are those of the marked epoch. Curves that part show overfitting; curves "
        f"that still fall at the end would gain from more epochs.{below}"
    )


def rates_caption() -> str:
    """What the picture of a learning-rate test shows, in sentences."""
    return (
        "Loss, averaged over the last steps, while the learning rate grows from step to step (L. Smith, "
        "arXiv:1506.01186). The peak of the training's schedule should lie where the loss falls, well before it rises "
        "again; two suggestions are marked."
    )


def _of_training(collection: CollectionModel, summary: Summary, context: Context) -> Iterator[Plot]:
    caption = caption_of(collection, context)
    if not is_drawable(summary):
        _log.warning("training_loss_%s: not drawn, there are no losses above 0", collection.name)
    else:
        yield Plot(
            name=f"training_loss_{collection.name}",
            section=Section.training,
            title=f"Training of the network for {caption.noun}",
            caption=loss_caption(summary),
            draw=partial(draw_losses, summary, caption),
            network=caption.network,
        )
    test = summary.learning_rate_test
    if test is None:
        return
    if len(test.rates) != len(test.losses) or (shown(test.losses) & shown(test.rates)).sum() < 2:
        _log.warning("training_rates_%s: not drawn, it takes two losses above 0 at least", collection.name)
        return
    yield Plot(
        name=f"training_rates_{collection.name}",
        section=Section.training,
        title=f"Learning-rate test of the network for {caption.noun}",
        caption=rates_caption(),
        draw=partial(draw_rates, test, context.recipe.training.learning_rate, caption, summary.loss),
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
                summary.parameters,
                summary.objects,
                summary.skipped_objects,
                summary.training_objects,
                summary.validation_objects,
                len(summary.validation_loss),
                summary.best_epoch or None,
                summary.loss or "mse",
                summary.best_validation_loss,
                summary.within,
                test.steepest if test else None,
                test.tenth_of_minimum if test else None,
            )
        )
    return Table(
        name="training",
        section=Section.training,
        title="Trainings in numbers",
        caption="Objects that the networks were trained on, and what came of it: the loss by its name in the recipe, "
        "and the fraction of the objects held out that decode with every variable within its tolerance, before any "
        "residual is stored. Objects left out have values that the network cannot represent. The last two columns are "
        "what the learning-rate test suggests, where there was one.",
        columns=(
            "collection",
            "parameters",
            "objects",
            "left out",
            "for training",
            "for validation",
            "epochs",
            "best epoch",
            "loss",
            "best validation loss",
            "within tolerances",
            "steepest descent at rate",
            "a tenth of the minimum's rate",
        ),
        rows=rows,
        network=caption_of(trained[0], context).network,
    )


def _column_table(model: Model, told: dict[str, Summary], context: Context) -> Table:
    trained = [collection for collection in model.collections if collection.name in told]
    rows: list[tuple[Cell, ...]] = [
        (collection.name, variable, known(errors.rms), known(errors.half68), known(errors.within))
        for collection in trained
        for variable, errors in told[collection.name].columns.items()
    ]
    return Table(
        name="training_columns",
        section=Section.training,
        title="Errors of the networks by variable",
        caption="Residuals of the objects held out, encoded and decoded by the network alone, in units of the "
        "tolerances: what the codec autoencoder has to store beside the latents. The narrower, the fewer bits.",
        columns=("collection", "variable", "RMS", "half the central 68 %", "fraction within"),
        rows=rows,
        network=caption_of(trained[0], context).network,
    )
