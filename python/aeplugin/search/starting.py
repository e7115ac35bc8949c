"""Jobs that a command makes of its options, and writes into their own folders, so that `aeplugin run` goes on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from aeplugin.documents import from_yaml
from aeplugin.jobs import Job
from aeplugin.jobs.folder import JobFolder
from aeplugin.plots.saving import complete_file
from aeplugin.remote import is_url


def start_job(content: Mapping[str, Any], folder: Path, name: str) -> Job:
    """Make a job of what its file would say, check that it fits its folder, and write the file there.

    Args:
        content: without "output", which is `folder`; files by `full_name`.
        name: of the job file.

    Raises:
        RecipeError: the content breaks the schema, or a field of a scan is misspelt.
        InputError: the folder has results of another job, or inputs are missing.
        OutputError: the folder cannot be made.
    """
    text = yaml.safe_dump({**content, "output": "."}, sort_keys=False)
    job = from_yaml(Job, text, str(content["task"]), "a job").model_copy(update={"output": str(folder.absolute())})
    own = JobFolder(job.output)
    with own.locked():
        own.prepare(job)
    with complete_file(folder / name) as part:
        part.write_text(text, encoding="utf-8")
    return job


def full_name(name: str | Path) -> str:
    """A file by its full path, a URL as it is."""
    return str(name) if is_url(name) else os.path.abspath(name)


def recipe_name(name: str) -> str:
    """A recipe file by its full path, a shipped recipe by its name."""
    return os.path.abspath(name) if Path(name).exists() else name
