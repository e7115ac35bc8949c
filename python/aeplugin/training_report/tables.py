"""The tables of a report of a training."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aeplugin._core import ModelColumn, Transform
from aeplugin.plots.plot import Cell, Section, Table, known
from aeplugin.recipe_training import Training
from aeplugin.selection import Cut
from aeplugin.training.rates import suggestions_in_words
from aeplugin.training_report.facts import Trained, TrainingFacts

_LATENT_KEYS = {
    "sparse-l1": ("strength",),
    "sparse-kl": ("strength", "sparsity"),
    "variational": ("strength", "free_bits", "prior_width"),
    "sliced-wasserstein": ("strength", "prior_width", "projections"),
}


def settings_table(trained: Trained, facts: TrainingFacts) -> Table:
    """What was trained, how, and what came of it."""
    rows = [*_network(trained), *_optimisation(facts.recipe.training), *_result(trained, facts.recipe.training)]
    return _table(f"{trained.name}_training", "What was trained", "", ("", "value"), rows)


def column_table(trained: Trained, facts: TrainingFacts) -> Table:
    """The variables of a collection: how they enter the network, and how well they come back."""
    assert facts.model is not None  # of a collection
    rules, weights = facts.recipe.collections[trained.name].columns, trained.settings["loss"]["columns"]
    rows: list[tuple[Cell, ...]] = []
    for column in facts.model.collection(trained.name).columns:
        if column.variable not in trained.told["columns"]:  # a label, which is not coded
            continue
        errors = trained.told["columns"][column.variable]
        rows.append(
            (
                column.variable,
                str(rules[column.variable].tolerance),
                _normalisation(column),
                weights.get(column.variable, 1.0),
                *(known(errors[key]) for key in ("rms", "half68", "within")),
            )
        )
    return _table(
        f"{trained.name}_columns",
        "Errors by variable",
        "Residuals of the objects held out, encoded and decoded by the network alone, in units of the tolerances. "
        "Compression stores what is missing: no value in a file is further off than its tolerance, but narrow "
        "residuals take fewer bits.",
        ("variable", "tolerance", "normalisation", "weight", "RMS", "half the central 68 %", "fraction within"),
        rows,
    )


def event_column_table(trained: Trained) -> Table:
    """How much of each variable a network for whole events gives back within its tolerance."""
    rows: list[tuple[Cell, ...]] = [
        (name, variable, known(fraction))
        for name, variables in trained.told["within"].items()
        for variable, fraction in variables.items()
    ]
    return _table(
        "events_columns",
        "Values within their tolerances",
        "Of the events held out, encoded and decoded by the network alone.",
        ("objects", "variable", "fraction within"),
        rows,
    )


def cut_flow_table(cuts: Sequence[Cut]) -> Table:
    """What the selection leaves."""
    names = list(cuts[0].objects)
    return _table(
        "cut_flow",
        "Selection",
        "Events and objects that are left after each cut and those before it. Networks were trained on the last row; "
        "compression leaves nothing out.",
        ("cut", "events", *names),
        [(cut.cut, cut.events, *(cut.objects[name] for name in names)) for cut in cuts],
    )


def origin_table(facts: TrainingFacts) -> Table:
    """Where everything came from."""
    rows: list[tuple[Cell, ...]] = [
        ("files", ", ".join(facts.inputs)),
        ("device", facts.device),
        ("precision", facts.recipe.training.precision),
        ("seed", str(facts.recipe.training.seed)),
        *((name, version) for name, version in facts.versions.items()),
        ("this run", _time(facts.seconds)),
    ]
    return _table("origin", "Provenance", "What it takes to train the same again.", ("", "value"), rows)


def _network(trained: Trained) -> Iterator[tuple[Cell, ...]]:
    settings = trained.settings
    network = settings.get("network")
    if not isinstance(network, Mapping):  # for whole events
        own = ("flow", "transforms") if network == "flow" else ("latents",)
        shape = {key: settings[key] for key in ("hidden", *own, "activation", "norm", "objects")}
        yield "network", f"{network}: {_listing(shape)}"
        yield "loss", str(trained.told["loss"])
    else:
        widths = " -> ".join(map(str, [len(trained.told["columns"]), *network["hidden"], network["latents"]]))
        norm = "" if network["norm"] == "none" else f", {network['norm']} norm"
        yield "network", f"{widths} and back, {network['activation']}{norm}"
        if condition := network.get("condition"):
            labels = ", ".join(map(str, condition["values"]))
            yield "condition", f"{condition['label']} ({labels}), told to {condition['to']}"
        latent = network["latent"]
        penalty = {key: latent[key] for key in _LATENT_KEYS.get(latent["kind"], ())}
        yield "latents", f"{latent['kind']}{': ' if penalty else ''}{_listing(penalty)}"
        circle = ", periodic variables as cosine and sine" if settings["circular"] else ""
        yield "normalisation", f"{settings['normalisation']}{circle}"
        yield "loss", _loss(settings["loss"])
    yield "parameters", f"{trained.told['parameters']:,}"


def _loss(settings: Mapping[str, Any]) -> str:
    parts = [settings["kind"]]
    if settings["kind"] == "rate":
        parts.append(f"factor of the rate {settings['rate']:g}")
    if settings["kinds"]:
        parts.append(f"weights of kinds: {_listing(settings['kinds'])}")
    return "; ".join(parts)


def _optimisation(training: Training) -> Iterator[tuple[Cell, ...]]:
    clip = "" if training.clip is None else f", gradients clipped at {training.clip:g}"
    yield (
        "optimisation",
        f"AdamW, {training.schedule} schedule with {training.learning_rate:g}, batches of {training.batch_size:,}, "
        f"weight decay {training.weight_decay:g}{clip}",
    )


def _result(trained: Trained, training: Training) -> Iterator[tuple[Cell, ...]]:
    told = trained.told
    what = "events" if "training_events" in told else "objects"
    numbers = f"{told[f'training_{what}']:,} to train on, {told[f'validation_{what}']:,} held out"
    left_out = told["skipped_objects"] if what == "objects" else sum(told["unusable"].values())
    yield what, numbers + (f"; {left_out:,} objects left out, which a network cannot represent" if left_out else "")
    epochs = len(told["validation_loss"])
    early = f", stopped early of {training.epochs}" if epochs < training.epochs else ""
    yield "epochs", f"{epochs}{early}; the best is {told['best_epoch']}, whose weights were kept"
    yield "best validation loss", f"{told['best_validation_loss']:.4g}"
    if what == "objects":
        yield "within every tolerance", f"{100 * told['within']:.2f} % of the objects held out"
    if test := told.get("learning_rate_test"):
        yield "learning-rate test", suggestions_in_words(test["steepest"], test["tenth_of_minimum"])
    if trained.seconds:
        yield "time", f"{_time(statistics.median(trained.seconds))} per epoch, {_time(sum(trained.seconds))} in all"
    if trained.resumed_after:
        yield "resumed", f"after epoch {trained.resumed_after}"


def _normalisation(column: ModelColumn) -> str:
    """What becomes of a variable x."""
    inside = "x" if column.factor == 1 else f"{column.factor:g} x"
    if column.offset:
        inside += f" {'+' if column.offset > 0 else '-'} {abs(column.offset):g}"
    if column.transform == Transform.circle:
        return "cos x, sin x"
    if column.transform == Transform.quantile:
        return "normal quantile of x"
    if column.transform == Transform.log10:
        inside = f"log10({inside})"
    mean = "" if not column.mean else f" {'-' if column.mean > 0 else '+'} {abs(column.mean):.4g}"
    inside = f"({inside}{mean})" if mean else inside
    return f"{inside} / {column.scale:.4g}"


def _listing(content: Mapping[Any, Any]) -> str:
    return ", ".join(f"{str(key).replace('_', ' ')} {_value(value)}" for key, value in content.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({_listing(value)})"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _table(name: str, title: str, caption: str, columns: tuple[str, ...], rows: Sequence[tuple[Cell, ...]]) -> Table:
    return Table(name, Section.training, title, caption, columns, rows)
