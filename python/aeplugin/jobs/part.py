"""One part of a job: run its task in a folder of its own, and move the results to their places when they are whole."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aeplugin.errors import CompatibilityError, CorruptionError, Error, InputError, OutputError, RecipeError, nearest
from aeplugin.jobs.folder import JobFolder, stamp
from aeplugin.jobs.parts import Part
from aeplugin.jobs.tasks import perform

_OF_INPUTS = (InputError, RecipeError, CorruptionError, CompatibilityError)
"""Errors that a file is to blame for: it cannot be read, or does not fit the recipe."""


def run_part(path: str | Path, name: str, threads: int = 1) -> dict[str, Any]:
    """Run a part of the job in a folder, if it is not complete yet.

    Returns:
        {"status": "done", "record": the record as plain data}, or
        {"status": "failed", "kind": name of the error's class, "is_input": whether the part's inputs are to blame,
        "message": what went wrong, "host": where}.
    """
    host = socket.gethostname()
    try:
        folder = JobFolder(path)
        plan, parts = folder.read()
        if name not in parts:
            raise InputError(f"{path}: no part called {name!r}{nearest(name, list(parts))}")
        record = folder.record(parts[name])
        if record is None:
            started = time.monotonic()
            before = [stamp(source) for source in parts[name].inputs]
            _date_pictures(before)
            with folder.attempt() as made:
                facts = perform(plan, parts[name], folder.model, made, threads)
                _check_unchanged(parts[name], before)
                record = folder.complete(parts[name], made, facts, host, time.monotonic() - started)
    except (Error, OSError, ImportError) as error:
        message = f"{host}: {error}" if isinstance(error, OSError) else str(error)
        is_input = isinstance(error, _OF_INPUTS) and not isinstance(error, OutputError)
        return {
            "status": "failed",
            "kind": type(error).__name__,
            "is_input": is_input,
            "message": message,
            "host": host,
        }
    return {"status": "done", "record": asdict(record)}


def _check_unchanged(part: Part, before: list[list[int] | None]) -> None:
    for name, old in zip(part.inputs, before, strict=True):
        if stamp(name) != old:
            raise InputError(f"{name}: changed while it was read; run the job again when it is complete")


def _date_pictures(inputs: list[list[int] | None]) -> None:
    """Give PDF files the date of the newest input, so that the same job makes the same bytes."""
    newest = max((status[1] for status in inputs if status is not None), default=0)
    os.environ.setdefault("SOURCE_DATE_EPOCH", str(newest // 10**9))
