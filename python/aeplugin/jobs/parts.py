"""What a job consists of: a plan for all, parts that run by themselves, and records of those that are complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aeplugin.jobs.job import Task


@dataclass(frozen=True)
class Part:
    """A piece of a job that runs by itself.

    Attributes:
        name: a relative path, of which the names of its results are made.
        inputs: files and URLs.
        changes: for a trial of a scan, fields of the recipe and their values; for a test of a study, its strangers.
    """

    name: str
    inputs: list[str]
    changes: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What every part of a job must know; the same plan gives the same bytes.

    Attributes:
        settings: what the task takes, by the names of `Job`.
        recipe: its text, None without one.
        model: checksum of the model beside the plan, None without one.
    """

    task: Task
    settings: dict[str, Any]
    recipe: str | None
    model: str | None


@dataclass(frozen=True)
class Record:
    """What is known of a part that is complete.

    Attributes:
        inputs: for each input its size and time of modification (ns), None for a URL.
        results: for each file made its size and xxh3-64 checksum.
        facts: what the task tells about it, plain data.
    """

    part: Part
    inputs: list[list[int] | None]
    results: dict[str, list[Any]]
    facts: dict[str, Any]
    host: str
    seconds: float

    @staticmethod
    def of(content: Mapping[str, Any]) -> Record:
        """The record that `dataclasses.asdict` made plain data of."""
        return Record(**{**content, "part": Part(**content["part"])})
