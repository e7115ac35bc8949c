"""The trials of a scan in their order, and those of them that no other one beats."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from aeplugin.jobs.parts import Record
from aeplugin.jobs.trials import Changes, Objective, is_maximised, key_of, mean_over_objects, objective_of
from aeplugin.plots.plot import Cell, Section, Table, known

HEADINGS = {"bits": "bits per object", "loss": "validation loss", "fraction": "objects within"}
"""What tables call an objective."""
_FOUND = {
    "bits per object": "bits",
    "plain codec": "plain_bits",
    "validation loss": "loss",
    "objects within": "within",
    "values within": "values_within",
    "resolution": "resolution",
}
"""Columns of the table of trials, and what of `Trial` stands there."""


@dataclass(frozen=True)
class Trial:
    """What a trial found; numbers of several collections are averaged over objects.

    Attributes:
        name: of its part of the job, and of its files.
        changes: fields of the recipe and their values.
        objective: what trials are ranked by.
        bits, plain_bits: per object, of the codecs autoencoder and plain; the model itself is not in them.
        within: the share of objects all of whose variables the network alone keeps within their tolerances.
        values_within: the share of values that it keeps there.
        resolution: half the central 68 % of the network's residuals, in units of the tolerance.
        seconds: of the training.
    """

    name: str
    changes: Changes
    objective: float
    bits: float
    plain_bits: float
    loss: float
    within: float
    values_within: float
    resolution: float
    parameters: int
    model_bytes: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data, for JSON; None for what is not known."""
        return {key: known(value) if isinstance(value, float) else value for key, value in asdict(self).items()}


def trials_of(records: Iterable[Record], objective: Objective) -> list[Trial]:
    """What the complete trials of a scan found."""
    return [_trial(record, objective) for record in records]


def _trial(record: Record, objective: Objective) -> Trial:
    facts = record.facts
    means = {name: mean_over_objects(facts, name) for name in _FOUND.values()}
    return Trial(
        name=record.part.name,
        changes=record.part.changes,
        objective=objective_of(facts, objective),
        parameters=facts["parameters"],
        model_bytes=facts["model_bytes"],
        seconds=facts["training_seconds"],
        **means,
    )


def ranked(trials: Iterable[Trial], objective: Objective) -> list[Trial]:
    """The best trial first, those without an objective last; of equal ones the smaller network first."""
    sign = -1 if is_maximised(objective) else 1

    def key(trial: Trial) -> tuple[bool, float, int]:
        unknown = math.isnan(trial.objective)
        return unknown, 0.0 if unknown else sign * trial.objective, trial.parameters

    return sorted(trials, key=key)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """The points that no other one beats, being as small in both numbers and smaller in one, by the first number.

    Points with NaN beat nothing, and are not among them.

    Returns:
        Their places in `points`; of equal points the first.
    """
    values = np.asarray(points, float).reshape(-1, 2)
    finite = np.flatnonzero(~np.isnan(values).any(axis=1))
    order = finite[np.lexsort((finite, values[finite, 1], values[finite, 0]))]
    front = []
    lowest = math.inf
    for place in order:
        if values[place, 1] < lowest:
            lowest = float(values[place, 1])
            front.append(int(place))
    return front


def varying_fields(trials: Sequence[Trial]) -> list[str]:
    """Fields that not all trials have the same value of."""
    fields = dict.fromkeys(field for trial in trials for field in trial.changes)
    return [field for field in fields if len({key_of({"": trial.changes.get(field)}) for trial in trials}) > 1]


def short_names(fields: Sequence[str]) -> dict[str, str]:
    """For each field as many of its last words as tell it from the others: "latents", "Jet.loss.kind"."""
    names = {}
    for field in fields:
        words = field.split(".")
        ends = (".".join(words[-number:]) for number in range(1, len(words) + 1))
        others = [other for other in fields if other != field]
        names[field] = next((end for end in ends if not any(f".{o}".endswith(f".{end}") for o in others)), field)
    return names


def written(value: Any) -> str:
    """A value of a field in a few letters."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)


def ranking_table(trials: Sequence[Trial], objective: Objective) -> Table:
    """The trials, the best first: what varies, and what was found."""
    order = ranked(trials, objective)
    fields = varying_fields(trials)
    names = short_names(fields)
    rows: list[tuple[Cell, ...]] = []
    for rank, trial in enumerate(order, 1):
        values = [_cell(trial.changes.get(field)) for field in fields]
        found = [known(getattr(trial, name)) for name in _FOUND.values()]
        rows.append((rank, trial.name, *values, *found, trial.parameters, trial.model_bytes, known(trial.seconds)))
    order_of = "most" if is_maximised(objective) else "fewest" if objective == "bits" else "least"
    return Table(
        name="ranking",
        section=Section.training,
        title="Trials",
        caption=f"{len(order)} trials, the one with the {order_of} of '{HEADINGS[objective]}' first. Bits per object "
        "are those of the codec autoencoder without the model, beside the codec plain; objects within is the share of "
        "objects all of whose variables the network alone keeps within their tolerances, values within that of values; "
        "resolution is half the central 68 % of its residuals, in units of the tolerances.",
        columns=("rank", "trial", *(names[field] for field in fields), *_FOUND, "parameters", "model bytes", "seconds"),
        rows=rows,
    )


def _cell(value: Any) -> Cell:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if value is None or is_number or isinstance(value, str) else written(value)
