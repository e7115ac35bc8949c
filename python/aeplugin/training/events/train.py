"""Train the event network of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from aeplugin import __version__
from aeplugin.errors import RecipeError
from aeplugin.recipe import Recipe
from aeplugin.recipe_files import schema_of
from aeplugin.training import checkpoints
from aeplugin.training.data import BlockData
from aeplugin.training.events.model import EventModel, Within
from aeplugin.training.events.model_file import make_objective
from aeplugin.training.events.objective import EventReconstruction
from aeplugin.training.events.source import EventRows
from aeplugin.training.rates import learning_rate_test
from aeplugin.training.trainer import Hooks, Progress, Trainer, one_thread

CHECKPOINT = "events.checkpoint"


def check_events(paths: Sequence[str | Path], recipe: Recipe) -> None:
    """Look at what can be wrong with the `events` of a resolved recipe before anything is trained.

    Raises:
        RecipeError, InputError, ImportError: see `train_events`.
    """
    assert recipe.events is not None  # the caller has looked
    EventRows(paths, recipe)
    if recipe.events.network == "flow":
        import aeplugin.training.events.flow  # noqa: F401  # tells what is missing


def train_events(
    paths: Sequence[str | Path],
    recipe: Recipe,
    report: Callable[[str, Progress], None] | None = None,
    folder: Path | None = None,
    resume: bool = False,
) -> EventModel:
    """Train the network for whole events that `recipe` has, on one or more ROOT files of any size.

    The recipe is matched with the columns of the first file. Objects that the normalisation cannot represent, and those
    beyond the slots of their collection, take no part; the summary counts them.

    Args:
        report: called after each epoch with "events" and what there is to tell.
        folder: where the state goes on the way, as `CHECKPOINT`; none is written without.
        resume: go on from that file, if it is there.

    Raises:
        RecipeError: the recipe has no `events`, or does not fit itself or a file.
        InputError: there are too few events, a variable is constant, the training diverges, or the checkpoint is of
            another training.
        CorruptionError: the checkpoint is damaged.
        ImportError: the network is a flow, and zuko is not there.
    """
    if recipe.events is None:
        raise RecipeError("recipe: it has no 'events', the network for whole events")
    resolved = recipe.resolve(schema_of(paths[0], recipe.tree)[1], str(paths[0]))
    settings, training = recipe.events, resolved.training
    rows = EventRows(paths, resolved)
    rows.survey()
    data = BlockData(rows, training)

    def make() -> torch.nn.Module:
        return make_objective(rows.layout, settings)

    torch.manual_seed(training.seed)
    objective = make()
    summary = _summary(paths, rows, recipe, objective)
    if training.learning_rate_test:
        with one_thread():
            summary["learning_rate_test"] = asdict(learning_rate_test(make, data, training))
    of = checkpoints.fingerprint(resolved, paths)
    path = None if folder is None else folder / CHECKPOINT
    hooks = Hooks(
        epoch=lambda progress: report("events", progress) if report else None,
        checkpoint=None if path is None else lambda state: checkpoints.save(path, state, of),
    )
    state = checkpoints.load(path, of) if path is not None and resume else None
    progress = Trainer(objective, data, training, hooks).fit(state)
    # Not the time it took, so that the same training gives the same file.
    summary |= {key: value for key, value in asdict(progress).items() if key != "seconds"}
    model = EventModel(resolved, rows.layout, objective.cpu().eval(), summary)
    if isinstance(objective, EventReconstruction):
        summary["within"] = _within(model, rows)
    return model


def _summary(
    paths: Sequence[str | Path], rows: EventRows, recipe: Recipe, objective: torch.nn.Module
) -> dict[str, Any]:
    assert recipe.events is not None  # the caller has looked
    counts = rows.found
    return {
        "aeplugin": __version__,
        "torch": torch.__version__,
        "inputs": [Path(path).name for path in paths],
        "network": recipe.events.network,
        "loss": "bits" if recipe.events.network == "flow" else recipe.events.loss,
        "parameters": sum(weight.numel() for weight in objective.parameters()),
        "training_events": sum(rows.counts),
        "validation_events": rows.held_out,
        "objects": counts.objects,
        "beyond": counts.beyond,
        "unusable": counts.unusable,
    }


def _within(model: EventModel, rows: EventRows) -> dict[str, dict[str, float]]:
    """The fractions of the values held out that are reconstructed within their tolerance."""
    within = Within(model.layout)
    for block in rows.held_out_objects():
        within.update(*model.reconstruct_block(block))
    return within.fractions()
