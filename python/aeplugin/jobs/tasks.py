"""What a part of each task does, from the plan of its job to files in a folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from aeplugin._core import Model
from aeplugin.compression import parse_compression
from aeplugin.errors import InputError
from aeplugin.jobs.parts import Part, Plan
from aeplugin.jobs.rounds import MODELS
from aeplugin.jobs.trials import with_fields
from aeplugin.recipe import Recipe
from aeplugin.remote import local_copy


@dataclass(frozen=True)
class _Work:
    """What a task needs.

    Attributes:
        recipe: the job's, with the changes of a trial.
        model: the job's.
        folder: where the results go.
    """

    part: Part
    settings: dict[str, Any]
    recipe: Recipe | None
    model: Model | None
    folder: Path
    threads: int

    def target(self, suffix: str) -> Path:
        """Path of a result, whose folder is there."""
        path = self.folder / (self.part.name + suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def source(self) -> Iterator[Path]:
        """The only input of the part, as a local file."""
        with local_copy(self.part.inputs[0]) as path:
            yield path


def perform(plan: Plan, part: Part, model: Path, folder: Path, threads: int) -> dict[str, Any]:
    """Do a part; results appear in `folder`, under names that begin with the part's.

    Args:
        model: where the copy of the job's model is, if it has one.

    Returns:
        What there is to tell, as plain data; "source_bytes", "target_bytes" and "events" where that makes sense.

    Raises:
        aeplugin.errors.Error: see the functions that the tasks call.
        OSError: a disk is full, or a file cannot be written.
        ImportError: an extra is missing here.
    """
    fields = part.changes if plan.task == "scan" else {}
    recipe = None if plan.recipe is None else with_fields(Recipe.from_text(plan.recipe), fields)
    networks = Model.from_file(str(model)) if plan.model is not None else None
    return _TASKS[plan.task](_Work(part, plan.settings, recipe, networks, folder, threads))


def _convert(work: _Work) -> dict[str, Any]:
    from aeplugin.formats import convert

    settings = work.settings
    target = work.target(".root")
    with work.source() as source:
        converted = convert(
            source,
            target,
            recipe=work.recipe,
            tree=settings["tree"],
            layout=settings["layout"],
            ttree=settings["ttree"],
            skip_bad_lines=settings["on_bad_line"] == "skip",
            threads=work.threads,
        )
        return {
            "events": converted.events,
            "bad_lines": converted.bad_lines,
            **_sizes(source, target),
        }


def _compress(work: _Work) -> dict[str, Any]:
    with work.source() as source:
        return _compress_to(work, source, work.target(".root"), work.model)


def _compress_to(work: _Work, source: Path, target: Path, networks: Model | None) -> dict[str, Any]:
    from aeplugin import rdf
    from aeplugin.compilation import model_for
    from aeplugin.inspection import compression_facts
    from aeplugin.readers import other_objects

    tree = work.settings.get("tree")
    model = model_for(source, work.recipe, networks, tree, work.settings.get("codec"))
    algorithm, level = parse_compression(work.settings["compression"])
    rdf.compress(source, target, model, tree=tree or "", compression=algorithm, level=level, threads=work.threads)
    facts = compression_facts(source, target)
    return {**facts, "left_out": other_objects(source, facts["table"])}


def _train(work: _Work) -> dict[str, Any]:
    model = _train_on(work)
    if work.recipe is not None and work.recipe.events is not None:
        from aeplugin.training.events import train_events

        train_events(work.part.inputs, work.recipe).save(work.target(".events"))
    return _training_facts(model)


def _train_on(work: _Work) -> Model:
    from aeplugin.training import train

    assert work.recipe is not None  # the job's schema asks for it
    model = train(work.part.inputs, work.recipe)
    model.save(str(work.target(".model")))
    return model


def _training_facts(model: Model) -> dict[str, Any]:
    """Objects of all collections, and the best validation loss of each."""
    summary = json.loads(model.training)["collections"]
    return {
        "objects": sum(collection["objects"] for collection in summary.values()),
        "losses": {name: collection["best_validation_loss"] for name, collection in summary.items()},
    }


def _scan(work: _Work) -> dict[str, Any]:
    from aeplugin.network_quality import network_quality

    started = time.monotonic()
    model = _train_on(work)
    seconds = time.monotonic() - started
    losses = _training_facts(model)["losses"]
    with local_copy(work.settings["validate_on"] or work.part.inputs[0]) as source:
        facts = _compress_to(work, source, work.target(".root"), model)
        quality = network_quality(model, source, threads=work.threads)
    collections = {name: {**each.to_dict(), "loss": losses[name]} for name, each in quality.items()}
    return {
        **facts,
        "changes": work.part.changes,
        "losses": losses,
        "collections": collections,
        "training_seconds": seconds,
        "parameters": sum(each.parameters for each in quality.values()),
        "model_bytes": len(model.to_bytes()),
    }


def _study(work: _Work) -> dict[str, Any]:
    if work.part.name.startswith(f"{MODELS}/"):
        return _train(work)
    from aeplugin.network_residuals import residuals_on

    model, *files = work.part.inputs
    found = residuals_on(Model.from_file(model), files, work.part.changes.get("strangers", ()))
    tests = [{"network": network, "collection": name, **each.to_dict()} for (network, name), each in found.items()]
    work.target(".json").write_text(json.dumps(tests, indent=1) + "\n", encoding="utf-8")
    return {"tests": tests}


def _score(work: _Work) -> dict[str, Any]:
    from aeplugin.scores import score_file

    assert work.model is not None  # the job's schema asks for it
    target = work.target(".root")
    with work.source() as source:
        events = score_file(source, work.model, target, work.settings["tree"])
        return {"events": events, **_sizes(source, target)}


def _plot(work: _Work) -> dict[str, Any]:
    from aeplugin.plots import Inputs, make_plots

    reconstructed = Path(work.settings["reconstructed"]) / (work.part.name + ".root")
    if not reconstructed.exists():
        raise InputError(f"{reconstructed}: no such file, expected the compressed form of {work.part.inputs[0]}")
    with work.source() as source:
        written = make_plots(Inputs([(source, reconstructed)], work.recipe), work.target("/plot").parent)
        return {"plots": len(written)}


def _sizes(source: Path, target: Path) -> dict[str, int]:
    return {"source_bytes": source.stat().st_size, "target_bytes": target.stat().st_size}


_TASKS = cast(
    dict[str, Callable[[_Work], dict[str, Any]]],
    {
        "convert": _convert,
        "train": _train,
        "scan": _scan,
        "study": _study,
        "compress": _compress,
        "score": _score,
        "plot": _plot,
    },
)
