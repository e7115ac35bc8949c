"""Which parts a job has: all at once for most, round by round where what is next depends on what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aeplugin.jobs.inputs import Inputs
from aeplugin.jobs.job import Job
from aeplugin.jobs.parts import Part, Record
from aeplugin.jobs.suggestions import suggest
from aeplugin.jobs.trials import Changes, grid, is_maximised, objective_of, random_trials

MODELS, TESTS = "models", "tests"
"""Folders of a study, with which the names of its parts begin."""


def make_parts(job: Job, inputs: Inputs) -> list[Part]:
    """The parts that a job begins with: one for each input, for training one, for a scan one for each trial, for a
    study one for each sample to train on.

    Raises:
        InputError: see `Inputs.names`.
    """
    if job.task == "train":
        return [Part("trained", inputs.files, {})]
    if job.task == "study":
        return [Part(f"{MODELS}/{name}", files, {}) for name, files in job.train.items()]
    if job.task == "scan":
        return _trials(_planned_trials(job), inputs, 0)
    return [Part(name, [file], {}) for name, file in zip(inputs.names(), inputs.files, strict=True)]


def needed_files(job: Job, inputs: Inputs) -> list[str]:
    """Files without which a scan or a study would end late, or in vain."""
    if job.task == "study":
        return [file for samples in (job.train, job.test) for files in samples.values() for file in files]
    return [*inputs.files, job.validate_on or inputs.files[0]] if job.task == "scan" else []


def grows(job: Job) -> bool:
    """Whether there are rounds after the first parts."""
    return job.task == "study" or job.search == "optuna"


def next_parts(
    job: Job, inputs: Inputs, folder: Path, parts: Sequence[Part], records: Mapping[str, Record | None]
) -> list[Part]:
    """The next round of a job that grows, none where it is at its end.

    Args:
        folder: the job's.
        parts: all so far.
        records: of all of these, None for one that was given up.

    Raises:
        ImportError: optuna is missing, and the job asks for it.
    """
    if job.task == "study":
        return _tests(job, folder, {part.name for part in parts})
    number = min(job.executor.workers, (job.trials or 0) - len(parts))
    if number <= 0:
        return []
    tried: list[tuple[Changes, float | None]] = []
    for part in parts:
        record = records[part.name]
        tried.append((part.changes, None if record is None else objective_of(record.facts, job.objective)))
    suggested = suggest(job.scan, tried, number, job.seed, maximise=is_maximised(job.objective))
    return _trials(suggested, inputs, len(parts))


def number_of_parts(job: Job, parts: Sequence[Part]) -> int:
    """How many parts a job has in the end, given those so far."""
    if job.task == "study":
        return len(job.train) * (1 + len(job.test))
    if job.search == "optuna" and job.trials is not None:
        return max(job.trials, len(parts))
    return len(parts)


def _planned_trials(job: Job) -> list[Changes]:
    """Those that do not depend on results."""
    if job.search == "grid":
        return grid(job.scan)
    return random_trials(job.scan, job.trials or 0, job.seed) if job.search == "random" else []


def _trials(trials: Sequence[Changes], inputs: Inputs, first: int) -> list[Part]:
    return [Part(f"trial-{number:03}", inputs.files, trial) for number, trial in enumerate(trials, first)]


def _tests(job: Job, folder: Path, known: set[str]) -> list[Part]:
    """A test of each model on each sample; the model is an input of it, so that another model is another test, and
    strangers are in its changes, so that with others the models stay."""
    tests = []
    strangers = {"strangers": job.strangers} if job.strangers else {}
    for trained in job.train:
        model = str(folder.resolve() / f"{MODELS}/{trained}.model")
        for tested, files in job.test.items():
            name = f"{TESTS}/{trained}/{tested}"
            if name not in known:
                tests.append(Part(name, [model, *files], strangers))
    return tests
