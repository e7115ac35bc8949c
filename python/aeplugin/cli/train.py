"""`aeplugin train`: the networks of a recipe, for collections and for whole events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aeplugin.cli.options import INPUT, OUTPUT, Input
from aeplugin.cli.tables import cut_flow_table, percent
from aeplugin.errors import InputError
from aeplugin.recipe import Recipe
from aeplugin.recipe_files import schema_of
from aeplugin.recipe_training import Selection
from aeplugin.terminal import Command, check_output, progress_bar, stdout

if TYPE_CHECKING:  # torch and matplotlib take long to load
    from aeplugin._core import Model
    from aeplugin.training import EpochReport, Progress, TrainingSummary
    from aeplugin.training.events import EventModel
    from aeplugin.training_report import TrainingFolder


@click.command(cls=Command)
@click.argument("sources", type=INPUT, nargs=-1, required=True)
@click.option("--recipe", required=True, help="A recipe file, or the name of a shipped recipe.")
@click.option("-o", "--output", type=OUTPUT, required=True, help="The model file to write.")
@click.option("--epochs", type=click.IntRange(min=1), help="Override the recipe's number of epochs.")
@click.option("--seed", type=click.IntRange(min=0, max=2**32 - 1), help="Override the recipe's seed.")
@click.option("--device", help="Override the recipe's device: auto, cpu, cuda, cuda:1, mps ...")
@click.option(
    "--workers", type=click.IntRange(min=0, max=64), help="Override the recipe's number of processes that read ahead."
)
@click.option(
    "--learning-rate-test",
    is_flag=True,
    help="Try growing learning rates on networks of their own first; the model keeps the result for its plots.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep checkpoints, pictures and a report of the training here; made where it is missing.",
)
@click.option("--resume", is_flag=True, help="Go on from the folder's checkpoints, if there are any.")
@click.option("--tensorboard", is_flag=True, help='Write logs to the folder; needs the extra "tensorboard".')
def train(
    sources: tuple[Input, ...],
    recipe: str,
    output: Path,
    folder: Path | None,
    resume: bool,
    tensorboard: bool,
    **options: Any,
) -> None:
    """Train the networks of a recipe on one or more ROOT files; needs the extra "train".

    A model only predicts: a better one saves bits, and none can break a tolerance. Many recipes compress best without
    autoencoders. Where the recipe has "density", a model of whole events for the codec autoregressive is trained, too.

    Where the recipe has "events", a network for whole events is trained, too, and written beside the model, with the
    suffix .events.
    """
    for name, is_given in (("--resume", resume), ("--tensorboard", tensorboard)):
        if is_given and folder is None:
            raise click.UsageError(f"{name} needs --folder, where the training is kept")
    event_output = output.with_suffix(".events")
    for path in (output, event_output):
        check_output(path, *sources, recipe)
    chosen = _with_options(Recipe.from_file(recipe), options)
    if chosen.events is not None and event_output == output:
        raise InputError(f"{output}: the network for whole events is called so; expected another suffix, as in .model")
    try:
        _Training(sources, chosen, folder, resume, tensorboard).run(output, event_output)
    except KeyboardInterrupt:
        if folder is not None and any(folder.glob("*.checkpoint")):
            click.echo(f"{folder}: has a checkpoint; the same command with --resume goes on from it", err=True)
        raise


def _with_options(recipe: Recipe, options: Mapping[str, Any]) -> Recipe:
    """A recipe with the keys of its training that were given on the command line; a flag only switches on."""
    changes = {key: value for key, value in options.items() if value is not None and value is not False}
    update: dict[str, Any] = {"training": recipe.training.model_copy(update=changes)}
    if "epochs" in changes and recipe.wanted_density is not None:
        update["density"] = recipe.wanted_density.model_copy(update={"epochs": changes["epochs"]})
    return recipe.model_copy(update=update)


class _Training:
    """One run of the command."""

    def __init__(
        self, sources: Sequence[Input], recipe: Recipe, folder: Path | None, resume: bool, tensorboard: bool
    ) -> None:
        from aeplugin.training.devices import find_device
        from aeplugin.training.run import check_sources

        check_sources(sources)
        self._sources = sources
        self._recipe = recipe
        self._resolved = recipe.resolve(schema_of(sources[0], recipe.tree)[1], str(sources[0]))
        self._folder = folder
        self._resume = resume
        self._device = find_device(recipe.training.device)  # before the work, not after it
        self._report: TrainingFolder | None = None
        if folder is not None:
            self._report = _open_folder(folder, self._resolved, tensorboard)

    def run(self, output: Path, event_output: Path) -> None:
        """Train everything, write it and say what came of it."""
        from aeplugin.training.devices import device_in_words

        if self._resolved.events is not None:
            from aeplugin.training.events.train import check_events

            check_events(self._sources, self._resolved)
        cuts = []
        if self._recipe.training.selection != Selection():
            from aeplugin.selection import cut_flow

            cuts = cut_flow(self._sources, self._recipe)
        started = time.monotonic()
        model = self._train_collections()
        if model is not None:
            model.save(str(output))
        events = self._train_events()
        if events is not None:
            events.save(event_output)
        seconds = time.monotonic() - started
        if cuts:
            stdout.print(cut_flow_table(cuts))
        if model is not None:
            about = json.loads(model.training)
            for name, told in about["collections"].items():
                _print_collection(output, name, told, self._recipe)
            if "density" in about:
                _print_density(output, about["density"])
        if events is not None:
            _print_events(event_output, events.summary, self._recipe)
        if self._report is not None:
            device = device_in_words(self._device)
            summary = None if events is None else events.summary
            for path in self._report.finish(model, summary, device, seconds, cuts):
                click.echo(path)
        click.echo(f"{output if model is not None else event_output}: trained in {seconds:.0f} s")

    def _train_collections(self) -> Model | None:
        """The networks of collections; None where only one for whole events is asked for."""
        from aeplugin.training.run import Checkpoints, networked_collections
        from aeplugin.training.run import train as train_networks

        is_wanted = networked_collections(self._resolved) or self._recipe.wanted_density is not None
        if self._recipe.events is not None and not is_wanted:
            return None
        checkpoints = None if self._folder is None else Checkpoints(self._folder, self._resume)
        with progress_bar("train") as update:
            of_collection, of_density = self._epoch(update), self._density_epoch(update)
            return train_networks(self._sources, self._recipe, of_collection, checkpoints, self._done, of_density)

    def _train_events(self) -> EventModel | None:
        if self._recipe.events is None:
            return None
        from aeplugin.training.events import train_events

        with progress_bar("train") as update:
            return train_events(self._sources, self._recipe, self._epoch(update), self._folder, self._resume)

    def _epoch(self, update: Callable[[float, str], None]) -> EpochReport:
        """What to do after each epoch."""

        def epoch(name: str, progress: Progress) -> None:
            note = f"{name}: validation loss {progress.validation_loss[-1]:.3g}"
            update(progress.epochs / self._recipe.training.epochs, note)
            if self._report is not None:
                self._report.epoch(name, progress)

        return epoch

    def _density_epoch(self, update: Callable[[float, str], None]) -> EpochReport:
        """What to do after each epoch of the network of a variable of the density."""

        def epoch(name: str, progress: Progress) -> None:
            assert self._recipe.wanted_density is not None
            note = f"density, {name}: {progress.validation_loss[-1]:.2f} bits"
            update(progress.epochs / self._recipe.wanted_density.epochs, note)

        return epoch

    def _done(self, name: str, summary: TrainingSummary) -> None:
        if self._report is not None:
            self._report.done(name, summary)


def _open_folder(folder: Path, resolved: Recipe, tensorboard: bool) -> TrainingFolder:
    from aeplugin.training_report import TrainingFolder

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot make the folder of the training ({error.strerror})") from None
    check_output(folder / "training.html")
    return TrainingFolder(folder, resolved, tensorboard)


def _print_collection(output: Path, name: str, told: Mapping[str, Any], recipe: Recipe) -> None:
    numbers = f"{told['training_objects']:,} + {told['validation_objects']:,} objects"
    click.echo(f"{output}: {name}: {_loss(told, recipe)}, {numbers}")
    errors = ", ".join(f"{variable} {of['rms']:.3g}" for variable, of in told["columns"].items())
    click.echo(f"  {percent(told['within'])} of the objects within every tolerance; RMS in tolerances: {errors}")
    if told["skipped_objects"]:
        click.echo(f"  {told['skipped_objects']:,} objects that the network cannot represent left out")
    _print_rate_test(told, recipe)


def _print_density(output: Path, told: Mapping[str, Any]) -> None:
    bits = f"{told['validation_bits_per_event']:.1f} bits per event ({told['training_bits_per_event']:.1f} in training)"
    click.echo(f"{output}: density: {bits}, {told['training_events']:,} + {told['validation_events']:,} events")
    variables = ", ".join(f"{of['name']} {of['validation_bits']:.2f}" for of in told["variables"])
    click.echo(f"  bits per value: {variables}")


def _print_events(output: Path, told: Mapping[str, Any], recipe: Recipe) -> None:
    numbers = f"{told['training_events']:,} + {told['validation_events']:,} events"
    click.echo(f"{output}: whole events: {_loss(told, recipe)}, {numbers}")
    for name, variables in told.get("within", {}).items():
        within = ", ".join(f"{variable} {percent(fraction)}" for variable, fraction in variables.items())
        click.echo(f"  {name}: within tolerance {within}")
    for what, counts in (("beyond the slots", told["beyond"]), ("that the network cannot represent", told["unusable"])):
        if any(counts.values()):
            numbers = ", ".join(f"{name} {number:,}" for name, number in counts.items() if number)
            click.echo(f"  objects {what} left out: {numbers}")
    _print_rate_test(told, recipe)


def _loss(told: Mapping[str, Any], recipe: Recipe) -> str:
    epochs = len(told["validation_loss"])
    early = f", stopped early of {recipe.training.epochs}" if epochs < recipe.training.epochs else ""
    best = f"{told['best_validation_loss']:.3g} in epoch {told['best_epoch']} of {epochs}"
    return f"validation loss ({told['loss']}) {best}{early}"


def _print_rate_test(told: Mapping[str, Any], recipe: Recipe) -> None:
    test = told.get("learning_rate_test")
    if test is None:
        return
    from aeplugin.training.rates import suggestions_in_words

    found = suggestions_in_words(test["steepest"], test["tenth_of_minimum"])
    click.echo(f"  learning-rate test: {found}; trained with {recipe.training.learning_rate:g}")
