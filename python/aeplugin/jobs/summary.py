"""What a job did, at its end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from aeplugin.jobs.job import Task
from aeplugin.jobs.parts import Record


@dataclass(frozen=True)
class Failure:
    """A part that could not be done.

    Attributes:
        kind: the class of the error, or "lost" where the process died.
    """

    part: str
    inputs: list[str]
    kind: str
    message: str


@dataclass(frozen=True)
class Summary:
    """Result of `run`.

    Attributes:
        parts: how many the job has.
        found: parts that were complete before.
        made: parts done now.
        skipped: parts whose inputs cannot be used, where the job asks to go on.
        failed: parts that ended the job.
        lost: how often a part died and, if it had retries left, was started again.
        seconds: that this run took.
    """

    task: Task
    parts: int
    found: list[Record]
    made: list[Record]
    skipped: list[Failure]
    failed: list[Failure]
    lost: int
    seconds: float

    @property
    def records(self) -> list[Record]:
        """All complete parts."""
        return [*self.found, *self.made]

    @property
    def is_complete(self) -> bool:
        """Whether every part is done or was skipped."""
        return len(self.records) + len(self.skipped) == self.parts

    def total(self, fact: str) -> int:
        """The sum of a fact, such as "events", over the complete parts."""
        return sum(record.facts.get(fact) or 0 for record in self.records)

    @property
    def worst(self) -> dict[str, Any] | None:
        """Of all compressed parts the column that came nearest to its tolerance."""
        found = [record.facts["worst"] for record in self.records if record.facts.get("worst")]
        return max(found, key=lambda column: column["max_error"] / column["tolerance_value"], default=None)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data, for JSON."""
        totals = {fact: self.total(fact) for fact in ("events", "objects", "bad_lines", "source_bytes", "target_bytes")}
        return {
            "task": self.task,
            "complete": self.is_complete,
            "parts": self.parts,
            "found": len(self.found),
            "made": len(self.made),
            "lost": self.lost,
            "seconds": self.seconds,
            "totals": {fact: value for fact, value in totals.items() if value},
            "worst": self.worst,
            "skipped": [asdict(failure) for failure in self.skipped],
            "failed": [asdict(failure) for failure in self.failed],
            "records": [asdict(record) for record in self.records],
        }
