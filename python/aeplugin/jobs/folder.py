"""The folder of a job: what is to be done, what is done, and the files that were made.

Everything but the results is in its folder ``.aeplugin``:

    job.json           what every part must know, and the parts
    model              a copy of the job's model
    done/NAME.json     the record of a part that is complete
    work/              a folder for each attempt that runs; results are moved out of it when they are whole
    logs/              what batch systems write
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import xxhash

from aeplugin.errors import Error, InputError, OutputError
from aeplugin.jobs.inputs import Inputs, find_inputs
from aeplugin.jobs.job import Job, check_name
from aeplugin.jobs.parts import Part, Plan, Record
from aeplugin.jobs.rounds import grows, make_parts, needed_files, next_parts
from aeplugin.jobs.trials import check_scan
from aeplugin.remote import is_url

_OWN = ".aeplugin"
_CHUNK = 1 << 22


class JobFolder:
    """The folder of a job."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._own = self.path / _OWN

    @property
    def _plan(self) -> Path:
        return self._own / "job.json"

    @property
    def _done(self) -> Path:
        return self._own / "done"

    @property
    def _work(self) -> Path:
        return self._own / "work"

    @property
    def logs(self) -> Path:
        """Where batch systems may write."""
        return self._own / "logs"

    @property
    def model(self) -> Path:
        """The copy of the model."""
        return self._own / "model"

    def prepare(self, job: Job, done: Mapping[str, Record | None] | None = None) -> list[Part]:
        """Write down what the parts must know; gives the parts.

        Of a job that goes on by what it found (see `aeplugin.jobs.rounds`) these are the parts up to the first round
        that is not complete.

        Args:
            done: records of parts that are known to be complete, None for a part that was given up; for others the
                folder is asked.

        Raises:
            InputError: the folder has results of another job, an input stands twice or in the folder, a glob matches
                nothing, or a file is missing that all parts need.
            OutputError: the folder cannot be made.
            RecipeError: the job's recipe is missing or wrong, or a trial of a scan is.
            ImportError: optuna is missing, and the job asks for it.
        """
        recipe = job.read_recipe()
        inputs = find_inputs(job, is_begun=self._plan.exists())
        if recipe is not None:
            check_scan(recipe, job.scan)
        for file in needed_files(job, inputs):
            stamp(file)
        model = None if job.model is None else _read(job.model)
        settings = {**_settings(job), "folder_of_inputs": inputs.folder}
        digest = None if model is None else hashlib.sha256(model).hexdigest()
        plan = Plan(job.task, settings, None if recipe is None else recipe.to_text(), digest)
        self._check_same(plan)
        parts = self._parts(job, inputs, plan, done or {})
        for folder in (self.logs, self._done, self._work):
            folder.mkdir(parents=True, exist_ok=True)
        if model is not None:
            _write(self.model, model)
        content = {"plan": asdict(plan), "parts": [asdict(part) for part in parts]}
        _write(self._plan, json.dumps(content, indent=1).encode())
        return parts

    def _parts(self, job: Job, inputs: Inputs, plan: Plan, done: Mapping[str, Record | None]) -> list[Part]:
        parts = make_parts(job, inputs)
        if not grows(job):
            return parts
        if job.task == "scan" and self._plan.exists():
            before, planned = self.read()
            if before == plan:  # trials that Optuna suggested stay, however many there are to be now
                parts = [part for part in planned.values() if part.inputs == inputs.files]
        while True:
            records: dict[str, Record | None] = {}
            for part in parts:
                record = done[part.name] if part.name in done else self.record(part)
                if record is None and part.name not in done:
                    return parts
                records[part.name] = record
            more = next_parts(job, inputs, self.path, parts, records)
            if not more:
                return parts
            parts = parts + more

    def read(self) -> tuple[Plan, dict[str, Part]]:
        """The plan, and the parts by their names.

        Raises:
            InputError: there is no job in this folder.
        """
        try:
            content = json.loads(self._plan.read_bytes())
            parts = {part["name"]: Part(**part) for part in content["parts"]}
            return Plan(**content["plan"]), parts
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self.path}: no folder of a job that can be read ({type(error).__name__}: {error}); "
                "`aeplugin run` makes one, and goes on with its results if .aeplugin/job.json is removed"
            ) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second `aeplugin run` out of the folder.

        Raises:
            InputError: one is at work.
            OutputError: the folder cannot be made.
        """
        try:
            self._own.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be made as the folder of a job ({error.strerror})") from None
        with open(self._own / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(f"{self.path}: another `aeplugin run` is at work in this folder") from None
            yield

    def clear_attempts(self) -> None:
        """Remove what attempts left that were killed; those that still run, under whatever executor, keep theirs."""
        for lock in self._work.glob("*.lock"):
            with open(lock, "w") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    continue
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink()

    @contextmanager
    def attempt(self) -> Iterator[Path]:
        """A new folder for an attempt at a part, removed afterwards."""
        with tempfile.TemporaryDirectory(dir=self._work, ignore_cleanup_errors=True) as folder:
            path = Path(folder + ".lock")
            with open(path, "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                try:
                    yield Path(folder)
                finally:
                    path.unlink(missing_ok=True)

    def complete(self, part: Part, made: Path, facts: Mapping[str, Any], host: str, seconds: float) -> Record:
        """Move the results of an attempt, all files in the folder `made`, to their places, and write the record.

        Raises:
            Error: there are none.
        """
        names = sorted(str(path.relative_to(made)) for path in made.rglob("*") if path.is_file())
        if not names:
            raise Error(f"part {part.name}: its results are gone from {made}; was the folder removed meanwhile?")
        results = {name: _fingerprint(made / name) for name in names}
        for name in names:
            target = self.path / check_name(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(made / name, target)
        record = Record(part, [stamp(name) for name in part.inputs], results, dict(facts), host, seconds)
        target = self._record(part.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, json.dumps(asdict(record), indent=1).encode())
        return record

    def record(self, part: Part) -> Record | None:
        """The record of a part, None where it is not complete: no record, another input, or results that changed."""
        try:
            record = Record.of(json.loads(self._record(part.name).read_bytes()))
            same = record.part == part and record.inputs == [stamp(name) for name in part.inputs]
            whole = all(_fingerprint(self.path / check_name(name)) == seen for name, seen in record.results.items())
        except (OSError, ValueError, KeyError, TypeError, InputError):
            return None
        return record if same and whole else None

    def records(self, parts: Sequence[Part]) -> dict[str, Record]:
        """The records of those parts that are complete, by name."""
        return {part.name: record for part in parts if (record := self.record(part)) is not None}

    def write_summary(self, content: Mapping[str, Any]) -> Path:
        """Write ``summary.json``; gives its path."""
        target = self.path / "summary.json"
        _write(target, (json.dumps(content, indent=2) + "\n").encode())
        return target

    def _record(self, name: str) -> Path:
        return self._done / f"{check_name(name)}.json"

    def _check_same(self, plan: Plan) -> None:
        if not self._plan.exists() or not any(self._done.rglob("*.json")):
            return  # nothing is done that would be mixed with other results
        old, new = asdict(self.read()[0]), asdict(plan)
        different = [key for key in new if old.get(key) != new[key]]
        if "settings" in different:
            keys = {**old["settings"], **new["settings"]}
            different.remove("settings")
            different += [key for key in keys if old["settings"].get(key) != new["settings"].get(key)]
        if different:
            raise InputError(
                f"{self.path}: holds results of a job with another {' and '.join(different)}; give this job an output "
                "of its own, or remove the folder"
            )


def stamp(name: str) -> list[int] | None:
    """Size and time of modification (ns) of an input; None for a URL.

    Raises:
        InputError: the file is missing.
    """
    if is_url(name):
        return None
    try:
        status = os.stat(name)
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from None
    return [status.st_size, status.st_mtime_ns]


def _settings(job: Job) -> dict[str, Any]:
    """What decides about the results, beside recipe, model and inputs."""
    left_out = {"inputs", "output", "on_bad_input", "executor", "recipe", "model", "task"}
    left_out |= {
        "trials",
        "objective",
        "train",
        "test",
        "strangers",
    }  # what is done stays with others
    return {key: value for key, value in job.model_dump(mode="json").items() if key not in left_out}


def _fingerprint(path: Path) -> list[Any]:
    """Size and checksum of a file."""
    digest = xxhash.xxh3_64()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return [path.stat().st_size, digest.hexdigest()]


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def _write(path: Path, content: bytes) -> None:
    """Write a small file that is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from None
