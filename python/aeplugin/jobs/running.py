"""Run a job: skip what is complete, start the rest, start again what was lost, and sum up."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from aeplugin import glue
from aeplugin.errors import InputError
from aeplugin.jobs.executors import Workers, workers
from aeplugin.jobs.folder import JobFolder
from aeplugin.jobs.job import Job, Task
from aeplugin.jobs.parts import Part, Record
from aeplugin.jobs.rounds import number_of_parts
from aeplugin.jobs.start import start_part
from aeplugin.jobs.summary import Failure, Summary

Progress = Callable[[float, str], None]
"""Called with the fraction of parts that is done, and a note."""

_LOGGER = logging.getLogger(__name__)
_WITH_GLUE: tuple[Task, ...] = ("convert", "scan", "compress", "score")
_POLL_SECONDS = 1.0


def run(job: Job, progress: Progress | None = None) -> Summary:
    """Run a job in its folder, which may have been begun before: parts that are complete stay as they are, after a
    check of their results. Writes ``summary.json`` there.

    Parts whose inputs cannot be used are counted and left out with `on_bad_input: skip`; otherwise the first failure
    ends the job, after the parts that run. Running it again goes on where it ended.

    Raises:
        InputError: the folder holds another job, is in use, or inputs are missing; all inputs were skipped.
        RecipeError: the recipe is missing or wrong.
        CompatibilityError, ImportError: the executor is not there.
    """
    folder = JobFolder(job.output)
    with folder.locked():
        parts = folder.prepare(job)
        folder.clear_attempts()
        complete = folder.records(parts)
        started = time.monotonic()
        outcome = _Outcome(number_of_parts(job, parts), complete, progress)
        if len(complete) < len(parts):
            if job.task in _WITH_GLUE:
                glue.library("root")  # once, before many parts do it at the same time
            with workers(job.executor, folder.logs) as pool:
                while rest := outcome.left(parts):
                    _run_parts(folder, job, rest, pool, outcome)
                    if outcome.failed:
                        break
                    parts = folder.prepare(job, outcome.done)
                    complete |= folder.records(outcome.left(parts))
        summary = Summary(
            task=job.task,
            parts=number_of_parts(job, parts),
            found=[complete[part.name] for part in parts if part.name in complete],
            made=[outcome.made[part.name] for part in parts if part.name in outcome.made],
            skipped=outcome.skipped,
            failed=outcome.failed,
            lost=outcome.lost,
            seconds=time.monotonic() - started,
        )
        folder.write_summary(summary.to_dict())
    if summary.skipped and len(summary.skipped) == len(parts):
        what = "trials can be done" if job.task == "scan" else "inputs can be used"
        raise InputError(f"none of the {len(parts)} {what}; the first: {summary.skipped[0].message}")
    return summary


def status(job: Job) -> Summary:
    """What is complete in the folder of a job, without running anything.

    Raises:
        InputError: there is no job in the folder.
    """
    folder = JobFolder(job.output)
    parts = list(folder.read()[1].values())
    found = list(folder.records(parts).values())
    return Summary(job.task, number_of_parts(job, parts), found, [], [], [], 0, 0.0)


class _Outcome:
    """What became of the parts so far."""

    def __init__(self, parts: int, complete: dict[str, Record], progress: Progress | None) -> None:
        self.made: dict[str, Record] = {}
        self.skipped: list[Failure] = []
        self.failed: list[Failure] = []
        self.lost = 0
        self._parts = parts
        self._complete = complete
        self._progress = progress

    @property
    def done(self) -> dict[str, Record | None]:
        """Records of all parts that are complete, None for those that were skipped."""
        return {**self._complete, **self.made, **dict.fromkeys(failure.part for failure in self.skipped)}

    def left(self, parts: Sequence[Part]) -> list[Part]:
        """Those that are neither complete nor skipped."""
        return [part for part in parts if part.name not in self.done]

    def tell(self, note: str) -> None:
        done = len(self._complete) + len(self.made) + len(self.skipped) + len(self.failed)
        if self._progress is not None:
            bad = f", {len(self.skipped)} skipped" if self.skipped else ""
            self._progress(done / self._parts, f"{done} of {self._parts} parts{bad} {note}")


def _run_parts(folder: JobFolder, job: Job, parts: Sequence[Part], workers: Workers, outcome: _Outcome) -> None:
    path, cache = str(folder.path.resolve()), str(glue.cache_dir())

    def submit(part: Part) -> Future[dict[str, Any]]:
        return workers.pool.submit(start_part, path, part.name, job.executor.cores, cache)

    attempts = {part.name: 1 for part in parts}
    running = {submit(part): part for part in parts}
    try:
        while running:
            finished, _ = wait(running, _POLL_SECONDS, FIRST_COMPLETED)
            for future in finished:
                part = running.pop(future)
                answer = _answer(future)
                if answer["status"] == "lost":
                    outcome.lost += 1
                    _LOGGER.warning("part %s was lost: %s", part.name, answer["message"])
                    if attempts[part.name] <= job.executor.retries:
                        attempts[part.name] += 1
                        running[submit(part)] = part
                        continue
                _note_answer(part, answer, job, outcome)
            if outcome.failed:
                _cancel_waiting(running)
            outcome.tell(workers.note())
    except BaseException:
        _cancel_waiting(running)
        raise


def _answer(future: Future[dict[str, Any]]) -> dict[str, Any]:
    try:
        return future.result()
    except Exception as error:  # dask's word that it lost a worker too often, or cannot reach one
        return {"status": "lost", "message": f"{type(error).__name__}: {error}"}


def _note_answer(part: Part, answer: dict[str, Any], job: Job, outcome: _Outcome) -> None:
    if answer["status"] == "done":
        outcome.made[part.name] = Record.of(answer["record"])
        return
    failure = Failure(part.name, part.inputs, answer.get("kind", "lost"), answer["message"])
    may_skip = job.on_bad_input == "skip" and answer.get("is_input", False)
    (outcome.skipped if may_skip else outcome.failed).append(failure)


def _cancel_waiting(running: dict[Future[dict[str, Any]], Part]) -> None:
    """Forget the parts that did not start; those that run are waited for."""
    for future in list(running):
        if future.cancel():
            running.pop(future)
